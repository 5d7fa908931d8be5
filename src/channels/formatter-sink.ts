/** The link between messages and bytes: marshals a value, encodes it, and both in reverse. One for each peer. */
import { SerializationError } from "../errors.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { Codec } from "./formatter.ts";
import { noAttachments } from "./payload.ts";
import type { UnmarshalContext, ValueMarshaler } from "./peer-host.ts";
import type { WireValue } from "./wire-value.ts";

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

/** Formats and parses payloads for one peer (IClientFormatterSink, IServerFormatterSink). */
export class FormatterSink {
  readonly #codec: Codec;
  readonly #marshaler: ValueMarshaler;
  #context: UnmarshalContext = emptyContext;
  readonly #resolve = (items: readonly unknown[]) => this.#marshaler.unmarshal(items, this.#context);

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
    if (isScalar(value)) {
      this.#codec.encode(value, writer);
      return noAttachments;
    }
    const attachments: Uint8Array[] = [];
    const wire: WireValue = this.#marshaler.marshal(value, root, attachments);
    try {
      this.#codec.encode(wire, writer);
    } catch (cause) {
      writer.position = start;
      this.#marshaler.rollback();
      throw cause instanceof SerializationError
        ? cause
        : new SerializationError(`${root} cannot be encoded: ${String(cause)}`, { cause, path: root });
    }
    return attachments;
  }

  /** Decodes a payload that a peer sent. Throws `SerializationError`. */
  parse(bytes: Buffer, start: number, end: number, context: UnmarshalContext): unknown {
    // A decoder's hook may run application code, which may make a call of its own: keep what was there.
    const outer = this.#context;
    this.#context = context;
    try {
      return this.#codec.decode(bytes, start, end, this.#resolve);
    } finally {
      this.#context = outer;
    }
  }

  /** Takes what the peer's codec wants this one to know. */
  receiveDefinition(definition: Buffer): void {
    this.#codec.receiveDefinition(definition);
  }
}
