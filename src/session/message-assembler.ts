/**
 * Frames out of messages. A whole message is walked in place. Of one that comes in pieces, fragments are
 * passed on piece by piece, so that large payloads are copied once, to where they belong; anything else is
 * small and is put together first.
 */
import { protocolError } from "../channels/byte-reader.ts";
import { frameHeaderSize, frameKind } from "./frame-kind.ts";

/** Who understands frames. */
export interface FrameReceiver {
  /** A whole frame: its body is `bytes[start..end)`. */
  onFrame(kind: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void;
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
  /** A fragment that is being passed on in pieces: its flags, id, and the bytes still to come. */
  #streaming = false;
  #flags = 0;
  #id = 0;
  #missing = 0;

  constructor(receiver: FrameReceiver) {
    this.#receiver = receiver;
  }

  /** Takes a message or a piece of one. Throws a protocol error. */
  receive(bytes: Buffer, start: number, end: number, complete: boolean): void {
    if (this.#streaming) {
      this.#stream(bytes, start, end);
      if (complete) this.#endStream();
    } else if (this.#pieces !== undefined) {
      this.#collect(bytes, start, end);
      if (complete) this.#finish();
    } else if (complete) {
      this.#walk(bytes, start, end);
    } else if (end - start >= frameHeaderSize && bytes[start + 4] === frameKind.fragment) {
      this.#streaming = true;
      this.#missing = bytes.readUInt32BE(start) - (frameHeaderSize - 4);
      this.#flags = bytes[start + 5] ?? 0;
      this.#id = bytes.readUInt32BE(start + 6);
      this.#stream(bytes, start + frameHeaderSize, end);
    } else {
      this.#collect(bytes, start, end);
    }
  }

  #stream(bytes: Buffer, start: number, end: number): void {
    this.#missing -= end - start;
    if (this.#missing < 0) throw protocolError("a fragment is not alone in its message");
    if (end > start) this.#receiver.onFragment(this.#flags, this.#id, bytes, start, end);
  }

  #endStream(): void {
    this.#streaming = false;
    if (this.#missing !== 0) throw protocolError("a message ends in the middle of a fragment");
  }

  #collect(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    const pieces = this.#pieces;
    // Doubled rather than listed: a message that comes byte by byte must not cost an object for each byte.
    if (pieces === undefined || this.#length + length > pieces.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(1024, (this.#length + length) * 2));
      pieces?.copy(larger, 0, 0, this.#length);
      this.#pieces = larger;
    }
    bytes.copy(this.#pieces as Buffer, this.#length, start, end);
    this.#length += length;
  }

  #finish(): void {
    const message = this.#pieces;
    const length = this.#length;
    this.#pieces = undefined;
    this.#length = 0;
    if (message !== undefined) this.#walk(message, 0, length);
  }

  #walk(bytes: Buffer, start: number, end: number): void {
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
      else receiver.onFrame(kind, flags, id, bytes, position + frameHeaderSize, next);
      if (!receiver.accepting) return;
      position = next;
    }
  }
}
