// The receiving half of the floor: frames that lie whole in a chunk are decoded where they lie; one that
// spans chunks is put together in a buffer of its exact size, so each of its bytes is copied once.

import type { Unpackr } from "msgpackr";
import { headerLength, paddedLength } from "./frame-writer.ts";

const nothing = Buffer.alloc(0);

export class FrameReader {
  readonly #decoder: Unpackr;
  readonly #receive: (message: unknown) => void;
  readonly #range = { start: 0, end: 0 };
  #rest: Buffer = nothing;
  #frame: Buffer | undefined;
  #filled = 0;

  constructor(decoder: Unpackr, receive: (message: unknown) => void) {
    this.#decoder = decoder;
    this.#receive = receive;
  }

  push(received: Buffer): void {
    let chunk = received;
    let position = 0;
    if (this.#frame !== undefined) {
      position = chunk.copy(this.#frame, this.#filled);
      this.#filled += position;
      if (this.#filled < this.#frame.length) return;
      const frame = this.#frame;
      this.#frame = undefined;
      this.#decode(frame, 0, frame.readUInt32LE(0));
    } else if (this.#rest.length > 0) {
      chunk = Buffer.concat([this.#rest, chunk]);
      this.#rest = nothing;
    }
    while (chunk.length - position >= headerLength) {
      const length = chunk.readUInt32LE(position);
      const next = position + paddedLength(headerLength + length);
      if (next > chunk.length) {
        this.#frame = Buffer.allocUnsafe(next - position);
        this.#filled = chunk.copy(this.#frame, 0, position);
        return;
      }
      this.#decode(chunk, position, length);
      position = next;
    }
    if (position < chunk.length) this.#rest = chunk.subarray(position);
  }

  #decode(source: Buffer, position: number, length: number): void {
    const range = this.#range;
    range.start = position + headerLength;
    range.end = range.start + length;
    this.#receive(this.#decoder.unpack(source, range));
  }
}
