/** The link between messages and bytes: marshals a value, encodes it, and both in reverse. One for each peer. */
import { describeThrown, SerializationError } from "../errors.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { Codec } from "./formatter.ts";
import { noAttachments } from "./payload.ts";
import type { CountedReferences, UnmarshalContext, ValueMarshaler } from "./peer-host.ts";
import type { TagResolver, WireValue } from "./wire-value.ts";

/** A context for messages that carry nothing but their body. */
export const emptyContext: UnmarshalContext = { attachments: noAttachments };

function isScalar(value: unknown): value is undefined | null | boolean | number | string {
  switch (typeof value) {
    case "number":
    case "string":
    case "boolean":
    case "undefined":
      return true;
    default:
      return value === null;
  }
}

/** Lists that are longer are walked by the marshaler. */
const shortList = 15;

/** A list in which there is nothing to marshal, as most arguments are. A -0 is for the marshaler. */
function isListOfScalars(value: unknown): value is readonly WireValue[] {
  if (!Array.isArray(value) || value.length > shortList) return false;
  if (Object.getPrototypeOf(value) !== Array.prototype) return false;
  for (let index = 0; index < value.length; index++) {
    const item: unknown = value[index];
    if (!isScalar(item) || Object.is(item, -0)) return false;
  }
  return true;
}

/** Formats and parses payloads for one peer (IClientFormatterSink, IServerFormatterSink). */
export class FormatterSink implements TagResolver {
  readonly #codec: Codec;
  readonly #marshaler: ValueMarshaler;
  #context: UnmarshalContext = emptyContext;
  /** The references in what was formatted last, to be counted back if it is not sent; `undefined` if there are none. */
  counted: CountedReferences | undefined;

  constructor(codec: Codec, marshaler: ValueMarshaler) {
    this.#codec = codec;
    this.#marshaler = marshaler;
  }

  /**
   * Appends the formatted value to `writer`.
   *
   * @returns The binaries that travel beside the body.
   * @throws SerializationError; the writer is then back where it was.
   */
  format(value: unknown, root: string, writer: ByteWriter): readonly Uint8Array[] {
    const start = writer.position;
    this.counted = undefined;
    if (isScalar(value) || isListOfScalars(value)) {
      this.#codec.encode(value, writer);
      return noAttachments;
    }
    const attachments: Uint8Array[] = [];
    const wire: WireValue = this.#marshaler.marshal(value, root, attachments);
    const { counted } = this.#marshaler;
    try {
      this.#codec.encode(wire, writer);
    } catch (cause) {
      writer.position = start;
      if (counted !== undefined) this.#marshaler.rollback(counted);
      throw cause instanceof SerializationError
        ? cause
        : new SerializationError(`${root} cannot be encoded: ${describeThrown(cause)}`, {
            cause,
            path: root,
          });
    }
    this.counted = counted;
    return attachments;
  }

  /**
   * Decodes a payload that a peer sent. Throws `SerializationError`, or `LimitExceededError`; the references in it are
   * then not counted.
   */
  parse(bytes: Buffer, start: number, end: number, context: UnmarshalContext): unknown {
    // A decoder's hook may run application code, which may make a call of its own: keep what was there.
    const outer = this.#context;
    this.#context = context;
    const interrupted = this.#marshaler.begin();
    try {
      return this.#codec.decode(bytes, start, end, this);
    } catch (error) {
      this.#marshaler.undo();
      throw error;
    } finally {
      this.#context = outer;
      this.#marshaler.end(interrupted);
    }
  }

  /** What a tagged value of the payload being parsed stands for. */
  resolve(items: readonly unknown[]): unknown {
    return this.#marshaler.unmarshal(items, this.#context);
  }

  /**
   * Gives the references back that are in a payload which nobody waits for.
   *
   * @returns Whether they were: of a payload that cannot be read to its end, none is.
   */
  discard(bytes: Buffer, start: number, end: number, attachments: readonly Uint8Array[]): boolean {
    const discarded: string[] = [];
    try {
      this.parse(bytes, start, end, { attachments, discarded });
    } catch {
      return false;
    }
    this.#marshaler.refuse(discarded);
    return true;
  }

  /** Takes what the peer's codec wants this one to know. */
  receiveDefinition(definition: Buffer): void {
    this.#codec.receiveDefinition(definition);
  }
}
