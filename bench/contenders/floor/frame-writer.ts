// The sending half of the floor: msgpackr encodes straight behind four reserved bytes that then take the
// length, frames of one tick lie side by side and leave in one write, and the memory is used again once it
// has been sent.
//
// msgpackr starts every message at a multiple of eight, so a frame on this wire is padded to one.

import type { Socket } from "node:net";
import { type Packr, RESERVE_START_SPACE, REUSE_BUFFER_MODE } from "msgpackr";

export const headerLength = 4;
export const paddedLength = (length: number): number => (length + 7) & ~7;

interface Encoded extends Buffer {
  start: number;
  end: number;
}

const encodeOptions = REUSE_BUFFER_MODE | RESERVE_START_SPACE | headerLength;

// msgpackr encodes into one buffer for all its instances, so what is unsent is counted for all connections.
let memory: Buffer = Buffer.allocUnsafeSlow(256 * 1024);
let unsentBatches = 0;

const batchSent = (): void => {
  unsentBatches--;
};

export class FrameWriter {
  readonly #socket: Socket;
  readonly #encoder: Packr;
  readonly #finished: Buffer[] = [];
  readonly #flush: () => void;
  #target: Buffer | undefined;
  #start = 0;
  #end = 0;

  constructor(socket: Socket, encoder: Packr) {
    this.#socket = socket;
    this.#encoder = encoder;
    this.#flush = () => this.#writeBatch();
  }

  send(message: unknown): void {
    if (this.#target === undefined) {
      if (unsentBatches === 0) this.#encoder.useBuffer(memory);
      unsentBatches++;
      process.nextTick(this.#flush);
    }
    const encoded = this.#encoder.pack(message, encodeOptions) as Encoded;
    const { start, end } = encoded;
    encoded.writeUInt32LE(end - start - headerLength, start);
    if (encoded !== this.#target || start !== this.#end) {
      this.#finishStretch();
      this.#target = encoded;
      this.#start = start;
    }
    this.#end = start + paddedLength(end - start);
  }

  #finishStretch(): void {
    const target = this.#target;
    if (target === undefined) return;
    if (target.length > memory.length) memory = target;
    this.#finished.push(target.subarray(this.#start, this.#end));
    this.#target = undefined;
  }

  #writeBatch(): void {
    this.#finishStretch();
    const finished = this.#finished;
    const last = finished.length - 1;
    if (last > 0) this.#socket.cork();
    for (let index = 0; index <= last; index++) {
      this.#socket.write(finished[index] as Buffer, index === last ? batchSent : undefined);
    }
    if (last > 0) this.#socket.uncork();
    finished.length = 0;
  }
}
