/** Everything that leaves a session: gathers the frames of a turn, holds fragments back, hands both over. */
import { type Connection, messageHeadroom } from "../channels/connection.ts";
import type { MemoryBudget } from "../channels/memory-budget.ts";
import { noHeaders, type Payload } from "../channels/payload.ts";
import { LimitExceededError } from "../errors.ts";
import type { BufferPool } from "./buffer-pool.ts";
import { FrameBatch, writeFragmentHeader } from "./frame-batch.ts";
import { callFlag, fieldNumber, frameHeaderSize, frameKind } from "./frame-kind.ts";
import { OutgoingFragments, type OutgoingMessage } from "./outgoing-fragments.ts";
import {
  batchSize,
  fragmentSize,
  fragmentWindow,
  maxInlinePayload,
  queueOverload,
  queueRuin,
  type SessionLimits,
} from "./session-limits.ts";

/** Sends frames over one connection; until there is one, keeps them. */
export class FrameSender {
  /** The open batch. Frames are begun and ended in it; {@link finishPayload} or {@link finish} concludes each. */
  readonly batch: FrameBatch;
  /** The largest payload that the peer takes. */
  maxPayloadBytes: number;
  /** Whether the peer reports which fragments it has taken. */
  usesCredit = false;
  /** Whether more waits for the peer than it should: what makes it more has to wait. */
  isCongested = false;
  /** How many batches were handed to the transport. */
  flushedBatches = 0;

  readonly #pool: BufferPool;
  #fragments: OutgoingFragments | undefined;
  readonly #onFlushed: () => void;
  /** Full batches that wait for the connection. */
  readonly #waiting: OutgoingMessage[] = [];
  readonly #maxQueuedBytes: number;
  readonly #budget: MemoryBudget;
  /** What of {@link queuedBytes} was told to the budget. */
  #counted = 0;
  /** Bytes that were handed to the connection. */
  #handedOver = 0;
  #connection: Connection | undefined;
  #scheduled = false;
  readonly #flush = () => this.flush();

  /**
   * @param budget Counts what waits for the peer together with what waits for others.
   * @param onFlushed Called after what was begun so far was handed to the transport.
   */
  constructor(
    pool: BufferPool,
    { maxPayloadBytes, maxQueuedBytes }: Pick<SessionLimits, "maxPayloadBytes" | "maxQueuedBytes">,
    budget: MemoryBudget,
    onFlushed: () => void,
  ) {
    this.#pool = pool;
    this.batch = new FrameBatch(pool);
    this.maxPayloadBytes = maxPayloadBytes;
    this.#maxQueuedBytes = maxQueuedBytes;
    this.#budget = budget;
    this.#onFlushed = onFlushed;
  }

  /** The number of the open batch; see {@link flushedBatches}. */
  get openBatch(): number {
    return this.flushedBatches + this.#waiting.length;
  }

  /** Bytes that wait for the peer. */
  get queuedBytes(): number {
    return (this.#connection?.queuedBytes ?? 0) + (this.#fragments?.queuedBytes ?? 0);
  }

  /** Whether so much waits that nothing can be done but to give the peer up. */
  get isOverloaded(): boolean {
    return this.#counted > this.#maxQueuedBytes * queueRuin;
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
    this.isCongested = queued > this.#maxQueuedBytes;
  }

  /** Begins to send over a connection: first of all what was kept. */
  open(connection: Connection): void {
    this.#connection = connection;
    this.flush();
  }

  /** Sends nothing from now on. */
  close(): void {
    this.#connection = undefined;
    this.#fragments?.clear();
    this.#count();
    this.#waiting.length = 0;
    if (!this.batch.isEmpty) this.#pool.release(this.batch.take());
  }

  /** Ends the open frame, which has no payload. */
  finish(): void {
    this.batch.end();
    this.#schedule();
  }

  /** Writes the optional fields of a call or return, in front of its body. */
  writeFields(headers: Payload["headers"]): void {
    if (headers === noHeaders || headers.size === 0) return;
    const batch = this.batch;
    batch.setFlag(callFlag.fields);
    let text = "";
    for (const [name, value] of headers) text += `${name}\n${value}\n`;
    const length = Buffer.byteLength(text);
    // One field of `length` bytes with a number and a length of its own.
    batch.writeVarUint(1 + varUintSize(length) + length);
    batch.writeUint8(fieldNumber.sinkHeaders);
    batch.writeString(text);
  }

  /**
   * Ends the open frame with the payload that was written into it since `beginBody`. A small payload travels in
   * the frame, a large one behind it, in fragments.
   *
   * @param fragmentFlags Tells the peer which frame the fragments belong to.
   * @throws LimitExceededError if the peer would not take it, or too much waits for the peer already; the frame is
   *   then as if it had not been begun.
   */
  finishPayload(id: number, fragmentFlags: number, attachments: readonly Uint8Array[]): void {
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
      this.#finishInFragments(id, fragmentFlags, attachments);
      return;
    }
    if (attachments.length > 0) writeInlineAttachments(batch, attachments, total - batch.bodyLength);
    batch.end();
    this.#schedule();
  }

