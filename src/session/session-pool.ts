/** What sessions need only while bytes pass: shared by all sessions of a channel, so that an idle one has none of it. */
import { ByteReader } from "../channels/byte-reader.ts";
import { BufferPool } from "./buffer-pool.ts";
import { FlushSchedule } from "./flush-schedule.ts";
import { FrameBatch } from "./frame-batch.ts";

/** As many as are busy at once; each is small, but a burst need not be remembered for ever. */
const maxSpares = 64;

/** Lends memory, batches and readers. Whatever is borrowed belongs to one session until it is given back. */
export class SessionPool {
  readonly buffers: BufferPool;
  readonly flushes = new FlushSchedule();
  readonly #batches: FrameBatch[] = [];
  readonly #readers: ByteReader[] = [];

  /** @param bufferSize The size of each buffer in bytes. */
  constructor(bufferSize: number) {
    this.buffers = new BufferPool(bufferSize);
  }

  /** An empty batch. */
  acquireBatch(): FrameBatch {
    return this.#batches.pop() ?? new FrameBatch(this.buffers);
  }

  /** Takes a batch back that is empty, and in which no frame is open. */
  releaseBatch(batch: FrameBatch): void {
    if (this.#batches.length < maxSpares) this.#batches.push(batch);
  }

  /** A reader that points at nothing. */
  acquireReader(): ByteReader {
    return this.#readers.pop() ?? new ByteReader();
  }

  /** Takes a reader back that nobody reads with any more. */
  releaseReader(reader: ByteReader): void {
    reader.clear();
    if (this.#readers.length < maxSpares) this.#readers.push(reader);
  }
}
