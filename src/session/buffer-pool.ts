/** Memory for messages on their way out, shared by all sessions of a domain so that an idle one has none. */

/** Buffers kept for reuse: two megabytes at most, enough for several large payloads in flight. */
const maxPooled = 32;

/** A stack of equally large buffers. */
export class BufferPool {
  readonly #size: number;
  readonly #free: Buffer[] = [];
  /** Bound, so that it can be handed to transports as it is. Takes only buffers of this pool's size. */
  readonly release = (buffer: Buffer): void => {
    if (buffer.length === this.#size && this.#free.length < maxPooled) this.#free.push(buffer);
  };

  /** @param size The size of each buffer in bytes. */
  constructor(size: number) {
    this.#size = size;
  }

  /** A buffer with arbitrary content. */
  acquire(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size);
  }
}
