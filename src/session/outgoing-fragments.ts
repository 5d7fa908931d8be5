/**
 * Payloads too large for one frame, cut into messages that are ready to go. They take turns, so a large one
 * delays another by no more than a fragment; and they leave only as fast as the peer takes them, so that
 * small frames never queue behind a large payload: neither here, nor in the buffers of the operating system.
 */
import { protocolError } from "../channels/byte-reader.ts";
import { messageHeadroom } from "../channels/connection.ts";
import type { BufferPool } from "./buffer-pool.ts";
import { writeFragmentHeader } from "./frame-batch.ts";
import { fragmentFlag, frameHeaderSize } from "./frame-kind.ts";
import { fragmentSize, initialCredit } from "./session-limits.ts";

/** A message that is ready to go. */
export interface OutgoingMessage {
  readonly memory: Buffer;
  /** Its bytes, headroom included. */
  readonly length: number;
}

interface OutgoingPayload {
  readonly messages: readonly OutgoingMessage[];
  readonly lane: Lane;
  next: number;
}

/** Calls and returns have credit of their own, so that answers never wait for calls. */
interface Lane {
  /** Bytes that the peer still takes. At most one fragment overdrawn. */
  credit: number;
}

/** The fragments that wait for one connection. */
export class OutgoingFragments {
  readonly #pool: BufferPool;
  readonly #payloads: OutgoingPayload[] = [];
  readonly #calls: Lane;
  readonly #returns: Lane;
  #turn = 0;
  #queuedBytes = 0;

  /** @param usesCredit Whether the peer reports what it has taken. If not, there is no bound. */
  constructor(pool: BufferPool, usesCredit: boolean) {
    this.#pool = pool;
    const credit = usesCredit ? initialCredit : Number.POSITIVE_INFINITY;
    this.#calls = { credit };
    this.#returns = { credit };
  }

  get isEmpty(): boolean {
    return this.#payloads.length === 0;
  }

  /** Bytes that wait here. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  #laneOf(flags: number): Lane {
    return (flags & fragmentFlag.ofReturn) === 0 ? this.#calls : this.#returns;
  }

  /** Whether the peer takes a fragment with these flags now. */
  hasCredit(flags: number): boolean {
    return this.#laneOf(flags).credit > 0;
  }

  /** Counts bytes that are sent past this queue. */
  spend(flags: number, bytes: number): void {
    this.#laneOf(flags).credit -= bytes;
  }

  /** The peer takes so many bytes more. */
  grant(flags: number, bytes: number): void {
    const lane = this.#laneOf(flags);
    lane.credit += bytes;
    if (lane.credit > initialCredit) throw protocolError("it gave credit for more than was sent");
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
    if (messages.length > 0) this.#payloads.push({ messages, lane: this.#laneOf(flags), next: 0 });
  }

  /** The next message to send, if the peer takes one. */
  take(): OutgoingMessage | undefined {
    for (let passed = 0; passed < this.#payloads.length; passed++) {
      if (this.#turn >= this.#payloads.length) this.#turn = 0;
      const payload = this.#payloads[this.#turn];
      const message = payload?.messages[payload.next];
      if (payload === undefined || message === undefined) return undefined;
      if (payload.lane.credit <= 0) {
        this.#turn++;
        continue;
      }
      payload.next++;
      payload.lane.credit -= message.length - messageHeadroom - frameHeaderSize;
      this.#queuedBytes -= message.length;
      if (payload.next === payload.messages.length) this.#payloads.splice(this.#turn, 1);
      else this.#turn++;
      return message;
    }
    return undefined;
  }

  /** Forgets everything, and gives its memory back. */
  clear(): void {
    for (const { messages, next } of this.#payloads.splice(0)) {
      for (const { memory } of messages.slice(next)) this.#pool.release(memory);
    }
    this.#queuedBytes = 0;
  }
}
