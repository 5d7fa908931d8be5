/** MessagePack for one peer: msgpackr, guarded by a validator and helped by shapes. */
import { Packr, Unpackr } from "msgpackr";
import {
  type ByteWriter,
  type Codec,
  type CodecOptions,
  RemotingError,
  SerializationError,
  type TagResolver,
  type WireValue,
} from "../../spi.ts";
import { withResolver } from "./extensions.ts";
import { decodeScalars, encodeScalars, notScalars } from "./scalars.ts";
import { maxFields, maxShapes, readDefinition, ShapeCandidates, writeDefinition } from "./shapes.ts";
import { Validator } from "./validator.ts";

/** A list of shapes as msgpackr keeps it. */
interface Structures extends Array<Structure> {
  sharedLength?: number;
  transitions?: object | null;
}

interface Structure extends Array<string> {
  isShared?: boolean;
  highByte?: number;
}

/**
 * After so many objects msgpackr's tree of key sequences is built anew, or objects used as dictionaries
 * would make it grow for ever.
 */
const maxObjectsBetweenRebuilds = 10_000;

/** Records with a number from this on have a second byte. */
const firstLongRecord = 32;

/** Its two halves are made when they are first needed: an idle peer, or one with scalars only, needs neither. */
export class MsgpackCodec implements Codec {
  readonly #options: CodecOptions;
  readonly #shapes: Structures = [];
  #encoder: Encoder | undefined;
  #decoder: Decoder | undefined;

  constructor(options: CodecOptions) {
    this.#options = options;
  }

  encode(value: WireValue, writer: ByteWriter): void {
    if (encodeScalars(value, writer)) return;
    this.#encoder ??= new Encoder(this.#options.sendDefinition);
    writer.writeBytes(this.#encoder.encode(value));
  }

  decode(bytes: Buffer, start: number, end: number, resolve: TagResolver): unknown {
    const scalars = decodeScalars(bytes, start, end, resolve);
    if (scalars !== notScalars) return scalars;
    this.#decoder ??= new Decoder(this.#shapes, this.#options);
    return this.#decoder.decode(bytes, start, end, resolve);
  }

  receiveDefinition(definition: Buffer): void {
    for (const keys of readDefinition(definition, this.#shapes.length)) {
      const structure: Structure = keys;
      const number = this.#shapes.length;
      structure.isShared = true;
      if (number >= firstLongRecord) structure.highByte = (number - firstLongRecord) >> 5;
      this.#shapes.push(structure);
      this.#shapes.sharedLength = this.#shapes.length;
    }
  }
}

class Encoder {
  readonly #packr: Packr;
  readonly #structures: Structures = [];
  readonly #candidates = new ShapeCandidates();
  #objects = 0;
  #told = 0;

  constructor(sendDefinition: CodecOptions["sendDefinition"]) {
    const shapes =
      sendDefinition === undefined
        ? { useRecords: false }
        : {
            structures: this.#structures,
            maxSharedStructures: maxShapes,
            // No definitions within a payload: each is either known to the peer before, or a plain map.
            maxOwnStructures: 0,
            useRecords: (object: object) => this.#mayBeShape(object),
            shouldShareStructure: (keys: string[]) => this.#candidates.isWorthy(keys),
            saveStructures: () => this.#tell(sendDefinition),
          };
    this.#packr = new Packr({
      ...shapes,
      variableMapSize: true,
      useToJSON: false,
      moreTypes: false,
    } as object);
  }

  encode(value: WireValue): Uint8Array {
    if (this.#objects > maxObjectsBetweenRebuilds) {
      this.#objects = 0;
      this.#structures.transitions = null;
    }
    return this.#packr.pack(value);
  }

  #mayBeShape(object: object): boolean {
    this.#objects++;
    let fields = 0;
    for (const _ in object) if (++fields > maxFields) return false;
    return fields > 0;
  }

  #tell(sendDefinition: (definition: Uint8Array) => void): void {
    const first = this.#told;
    this.#told = this.#structures.sharedLength ?? 0;
    sendDefinition(writeDefinition(first, this.#structures.slice(first, this.#told)));
  }
}

class Decoder {
  readonly #unpackr: Unpackr;
  readonly #validator: Validator;

  constructor(shapes: Structures, { limits }: CodecOptions) {
    this.#unpackr = new Unpackr({
      structures: shapes,
      useRecords: true,
      mapsAsObjects: true,
      moreTypes: false,
    } as object);
    this.#validator = new Validator(limits, (record) => shapes[record]?.length);
  }

  decode(bytes: Buffer, start: number, end: number, resolve: TagResolver): unknown {
    this.#validator.validate(bytes, start, end);
    try {
      return withResolver(resolve, () => this.#unpackr.unpack(bytes, { start, end }));
    } catch (cause) {
      if (cause instanceof RemotingError) throw cause;
      throw new SerializationError(`The payload cannot be decoded: ${String(cause)}`, { cause });
    }
  }
}
