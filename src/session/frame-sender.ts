/** Everything that leaves a session: gathers the frames of a turn, holds fragments back, hands both over. */
import type { Connection } from "../channels/connection.ts";
import type { CodecOptions, PayloadLimits } from "../channels/formatter.ts";
import type { MemoryBudget } from "../channels/memory-budget.ts";
import type { Payload } from "../channels/payload.ts";
import { LimitExceededError } from "../errors.ts";
import type { Flushable } from "./flush-schedule.ts";
import type { FrameBatch } from "./frame-batch.ts";
import { callFlag, fieldNumber, frameKind } from "./frame-kind.ts";
import { OutgoingFragments } from "./outgoing-fragments.ts";
import {
  batchSize,
  budgetRuin,
  cheapBatchSize,
  fairShare,
  fragmentWindow,
  largestFragment,
  maxInlinePayload,
  queueOverload,
  queueRuin,
  type SessionLimits,
  smallestHalf,
  smallPayload,
} from "./session-limits.ts";
import type { SessionPool } from "./session-pool.ts";

/** A batch that is ready to go. */
interface OutgoingMessage {
  readonly memory: Buffer;
  /** Its bytes, headroom included. */
  readonly length: number;
}

/** Who is told by a sender. */
export interface FlushObserver {
  /** What was begun so far was handed to the transport. */
  onFlushed(): void;
}

/** Sends frames over one connection; until there is one, keeps them. */
export class FrameSender implements CodecOptions, Flushable {
  /** What is sent and received at most. */
  readonly limits: SessionLimits & PayloadLimits;
  /** The largest payload that the peer takes. */
  maxPayloadBytes: number;
  /** Whether the peer reports which fragments it has taken. */
  usesCredit = false;
  /** Whether it does so at once where it is asked to, and is so near that this takes no time. */
  isReportedPromptly = false;
  /** Whether more waits for the peer than it should: what makes it more has to wait. */
  isCongested = false;
  /** How many batches were handed to the transport. */
  flushedBatches = 0;

  readonly #pool: SessionPool;
  /** Borrowed while there is something in it. */
  #batch: FrameBatch | undefined;
  #fragments: OutgoingFragments | undefined;
  readonly #observer: FlushObserver;
  /** Full batches that wait for the connection. */
  #waiting: OutgoingMessage[] | undefined;
  readonly #budget: MemoryBudget;
  /** What of {@link queuedBytes} was told to the budget. */
  #counted = 0;
  /** Bytes that were handed to the connection. */
  #handedOver = 0;
  #connection: Connection | undefined;
  /** A batch with so many bytes leaves at once. */
  #fullBatch = batchSize;
  #isScheduled = false;
  /** Whether the message that is being dealt with ends in a flush, so that none has to be scheduled. */
  #leavesWithMessage = false;
  scheduledNext: Flushable | undefined = undefined;

  /**
   * @param budget Counts what waits for the peer together with what waits for others.
   */
  constructor(
    pool: SessionPool,
    limits: SessionLimits & PayloadLimits,
    budget: MemoryBudget,
    observer: FlushObserver,
  ) {
    this.#pool = pool;
    this.limits = limits;
    this.maxPayloadBytes = limits.maxPayloadBytes;
    this.#budget = budget;
    this.#observer = observer;
  }

  /**
   * The open batch. Frames are begun and ended in it: by {@link finish}, or by {@link finishPayload} and then one of those
   * that see to it that what was ended leaves, {@link leave} and {@link leaveInHalves}.
   */
  get batch(): FrameBatch {
    this.#batch ??= this.#pool.acquireBatch();
    return this.#batch;
  }

