/** The frames of one turn of the event loop, gathered into one message. */
import { ByteWriter } from "../channels/byte-writer.ts";
import { messageHeadroom } from "../channels/connection.ts";
import type { BufferPool } from "./buffer-pool.ts";
import { frameHeaderSize, frameKind } from "./frame-kind.ts";

const noMemory = Buffer.alloc(0);

/** Frames are begun, written into like any {@link ByteWriter}, and ended; then the batch is taken and sent. */
export class FrameBatch extends ByteWriter {
  readonly #pool: BufferPool;
  #frameStart = -1;
  #bodyStart = 0;

  constructor(pool: BufferPool) {
    super(noMemory);
    this.#pool = pool;
  }

  get isEmpty(): boolean {
    return this.bytes.length === 0;
  }

  /** Begins a frame. Its length is filled in by {@link end}. */
  begin(kind: number, flags: number, id: number): void {
    if (this.bytes.length === 0) {
      this.bytes = this.#pool.acquire();
      this.position = messageHeadroom;
    }
    this.reserve(frameHeaderSize);
    this.#frameStart = this.position;
    const bytes = this.bytes;
    const at = this.position + 4;
    bytes[at] = kind;
    bytes[at + 1] = flags;
    bytes[at + 2] = id >>> 24;
    bytes[at + 3] = id >>> 16;
    bytes[at + 4] = id >>> 8;
    bytes[at + 5] = id;
    this.position = at + 6;
    this.#bodyStart = this.position;
  }

  /** Marks where the payload begins: all before it is the session's header. */
  beginBody(): void {
    this.#bodyStart = this.position;
  }

  /** The bytes of the payload so far. */
  get bodyLength(): number {
    return this.position - this.#bodyStart;
  }

  /** Removes the payload from the frame, to be sent in fragments. */
  takeBody(): Buffer {
    const body = Buffer.from(this.bytes.subarray(this.#bodyStart, this.position));
    this.position = this.#bodyStart;
    return body;
  }

  /** Sets a flag of the open frame. */
  setFlag(flag: number): void {
    const at = this.#frameStart + 5;
    this.bytes[at] = (this.bytes[at] ?? 0) | flag;
  }

  /** Where the open frame begins, to be {@link withdraw}n later. */
  get frameStart(): number {
    return this.#frameStart;
  }

  /** Turns a call frame that is still in the batch into one that is not run. */
  withdraw(frameStart: number): void {
    this.bytes[frameStart + 4] = frameKind.withdrawn;
  }

  /** Ends the open frame. */
  end(): void {
    this.setUint32(this.#frameStart, this.position - this.#frameStart - 4);
    this.#frameStart = -1;
  }

  /** Forgets the open frame. */
  cancel(): void {
    this.position = this.#frameStart;
    this.#frameStart = -1;
    if (this.position === messageHeadroom) {
      this.#pool.release(this.bytes);
      this.bytes = noMemory;
    }
  }

  /** Writes a whole frame; if one is open, in front of it. */
  insert(kind: number, body: Uint8Array): void {
    const open = this.#frameStart;
    if (open < 0) {
      this.begin(kind, 0, 0);
      this.writeBytes(body);
      this.end();
      return;
    }
    const shift = frameHeaderSize + body.length;
    this.reserve(shift);
    this.bytes.copyWithin(open + shift, open, this.position);
    const frameEnd = this.position + shift;
    const bodyStart = this.#bodyStart + shift;
    this.position = open;
    this.begin(kind, 0, 0);
    this.writeBytes(body);
    this.end();
    this.position = frameEnd;
    this.#frameStart = open + shift;
    this.#bodyStart = bodyStart;
  }

  /** The memory with all frames; read {@link position} for their length before. The batch is empty then. */
  take(): Buffer {
    const memory = this.bytes;
    this.bytes = noMemory;
    this.position = 0;
    return memory;
  }
}

/** Writes the header of a frame that is a message of its own. */
export function writeFragmentHeader(
  message: Buffer,
  at: number,
  flags: number,
  id: number,
  length: number,
): void {
  message.writeUInt32BE(length + frameHeaderSize - 4, at);
  message[at + 4] = frameKind.fragment;
  message[at + 5] = flags;
  message.writeUInt32BE(id, at + 6);
}
