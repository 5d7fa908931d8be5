/**
 * Frames out of messages. A whole message is walked in place. Of one that comes in pieces, fragments are
 * passed on piece by piece, so that large payloads are copied once, to where they belong; anything else is
 * small and is put together first.
 */
import { protocolError } from "../channels/byte-reader.ts";
import { frameHeaderSize, frameKind } from "./frame-kind.ts";

/** Who understands frames. */
export interface FrameReceiver {
  /**
   * A whole frame: its body is `bytes[start..end)`.
   *
   * @param owned Whether the memory belongs to this message alone, so that parts of it may be kept.
   */
  onFrame(
    kind: number,
    flags: number,
    id: number,
    bytes: Buffer,
    start: number,
    end: number,
    owned: boolean,
  ): void;
  /** A part of a fragment's data. */
  onFragment(flags: number, id: number, bytes: Buffer, start: number, end: number): void;
  /** Whether frames are still wanted: a session that has failed stops in the middle of a message. */
  readonly accepting: boolean;
}

/** Puts frames together for one connection. */
export class MessageAssembler {
  readonly #receiver: FrameReceiver;
  #pieces: Buffer | undefined;
  #length = 0;
  /** Messages that came in pieces and have ended. */
  #ended = 0;
  /** A fragment that is being passed on in pieces: its flags, id, and the bytes still to come. */
  #streaming = false;
  #flags = 0;
  #id = 0;
  #missing = 0;

  constructor(receiver: FrameReceiver) {
    this.#receiver = receiver;
  }

  /** The number of the message that has begun to arrive and has not ended; 0 if there is none. */
  get partialMessage(): number {
    return this.#streaming || this.#pieces !== undefined ? this.#ended + 1 : 0;
  }

  /** Takes a message or a piece of one. Throws a protocol error. */
  receive(bytes: Buffer, start: number, end: number, remaining: number): void {
    if (this.#streaming) {
      this.#stream(bytes, start, end);
      if (remaining === 0) this.#endStream();
    } else if (this.#pieces !== undefined) {
      this.#collect(this.#pieces, bytes, start, end);
      if (remaining === 0) this.#finish(this.#pieces);
    } else if (remaining === 0) {
      this.#walk(bytes, start, end, false);
    } else if (end - start >= frameHeaderSize && bytes[start + 4] === frameKind.fragment) {
      this.#streaming = true;
      this.#missing = bytes.readUInt32BE(start) - (frameHeaderSize - 4);
      this.#flags = bytes[start + 5] ?? 0;
      this.#id = bytes.readUInt32BE(start + 6);
      this.#stream(bytes, start + frameHeaderSize, end);
    } else {
      // Its length is known and limited. Filled in place rather than listed: a message that comes byte by byte must
      // not cost an object for each byte.
      this.#pieces = Buffer.allocUnsafeSlow(end - start + remaining);
      this.#length = 0;
      this.#collect(this.#pieces, bytes, start, end);
    }
  }

  #stream(bytes: Buffer, start: number, end: number): void {
    this.#missing -= end - start;
    if (this.#missing < 0) throw protocolError("a fragment is not alone in its message");
    if (end > start) this.#receiver.onFragment(this.#flags, this.#id, bytes, start, end);
  }

  #endStream(): void {
    this.#streaming = false;
    this.#ended++;
    if (this.#missing !== 0) throw protocolError("a message ends in the middle of a fragment");
  }

  #collect(message: Buffer, bytes: Buffer, start: number, end: number): void {
    if (end - start > message.length - this.#length)
      throw protocolError("a message is longer than was announced");
    bytes.copy(message, this.#length, start, end);
    this.#length += end - start;
  }

  #finish(message: Buffer): void {
    this.#pieces = undefined;
    this.#ended++;
    if (this.#length !== message.length) throw protocolError("a message is shorter than was announced");
    this.#walk(message, 0, message.length, true);
  }

  #walk(bytes: Buffer, start: number, end: number, owned: boolean): void {
    const receiver = this.#receiver;
    let position = start;
    while (position < end) {
      if (end - position < frameHeaderSize) throw protocolError("a message ends in the middle of a frame");
      const next = position + 4 + bytes.readUInt32BE(position);
      if (next > end || next < position + frameHeaderSize) {
        throw protocolError("a frame has a length that does not fit its message");
      }
      const kind = bytes[position + 4] ?? 0;
      const flags = bytes[position + 5] ?? 0;
      const id = bytes.readUInt32BE(position + 6);
      if (kind === frameKind.fragment)
        receiver.onFragment(flags, id, bytes, position + frameHeaderSize, next);
      else receiver.onFrame(kind, flags, id, bytes, position + frameHeaderSize, next, owned);
      if (!receiver.accepting) return;
      position = next;
    }
  }
}
