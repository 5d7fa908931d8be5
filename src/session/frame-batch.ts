/** The frames of one turn of the event loop, gathered into one message. */
import { writeUint32 } from "../channels/big-endian.ts";
import { ByteWriter } from "../channels/byte-writer.ts";
import { messageHeadroom } from "../channels/connection.ts";
import type { BufferPool } from "./buffer-pool.ts";
import { frameHeaderSize, frameKind } from "./frame-kind.ts";

const noMemory = Buffer.alloc(0);

/** An open frame that waits for another one to be written before it. */
interface ParkedFrame {
  readonly bytes: Buffer;
  readonly headerLength: number;
}

/** Frames are begun, written into like any {@link ByteWriter}, and ended; then the batch is taken and sent. */
export class FrameBatch extends ByteWriter {
  readonly #pool: BufferPool;
  #frames = 0;
  #frameStart = -1;
  #bodyStart = 0;
  #parked: ParkedFrame[] | undefined;

  constructor(pool: BufferPool) {
    super(noMemory);
    this.#pool = pool;
  }

  get isEmpty(): boolean {
    return this.bytes.length === 0;
  }

  /** How many frames were ended. */
  get frames(): number {
    return this.#frames;
  }

  /** Whether a frame was begun and not yet ended. */
  get isOpen(): boolean {
    return this.#frameStart >= 0;
  }

  /**
   * Begins a frame. Its length is filled in by {@link end}. If one is open, the new one comes before it: formatting
   * a payload may run application code (a getter, a `serialize` hook), which may make a call of its own.
   */
  begin(kind: number, flags: number, id: number): void {
    if (this.#frameStart >= 0) this.#park();
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
    writeUint32(bytes, at + 2, id);
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

  /** Makes room between the header and the payload, for what is known only now. Returns where it is. */
  insertBeforeBody(length: number): number {
    this.reserve(length);
    const at = this.#bodyStart;
    this.bytes.copyWithin(at + length, at, this.position);
    this.position += length;
    return at;
  }

  /** Whether the open frame was begun while another one was being written, which comes after it. */
  get isNested(): boolean {
    return this.#parked !== undefined && this.#parked.length > 0;
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

  /**
   * Ends the open frame.
   *
   * @param tailLength Bytes that belong to it and are not in this memory. Nothing can be begun behind it then.
   */
  end(tailLength = 0): void {
    this.setUint32(this.#frameStart, this.position - this.#frameStart - 4 + tailLength);
    this.#frameStart = -1;
    this.#frames++;
    if (this.#parked !== undefined) this.#unpark();
  }

  /** Forgets the open frame. */
  cancel(): void {
    this.position = this.#frameStart;
    this.#frameStart = -1;
    if (this.#parked !== undefined && this.#parked.length > 0) {
      this.#unpark();
    } else if (this.position === messageHeadroom) {
      this.#pool.release(this.bytes);
      this.bytes = noMemory;
    }
  }

  /** Writes a whole frame; if one is open, in front of it. */
  insert(kind: number, body: Uint8Array): void {
    this.begin(kind, 0, 0);
    this.writeBytes(body);
    this.end();
  }

  /** Takes the open frame out of the way of another one. */
  #park(): void {
    const start = this.#frameStart;
    this.#parked ??= [];
    this.#parked.push({
      bytes: Buffer.from(this.bytes.subarray(start, this.position)),
      headerLength: this.#bodyStart - start,
    });
    this.position = start;
  }

  /** Goes on with the frame that was parked last. */
  #unpark(): void {
    const parked = this.#parked?.pop();
    if (parked === undefined) return;
    this.#frameStart = this.position;
    this.#bodyStart = this.position + parked.headerLength;
    this.writeBytes(parked.bytes);
  }

  /** The memory with all frames; read {@link position} for their length before. The batch is empty then. */
  take(): Buffer {
    const memory = this.bytes;
    this.bytes = noMemory;
    this.position = 0;
    this.#frames = 0;
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
  writeUint32(message, at, length + frameHeaderSize - 4);
  message[at + 4] = frameKind.fragment;
  message[at + 5] = flags;
  writeUint32(message, at + 6, id);
}
