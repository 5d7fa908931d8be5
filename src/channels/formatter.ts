/** What turns a message's payload into bytes and back. */
import type { ByteWriter } from "./byte-writer.ts";
import type { TagResolver, WireValue } from "./wire-value.ts";

/** Bounds on what is decoded; each is checked before the memory that it bounds is used. */
export interface PayloadLimits {
  /** How deep arrays and objects may nest. Default 64: deeper than any sane contract, shallow for any stack. */
  readonly maxDepth: number;
  /** How many values one payload may hold. Default 1,000,000. */
  readonly maxNodes: number;
}

/** The bounds that hold unless a channel is given others. */
export const defaultPayloadLimits: PayloadLimits = { maxDepth: 64, maxNodes: 1_000_000 };

/** Makes codecs (IClientFormatterSinkProvider and IServerFormatterSinkProvider). Stateless and shared. */
export interface Formatter {
  /** Names the format in the handshake, for example `"msgpack"`. */
  readonly name: string;
  /** A codec for one peer. */
  createCodec(options: CodecOptions): Codec;
}

/** What a codec is given. */
export interface CodecOptions {
  readonly limits: PayloadLimits;
  /**
   * Sends something that the peer's codec must know before it meets the payload being encoded (the names of
   * a record's fields, say). Delivered in order, once. Absent where there is no ordered connection: then
   * every payload has to stand alone. To be called on these options, which it is a method of.
   */
  sendDefinition?(definition: Uint8Array): void;
}

/** Encodes for one peer and decodes what that peer sends. The peer is not trusted. */
export interface Codec {
  /** Appends the encoded value. Whatever was appended is discarded if it throws. */
  encode(value: WireValue, writer: ByteWriter): void;

  /**
   * Decodes exactly `bytes[start..end)`. Checks the bytes against the limits before it allocates.
   *
   * @throws SerializationError if they are malformed or exceed a limit.
   */
  decode(bytes: Buffer, start: number, end: number, resolver: TagResolver): unknown;

  /** Takes a definition from the peer. Throws `SerializationError`, and the connection ends, if it is not acceptable. */
  receiveDefinition(definition: Buffer): void;
}