  #checkRoom(bytes: number): void {
    const most = this.#maxQueuedBytes * queueOverload;
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
    this.flush();
    this.#fragments ??= new OutgoingFragments(this.#pool, this.usesCredit);
    this.#fragments.add(id, flags, this.#sendDirectly(this.#fragments, id, flags, segments));
    this.flush();
  }

  /**
   * Sends segments from where they are, as far as the connection takes them at once; returns the rest. This is what
   * saves large binaries a copy. If anything waits already, nothing is sent: the rest will wait too, and has to be copied.
   */
  #sendDirectly(
    fragments: OutgoingFragments,
    id: number,
    flags: number,
    segments: readonly Uint8Array[],
  ): readonly Uint8Array[] {
    const connection = this.#connection;
    if (connection === undefined || !fragments.isEmpty || !fragments.hasCredit(flags)) return segments;
    if (connection.queuedBytes > 0 || !this.batch.isEmpty) return segments;
    const end = messageHeadroom + frameHeaderSize;
    for (const [index, segment] of segments.entries()) {
      let sent = 0;
      while (sent < segment.length) {
        const piece = segment.subarray(sent, sent + fragmentSize);
        const header = Buffer.allocUnsafe(end);
        writeFragmentHeader(header, messageHeadroom, flags, id, piece.length);
        connection.send(header, end, noRelease, piece);
        fragments.spend(flags, piece.length);
        this.#handedOver += end + piece.length;
        sent += piece.length;
        if (!fragments.hasCredit(flags)) {
          connection.flush();
          return [segment.subarray(sent), ...segments.slice(index + 1)];
        }
        if (connection.queuedBytes < fragmentWindow) continue;
        connection.flush();
        if (connection.queuedBytes > 0) return [segment.subarray(sent), ...segments.slice(index + 1)];
      }
    }
    return [];
  }

  #schedule(): void {
    if (this.batch.position >= batchSize) {
      this.flush();
    } else {
      this.#scheduleFlush();
    }
  }

  #scheduleFlush(): void {
    if (this.#scheduled || this.#connection === undefined) return;
    this.#scheduled = true;
    process.nextTick(this.#flush);
  }

  /** Hands over what was gathered, and of the fragments as many as the transport should hold. */
  flush(): void {
    this.#scheduled = false;
    if (this.batch.isOpen) {
      this.#scheduleFlush();
      return;
    }
    const connection = this.#connection;
    if (connection === undefined) {
      if (this.batch.position >= batchSize) {
        const length = this.batch.position;
        this.#waiting.push({ memory: this.batch.take(), length });
      }
      return;
    }
    const release = this.#pool.release;
    for (const { memory, length } of this.#waiting.splice(0)) {
      connection.send(memory, length, release);
      this.#handedOver += length;
      this.flushedBatches++;
    }
    const length = this.batch.position;
    if (length > 0) {
      connection.send(this.batch.take(), length, release);
      this.#handedOver += length;
      this.flushedBatches++;
    }
    while (connection.queuedBytes < fragmentWindow) {
      const message = this.#fragments?.take();
      if (message === undefined) break;
      connection.send(message.memory, message.length, release);
      this.#handedOver += message.length;
    }
    connection.flush();
    this.#count();
    this.#onFlushed();
  }
}

/** Headers of pieces that are sent from where they are come from Node's pool and need not be given back. */
function noRelease(): void {}

/** Appends the attachments, and behind them, because only now they are known, their lengths and number. */
function writeInlineAttachments(batch: FrameBatch, attachments: readonly Uint8Array[], bytes: number): void {
  batch.setFlag(callFlag.attachments);
  batch.reserve(bytes + 4 * (attachments.length + 1));
  for (const attachment of attachments) batch.writeBytes(attachment);
  for (const attachment of attachments) batch.writeUint32(attachment.length);
  batch.writeUint32(attachments.length);
}

function varUintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest >>>= 7) size++;
  return size;
}
