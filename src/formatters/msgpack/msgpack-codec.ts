/** MessagePack for one peer: msgpackr, guarded by a validator and helped by shapes. */
import { type Options, Packr, RESET_BUFFER_MODE, Unpackr } from "msgpackr";
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
import { maxShapes, readDefinition, ShapeCandidates, writeDefinition } from "./shapes.ts";
import { Validator } from "./validator.ts";

/** Options that msgpackr has but does not declare. */
interface PackrOptions extends Options {
  readonly maxOwnStructures?: number;
  readonly useToJSON?: boolean;
  readonly moreTypes?: boolean;
}

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
 * After so many bytes that held objects without a shape, msgpackr's tree of key sequences is built anew: objects
 * used as dictionaries would make it grow for ever.
 */
const maxBytesBetweenRebuilds = 256 * 1024;

/** Records with a number from this on have a second byte. */
const firstLongRecord = 32;

/** Its two halves are made when they are first needed: an idle peer, or one with scalars only, needs neither. */
export class MsgpackCodec implements Codec {
  readonly #options: CodecOptions;
  #shapes: Structures | undefined;
  #encoder: Encoder | undefined;
  #decoder: Decoder | undefined;

  constructor(options: CodecOptions) {
    this.#options = options;
  }

  encode(value: WireValue, writer: ByteWriter): void {
    if (encodeScalars(value, writer)) return;
    this.#encoder ??= new Encoder(this.#options);
    writer.writeBytes(this.#encoder.encode(value));
  }

  decode(bytes: Buffer, start: number, end: number, resolver: TagResolver): unknown {
    const scalars = decodeScalars(bytes, start, end, resolver);
    if (scalars !== notScalars) return scalars;
    this.#shapes ??= [];
    this.#decoder ??= new Decoder(this.#shapes, this.#options);
    return this.#decoder.decode(bytes, start, end, resolver);
  }

  receiveDefinition(definition: Buffer): void {
    this.#shapes ??= [];
    const shapes = this.#shapes;
    for (const keys of readDefinition(definition, shapes.length)) {
      const structure: Structure = keys;
      const number = shapes.length;
      structure.isShared = true;
      if (number >= firstLongRecord) structure.highByte = (number - firstLongRecord) >> 5;
      shapes.push(structure);
      shapes.sharedLength = shapes.length;
    }
  }
}

class Encoder {
  readonly #packr: Packr;
  readonly #structures: Structures = [];
  readonly #candidates = new ShapeCandidates();
  /** Bytes encoded since the tree of key sequences was last built. */
  #bytes = 0;
  #told = 0;

  constructor(options: CodecOptions) {
    const shapes =
      options.sendDefinition === undefined
        ? { useRecords: false }
        : {
            structures: this.#structures,
            maxSharedStructures: maxShapes,
            // No definitions within a payload: each is either known to the peer before, or a plain map.
            maxOwnStructures: 0,
            shouldShareStructure: (keys: string[]) => this.#candidates.isWorthy(keys),
            saveStructures: () => this.#tell(options),
          };
    const packing: PackrOptions = { ...shapes, variableMapSize: true, useToJSON: false, moreTypes: false };
    this.#packr = new Packr(packing);
  }

  /** The encoded value, in memory that the next call overwrites. */
  encode(value: WireValue): Uint8Array {
    if (this.#bytes > maxBytesBetweenRebuilds) {
      this.#bytes = 0;
      if (this.#candidates.rejected || this.#told === maxShapes) this.#structures.transitions = null;
      this.#candidates.rejected = false;
    }
    const encoded = this.#packr.pack(value, RESET_BUFFER_MODE);
    this.#bytes += encoded.length;
    return encoded;
  }

  #tell(options: CodecOptions): void {
    const first = this.#told;
    this.#told = this.#structures.sharedLength ?? 0;
    options.sendDefinition?.(writeDefinition(first, this.#structures.slice(first, this.#told)));
  }
}

class Decoder {
  readonly #unpackr: Unpackr;
  readonly #validator: Validator;

  constructor(shapes: Structures, { limits }: CodecOptions) {
    const options: PackrOptions = {
      structures: shapes,
      useRecords: true,
      mapsAsObjects: true,
      moreTypes: false,
    };
    this.#unpackr = new Unpackr(options);
    this.#validator = new Validator(limits, (record) => shapes[record]?.length);
  }

  decode(bytes: Buffer, start: number, end: number, resolver: TagResolver): unknown {
    this.#validator.validate(bytes, start, end);
    try {
      return withResolver(resolver, () => this.#unpackr.unpack(bytes, { start, end }));
    } catch (cause) {
      if (cause instanceof RemotingError) throw cause;
      throw new SerializationError(`The payload cannot be decoded: ${String(cause)}`, { cause });
    }
  }
}