  /** The number of the open batch; see {@link flushedBatches}. */
  get openBatch(): number {
    return this.flushedBatches + (this.#waiting?.length ?? 0);
  }

  /** Bytes that wait for the peer. */
  get queuedBytes(): number {
    return (this.#connection?.queuedBytes ?? 0) + (this.#fragments?.queuedBytes ?? 0);
  }

  /** The limit of which so much is exceeded that nothing can be done but to give the peer up, if there is one. */
  get overloaded(): "maxQueuedBytes" | "maxTotalQueuedBytes" | undefined {
    const { limit, used } = this.#budget;
    if (this.#counted > this.limits.maxQueuedBytes * queueRuin) return "maxQueuedBytes";
    if (used > limit * budgetRuin && this.#counted > limit * fairShare) return "maxTotalQueuedBytes";
    return undefined;
  }

  /** Bytes that the operating system has taken so far: while something waits and this stands still, the peer does not read. */
  get takenBytes(): number {
    return this.#handedOver - (this.#connection?.queuedBytes ?? 0);
  }

  /** The peer has taken fragments of calls or of returns, and takes as much again. */
  grant(flags: number, bytes: number): void {
    if (this.#fragments === undefined) return;
    this.#fragments.grant(flags, bytes);
    if (!this.#fragments.isEmpty) this.flush();
  }

  #count(): void {
    const queued = this.queuedBytes;
    if (queued === this.#counted) return;
    this.#budget.add(queued - this.#counted);
    this.#counted = queued;
    this.isCongested = queued > this.limits.maxQueuedBytes || (queued > 0 && this.#budget.isExceeded);
  }

  /** Begins to send over a connection: first of all what was kept. */
  open(connection: Connection): void {
    this.#connection = connection;
    if (connection.sendsCheaply === true) this.#fullBatch = cheapBatchSize;
    if (this.#fragments !== undefined) this.#pace(this.#fragments, connection);
    this.flush();
  }

  /** Sends nothing from now on. */
  close(): void {
    this.#connection = undefined;
    this.#fragments?.clear();
    this.#count();
    this.#waiting = undefined;
    const batch = this.#batch;
    if (batch === undefined) return;
    if (!batch.isEmpty) this.#pool.buffers.release(batch.take());
    this.#giveBack(batch);
  }

  sendDefinition(definition: Uint8Array): void {
    this.batch.insert(frameKind.definition, definition);
  }

  /** Ends the open frame, which has no payload. */
  finish(): void {
    this.batch.end();
    this.leave();
  }

  /** Writes the optional fields of a call or return, in front of its body. */
  writeFields(headers: Payload["headers"], context: Buffer | undefined): void {
    if (headers.size === 0 && context === undefined) return;
    const batch = this.batch;
    batch.setFlag(callFlag.fields);
    let text = "";
    for (const [name, value] of headers) text += `${name}\n${value}\n`;
    const length = Buffer.byteLength(text);
    batch.writeVarUint((length === 0 ? 0 : fieldSize(length)) + (context ? fieldSize(context.length) : 0));
    if (length > 0) {
      batch.writeUint8(fieldNumber.sinkHeaders);
      batch.writeString(text);
    }
    if (context !== undefined) {
      batch.writeUint8(fieldNumber.context);
      batch.writeVarUint(context.length);
      batch.writeBytes(context);
    }
  }

  /**
   * Ends the open frame with the payload that was written into it since `beginBody`. A small payload travels in
   * the frame, a large one behind it, in fragments.
   *
   * @param fragmentFlags Tells the peer which frame the fragments belong to.
   * @param attachments Large ones must stay as they are until they have left, unless they are copied.
   * @throws LimitExceededError if the peer would not take it, or too much waits for the peer already; the frame is
   *   then as if it had not been begun.
   */
  finishPayload(id: number, fragmentFlags: number, attachments: readonly Uint8Array[], copies = false): void {
    const batch = this.batch;
    let total = batch.bodyLength;
    for (const attachment of attachments) total += attachment.length;
    if (total > this.maxPayloadBytes) {
      batch.cancel();
      throw new LimitExceededError(
        "maxPayloadBytes",
        `The message has ${total} bytes and the peer takes ${this.maxPayloadBytes}: send less at a time, or raise maxPayloadBytes on the receiving side`,
      );
    }
    if (total > maxInlinePayload) {
      this.#checkRoom(total);
      const own = copies ? attachments.map((attachment) => Buffer.from(attachment)) : attachments;
      this.#finishInFragments(id, fragmentFlags, own);
      return;
    }
    if (total > smallPayload && this.#counted > 0 && this.#budget.isExceeded) this.#checkRoom(total);
    this.#fragments?.share();
    if (attachments.length > 0) {
      const tail = this.#tailOf(attachments);
      writeInlineAttachments(batch, attachments, total - batch.bodyLength, tail);
      if (tail !== undefined) {
        batch.end(tail.length);
        this.#sendWithTail(batch, tail);
        return;
      }
    }
    batch.end();
  }

  /** The attachment that need not be copied into the batch, because the transport takes it from where it is. */
  #tailOf(attachments: readonly Uint8Array[]): Uint8Array | undefined {
    if (this.#connection?.sendCopy === undefined || this.batch.isNested) return undefined;
    const last = attachments.at(-1);
    // A smaller one may leave with frames that follow it.
    return last !== undefined && last.length >= batchSize ? last : undefined;
  }

  #sendWithTail(batch: FrameBatch, tail: Uint8Array): void {
    const length = batch.position;
    const memory = batch.take();
    this.#giveBack(batch);
    this.#connection?.sendCopy?.(memory, length, this.#pool.buffers.release, tail);
    this.#handedOver += length + tail.length;
    this.flushedBatches++;
    this.flush();
  }

  #checkRoom(bytes: number): void {
    const most = this.limits.maxQueuedBytes * queueOverload;
    const waiting = this.#counted;
    if (waiting + bytes <= most && !this.#budget.isExceededBy(bytes)) return;
    this.batch.cancel();
    throw waiting + bytes > most
      ? new LimitExceededError(
          "maxQueuedBytes",
          `${waiting} bytes wait for the peer to read them, and ${bytes} more would be too many: await some calls first, or raise maxQueuedBytes, a quarter of ${most}`,
        )
      : new LimitExceededError(
          "maxTotalQueuedBytes",
          `${this.#budget.used} bytes wait for all peers of this domain to read them, and ${bytes} more would be too many: maxTotalQueuedBytes is ${this.#budget.limit}`,
        );
  }

  #finishInFragments(id: number, flags: number, attachments: readonly Uint8Array[]): void {
    const batch = this.batch;
    const segments = [batch.takeBody(), ...attachments];
    batch.setFlag(callFlag.segments);
    batch.end();
    batch.begin(frameKind.segments, flags, id);
    batch.writeVarUint(segments.length);
    for (const segment of segments) batch.writeVarUint(segment.length);
    batch.end();
    this.#fragments ??= this.#createFragments();
    this.#fragments.add(id, flags, segments);
    this.flush();
  }

  #createFragments(): OutgoingFragments {
    const fragments = new OutgoingFragments();
    // Before the connection is open, nobody knows yet whether the peer reports; nothing is sent until then.
    if (this.#connection !== undefined) this.#pace(fragments, this.#connection);
    return fragments;
  }

  #pace(fragments: OutgoingFragments, connection: Connection): void {
    const { fragmentSize = fragments.fragmentSize } = connection;
    fragments.fragmentSize = Math.max(1, Math.min(fragmentSize, largestFragment));
    fragments.isReportedPromptly = this.isReportedPromptly;
    if (!this.usesCredit) fragments.liftCredit();
  }

  /** What was ended leaves with the end of the turn, or now if it is much. */
  leave(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    if (batch.position >= this.#fullBatch) this.flush();
    else this.#scheduleFlush();
  }

  /**
   * As {@link leave}, but half of the calls that are under way leave now: the peer works on one half of them while this
   * side is busy with the other. Where sending is cheap, one call is enough.
   *
   * @param mayWait Whether the call may still be taken back in this turn, for which it has to be there.
   */
  leaveInHalves(callsUnderWay: number, mayWait: boolean): void {
    const frames = this.#batch?.frames ?? 0;
    const connection = this.#connection;
    const isEnough =
      frames >= smallestHalf || (frames === 1 && !mayWait && connection?.sendsCheaply === true);
    if (isEnough && frames * 2 >= callsUnderWay && connection !== undefined) this.flush();
    else this.leave();
  }

  #scheduleFlush(): void {
    if (this.#isScheduled || this.#leavesWithMessage || this.#connection === undefined) return;
    this.#isScheduled = true;
    this.#pool.flushes.add(this);
  }

  flushScheduled(): void {
    this.#isScheduled = false;
    // What it was scheduled for may have left before.
    if (this.#batch !== undefined || this.#fragments?.isEmpty === false) this.flush();
  }

  /** What would leave with the end of the turn leaves now, because the turn waits for the peer before it ends. */
  flushBeforeWait(): void {
    if (this.#isScheduled && this.#batch?.isOpen === false) this.flush();
  }

  /** A message has come, and is dealt with until {@link endOfMessage}. */
  beginMessage(): void {
    this.#leavesWithMessage = this.#connection?.sendsCheaply === true;
  }

  /** Where sending is cheap, what was answered meanwhile does not wait for the end of the turn. */
  endOfMessage(): void {
    if (!this.#leavesWithMessage) return;
    this.#leavesWithMessage = false;
    if (this.#batch !== undefined) this.flush();
  }

  /** Hands over what was gathered, and of the fragments as many as the transport should hold. */
  flush(): void {
    const batch = this.#batch;
    if (batch?.isOpen) {
      this.#scheduleFlush();
      return;
    }
    const connection = this.#connection;
    if (connection === undefined) {
      if (batch !== undefined && batch.position >= batchSize) {
        const length = batch.position;
        this.#waiting ??= [];
        this.#waiting.push({ memory: batch.take(), length });
      }
      return;
    }
    if (this.#waiting !== undefined) {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      for (const { memory, length } of waiting) this.#sendBatch(connection, memory, length);
    }
    this.#flushBatch(connection);
    if (this.#fragments !== undefined) this.#sendFragments(connection, this.#fragments);
    connection.flush();
    this.#count();
    this.#observer.onFlushed();
  }

  /** Hands fragments over until the peer takes no more, or the connection holds as many as it should. */
  #sendFragments(connection: Connection, fragments: OutgoingFragments): void {
    while (connection.queuedBytes < fragmentWindow) {
      const fragment = fragments.take();
      if (fragment === undefined) return;
      const { header, data } = fragment;
      connection.send(header, header.length, noRelease, data);
      this.#handedOver += header.length + data.length;
      // What the operating system takes at once makes room at once.
      if (connection.queuedBytes >= fragmentWindow) connection.flush();
    }
  }

  #flushBatch(connection: Connection): void {
    const batch = this.#batch;
    if (batch === undefined || batch.isOpen) return;
    const length = batch.position;
    const memory = batch.take();
    // Before it is sent: the transport may ask for more meanwhile.
    this.#giveBack(batch);
    if (length > 0) this.#sendBatch(connection, memory, length);
  }

  /** @param batch Empty. One in which a frame is still being written belongs to whoever writes it. */
  #giveBack(batch: FrameBatch): void {
    if (batch.isOpen) return;
    this.#batch = undefined;
    this.#pool.releaseBatch(batch);
  }

  #sendBatch(connection: Connection, memory: Buffer, length: number): void {
    connection.send(memory, length, this.#pool.buffers.release);
    this.#handedOver += length;
    this.flushedBatches++;
  }
}

/** Headers of pieces that are sent from where they are come from Node's pool and need not be given back. */
function noRelease(): void {}

/**
 * Puts the number of the attachments and their lengths in front of the body, and the attachments behind it.
 *
 * @param tail The last of them, if it is not to be in the batch.
 */
function writeInlineAttachments(
  batch: FrameBatch,
  attachments: readonly Uint8Array[],
  bytes: number,
  tail: Uint8Array | undefined,
): void {
  batch.setFlag(callFlag.attachments);
  const table = 4 * (attachments.length + 1);
  batch.reserve(table + bytes - (tail === undefined ? 0 : tail.length));
  let at = batch.insertBeforeBody(table);
  batch.setUint32(at, attachments.length);
  for (const attachment of attachments) {
    at += 4;
    batch.setUint32(at, attachment.length);
    if (attachment !== tail) batch.writeBytes(attachment);
  }
}

/** The bytes of a field with its number and its length. */
function fieldSize(length: number): number {
  return 1 + varUintSize(length) + length;
}

function varUintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest >>>= 7) size++;
  return size;
}
