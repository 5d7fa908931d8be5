/**
 * Payloads too large for one frame, cut into fragments when they leave. They take turns, so a large one delays
 * another by no more than a fragment; and they leave only as fast as the peer takes them, so that small frames
 * never queue behind a large payload: neither here, nor in the buffers of the operating system. Nothing is copied:
 * fragments are sent from where the payload is, so a turn with a large one costs no more than one with a small one.
 */
import { protocolError } from "../channels/byte-reader.ts";
import { messageHeadroom } from "../channels/connection.ts";
import { writeFragmentHeader } from "./frame-batch.ts";
import { fragmentFlag, frameHeaderSize } from "./frame-kind.ts";
import { fragmentSize, initialCredit, localSharedCredit, sharedCredit } from "./session-limits.ts";

/** A fragment that is ready to go: a message that ends with its header, and the data that belong behind it. */
export interface OutgoingFragment {
  readonly header: Buffer;
  readonly data: Uint8Array;
}

interface OutgoingPayload {
  readonly id: number;
  readonly flags: number;
  readonly lane: Lane;
  readonly segments: readonly OutgoingSegment[];
  /** The segment to send from next, and how much of it was sent. */
  current: number;
  sent: number;
}

/** A segment, and the size that the peer was told. */
interface OutgoingSegment {
  readonly bytes: Uint8Array;
  readonly size: number;
}

/** Calls and returns have credit of their own, so that answers never wait for calls. */
interface Lane {
  /** Bytes that the peer still takes. At most one fragment overdrawn. */
  credit: number;
  /** Of the bytes under way, the last ones, if their fragments are reported at once: with them, all that went before. */
  prompt: number;
}

/** The payloads that wait for one connection. */
export class OutgoingFragments {
  readonly #payloads: OutgoingPayload[] = [];
  readonly #calls: Lane = { credit: initialCredit, prompt: 0 };
  readonly #returns: Lane = { credit: initialCredit, prompt: 0 };
  /** Whether the peer reports at once what it has taken where it is asked to, so that little need be under way. */
  isReportedPromptly = false;
  /** The most bytes of one fragment. */
  fragmentSize = fragmentSize;
  #turn = 0;
  /** When so many bytes more were reported, and nothing small has come, all credit is used again. */
  #sharedFor = 0;
  #queuedBytes = 0;

  /** The peer does not report what it has taken: there is no bound. */
  liftCredit(): void {
    this.#calls.credit = Number.POSITIVE_INFINITY;
    this.#returns.credit = Number.POSITIVE_INFINITY;
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

  /** Something small goes the same way: for a while less is under way, which it has to wait for. */
  share(): void {
    this.#sharedFor = initialCredit;
  }

  /** The peer takes so many bytes more. */
  grant(flags: number, bytes: number): void {
    const lane = this.#laneOf(flags);
    lane.credit += bytes;
    const underWay = initialCredit - lane.credit;
    if (underWay < 0) throw protocolError("it gave credit for more than was sent");
    if (lane.prompt > underWay) lane.prompt = underWay;
    this.#sharedFor -= bytes;
  }

  /** Whether the peer takes another fragment now. */
  #hasRoom({ credit, prompt }: Lane): boolean {
    if (this.#sharedFor <= 0) return credit > 0;
    const underWay = initialCredit - credit;
    if (!this.isReportedPromptly) return underWay < sharedCredit;
    // One that is reported at once is always under way: what was sent before it may not be reported without it.
    return credit > 0 && (prompt === 0 || underWay < localSharedCredit);
  }

  /** Adds a payload. Its segments must stay as they are until they have left. */
  add(id: number, flags: number, segments: readonly Uint8Array[]): void {
    const filled = segments.filter(({ length }) => length > 0);
    if (filled.length === 0) return;
    for (const { length } of filled) this.#queuedBytes += length;
    this.#payloads.push({
      id,
      flags,
      lane: this.#laneOf(flags),
      segments: filled.map((bytes) => ({ bytes, size: bytes.length })),
      current: 0,
      sent: 0,
    });
  }

  /** The next fragment to send, if the peer takes one. */
  take(): OutgoingFragment | undefined {
    for (let passed = 0; passed < this.#payloads.length; passed++) {
      if (this.#turn >= this.#payloads.length) this.#turn = 0;
      const payload = this.#payloads[this.#turn];
      if (payload === undefined) return undefined;
      if (this.#hasRoom(payload.lane)) return this.#cut(payload);
      this.#turn++;
    }
    return undefined;
  }

  #cut(payload: OutgoingPayload): OutgoingFragment | undefined {
    const segment = payload.segments[payload.current];
    if (segment === undefined) return undefined;
    const { bytes, size } = segment;
    const { sent, lane } = payload;
    const isPrompt = this.#sharedFor > 0 && this.isReportedPromptly;
    const length = Math.min(size - sent, isPrompt ? localSharedCredit : this.fragmentSize);
    // Of memory that its owner has meanwhile taken away, transferred or resized, the peer gets zeros: it waits for so many.
    const data = bytes.length === size ? bytes.subarray(sent, sent + length) : Buffer.alloc(length);
    payload.sent += length;
    lane.credit -= length;
    lane.prompt = isPrompt ? lane.prompt + length : 0;
    this.#queuedBytes -= length;
    if (payload.sent === size) {
      payload.current++;
      payload.sent = 0;
    }
    if (payload.current === payload.segments.length) this.#payloads.splice(this.#turn, 1);
    else this.#turn++;
    const header = Buffer.allocUnsafe(messageHeadroom + frameHeaderSize);
    const flags = payload.flags | (isPrompt ? fragmentFlag.report : 0);
    writeFragmentHeader(header, messageHeadroom, flags, payload.id, length);
    return { header, data };
  }

  /** Forgets everything. */
  clear(): void {
    this.#payloads.length = 0;
    this.#queuedBytes = 0;
  }
}
