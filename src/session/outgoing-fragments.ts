/**
 * Payloads too large for one frame, cut into messages that are ready to go. They take turns, so a large one
 * delays another by no more than a fragment; and they leave only as fast as the peer takes them, so that
 * small frames never queue behind a large payload.
 */
import { messageHeadroom } from "../channels/connection.ts";
import type { BufferPool } from "./buffer-pool.ts";
import { writeFragmentHeader } from "./frame-batch.ts";
import { frameHeaderSize } from "./frame-kind.ts";
import { fragmentSize } from "./session-limits.ts";

/** A message that is ready to go. */
export interface OutgoingMessage {
  readonly memory: Buffer;
  /** Its bytes, headroom included. */
  readonly length: number;
}

interface OutgoingPayload {
  readonly messages: readonly OutgoingMessage[];
  next: number;
}

/** The fragments that wait for one connection. */
export class OutgoingFragments {
  readonly #pool: BufferPool;
  readonly #payloads: OutgoingPayload[] = [];
  #turn = 0;
  #queuedBytes = 0;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  get isEmpty(): boolean {
    return this.#payloads.length === 0;
  }

  /** Bytes that wait here. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /**
   * Adds a payload. Its bytes are copied now: it travels by value, so what the application does to it
   * afterwards must not be seen.
   */
  add(id: number, flags: number, segments: readonly Uint8Array[]): void {
    const messages: OutgoingMessage[] = [];
    const start = messageHeadroom + frameHeaderSize;
    let message: Buffer | undefined;
    let filled = 0;
    const finish = (memory: Buffer) => {
      writeFragmentHeader(memory, messageHeadroom, flags, id, filled);
      messages.push({ memory, length: start + filled });
      this.#queuedBytes += start + filled;
      message = undefined;
      filled = 0;
    };
    for (const segment of segments) {
      let taken = 0;
      while (taken < segment.length) {
        message ??= this.#pool.acquire();
        const length = Math.min(segment.length - taken, fragmentSize - filled);
        message.set(
          length === segment.length ? segment : segment.subarray(taken, taken + length),
          start + filled,
        );
        filled += length;
        taken += length;
        if (filled === fragmentSize) finish(message);
      }
    }
    if (message !== undefined) finish(message);
    if (messages.length > 0) this.#payloads.push({ messages, next: 0 });
  }

  /** The next message to send. */
  take(): OutgoingMessage | undefined {
    if (this.#turn >= this.#payloads.length) this.#turn = 0;
    const payload = this.#payloads[this.#turn];
    const message = payload?.messages[payload.next];
    if (payload === undefined || message === undefined) return undefined;
    payload.next++;
    this.#queuedBytes -= message.length;
    if (payload.next === payload.messages.length) this.#payloads.splice(this.#turn, 1);
    else this.#turn++;
    return message;
  }

  /** Forgets everything. */
  clear(): void {
    this.#payloads.length = 0;
    this.#queuedBytes = 0;
  }
}
