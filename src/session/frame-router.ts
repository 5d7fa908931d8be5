/** Sorts the frames that a peer sends: each to the part of the session that it is for. */
import { type ByteReader, protocolError } from "../channels/byte-reader.ts";
import type { MemoryBudget } from "../channels/memory-budget.ts";
import type { Conversation } from "./conversation.ts";
import { noFields, readFields } from "./frame-fields.ts";
import { callFlag, fragmentFlag, frameHeaderSize, frameKind, signalFlag } from "./frame-kind.ts";
import type { FrameSender } from "./frame-sender.ts";
import { HeldFrames } from "./held-frames.ts";
import type { IncompleteFrame } from "./incoming-segments.ts";
import type { FrameReceiver } from "./message-assembler.ts";
import { monotonicTime } from "./monotonic-clock.ts";
import { checkReturnFlags } from "./outgoing-calls.ts";
import { readPayload } from "./payload-layout.ts";
import { creditReport, promptReport, type SessionLimits } from "./session-limits.ts";
import type { SessionPool } from "./session-pool.ts";

const noSegments: readonly Buffer[] = [];

/** The session whose frames are sorted. */
export interface RoutedSession {
  /** Whether frames are still wanted. */
  readonly accepting: boolean;
  /** What is going on in it; `undefined` until the handshake has succeeded. */
  readonly openConversation: Conversation | undefined;
  /** Takes a frame that came before the handshake has succeeded. */
  onHandshakeFrame(kind: number, reader: ByteReader): void;
  /** The peer has let go of references. */
  onReleased(): void;
  /** The peer takes no new calls. */
  onGoAway(): void;
}

/** See the head of this file. */
export class FrameRouter implements FrameReceiver {
  readonly #session: RoutedSession;
  readonly #sender: FrameSender;
  readonly #pool: SessionPool;
  readonly #limits: SessionLimits;
  readonly #budget: MemoryBudget;
  /** Borrowed for as long as a message is read. */
  #reader: ByteReader | undefined;
  #held: HeldFrames | undefined;
  /** Whether calls or answers have come since this was last asked. */
  #wasUsed = true;
  /** A ping that came in the present message: one answer is enough for all of them. */
  #pingId: number | undefined;
  /** Bytes of fragments, of calls and of returns, that were taken and not yet reported. */
  #takenOfCalls = 0;
  #takenOfReturns = 0;

  /** @param budget Counts what has come of incomplete payloads together with those of other peers. */
  constructor(
    session: RoutedSession,
    sender: FrameSender,
    pool: SessionPool,
    limits: SessionLimits,
    budget: MemoryBudget,
  ) {
    this.#session = session;
    this.#sender = sender;
    this.#pool = pool;
    this.#limits = limits;
    this.#budget = budget;
  }

  get accepting(): boolean {
    return this.#session.accepting;
  }

  /** When the payload was last added to that has waited the longest for its fragments. */
  get staleSince(): number | undefined {
    return this.#held?.staleSince;
  }

  /** Forgets what is not complete: the session has ended. */
  close(): void {
    this.#held?.clear();
  }

  /** Whether calls or answers have come since this was last asked. */
  takeUse(): boolean {
    const wasUsed = this.#wasUsed;
    this.#wasUsed = false;
    return wasUsed;
  }

  /** The end of a message, or of a piece of one: does once what would otherwise be done for each frame. */
  endOfMessage(): void {
    if (this.#reader !== undefined) {
      this.#pool.releaseReader(this.#reader);
      this.#reader = undefined;
    }
    this.#answerPing();
    this.#sender.endOfMessage();
  }

  #answerPing(): void {
    if (this.#pingId === undefined) return;
    const id = this.#pingId;
    this.#pingId = undefined;
    if (!this.#session.accepting) return;
    this.#sender.batch.begin(frameKind.pong, 0, id);
    this.#sender.finish();
  }

  onFrame(
    kind: number,
    flags: number,
    id: number,
    bytes: Buffer,
    start: number,
    end: number,
    owned: boolean,
  ): void {
    const reader = this.#readerOf(bytes, start, end);
    const conversation = this.#session.openConversation;
    if (conversation === undefined) {
      if (flags !== 0 || id !== 0) throw protocolError("a frame of the handshake has flags or an id");
      this.#session.onHandshakeFrame(kind, reader);
      return;
    }
    const { host, stage, outgoing, incoming } = conversation;
    switch (kind) {
      case frameKind.call:
      case frameKind.withdrawn:
        this.#wasUsed = true;
        if ((flags & callFlag.segments) === 0)
          incoming.onCall(flags, id, reader, noSegments, owned, kind === frameKind.withdrawn);
        else
          this.#heldFrames().holdCall(
            id,
            bytes,
            start,
            end,
            incoming.readRoute(flags, reader),
            incoming.size,
          );
        break;
      case frameKind.result:
      case frameKind.thrown:
        checkReturnFlags(flags);
        this.#wasUsed = true;
        if ((flags & callFlag.segments) === 0)
          onReturn(conversation, kind, flags, id, reader, noSegments, owned);
        else this.#heldFrames().holdReturn(id, bytes, start, end, outgoing?.isWaiting(id) ?? false);
        break;
      case frameKind.fault:
        outgoing?.onFault(flags, id, reader);
        break;
      case frameKind.cancel:
        incoming.onCancel(id);
        this.#held?.cancelCall(id);
        break;
      case frameKind.segments:
        this.#onComplete(conversation, id, flags, this.#heldFrames().announce(flags, id, reader));
        break;
      case frameKind.definition:
        stage.formatter.receiveDefinition(Buffer.from(bytes.subarray(start, end)));
        break;
      case frameKind.release:
        host.released(reader.readString(256), reader.readVarUint());
        this.#session.onReleased();
        break;
      case frameKind.unread:
        incoming.onUnread(id);
        this.#session.onReleased();
        break;
      case frameKind.signal:
        host.signalChanged(id, (flags & signalFlag.aborted) !== 0);
        break;
      case frameKind.ping:
        this.#pingId = id;
        break;
      case frameKind.credit:
        if (this.#sender.usesCredit) this.#sender.grant(flags, reader.readVarUint());
        break;
      case frameKind.goAway:
        this.#session.onGoAway();
        break;
      case frameKind.hello:
      case frameKind.welcome:
      case frameKind.refuse:
      case frameKind.authenticate:
        throw protocolError("a handshake came in the middle of a session");
      default:
        // A pong, or a kind of a later minor version: that something came is all that counts.
        break;
    }
  }

  #readerOf(bytes: Buffer, start: number, end: number): ByteReader {
    this.#reader ??= this.#pool.acquireReader();
    this.#reader.reset(bytes, start, end);
    return this.#reader;
  }

  #heldFrames(): HeldFrames {
    this.#held ??= new HeldFrames(this.#limits, this.#budget, (id) => {
      this.#session.openConversation?.outgoing?.tellUnread(id);
    });
    return this.#held;
  }

  onFragment(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const conversation = this.#session.openConversation;
    if (conversation === undefined) throw protocolError("a fragment came before the handshake");
    this.#reportTaken(flags, end - start);
    const held = this.#heldFrames();
    const complete = held.append(flags, id, bytes, start, end, monotonicTime());
    this.#onComplete(conversation, id, flags, complete);
  }

  fragmentDestination(flags: number, id: number): Buffer | undefined {
    return this.#held?.destination(flags, id);
  }

  /** Tells the peer, now and then, that it may send more fragments. */
  #reportTaken(flags: number, bytes: number): void {
    if (!this.#sender.usesCredit) return;
    const ofReturn = (flags & fragmentFlag.ofReturn) !== 0;
    const taken = bytes + (ofReturn ? this.#takenOfReturns : this.#takenOfCalls);
    const isDue = taken >= ((flags & fragmentFlag.report) === 0 ? creditReport : promptReport);
    if (ofReturn) this.#takenOfReturns = isDue ? 0 : taken;
    else this.#takenOfCalls = isDue ? 0 : taken;
    if (!isDue) return;
    this.#sender.batch.begin(frameKind.credit, ofReturn ? fragmentFlag.ofReturn : 0, 0);
    this.#sender.batch.writeVarUint(taken);
    this.#sender.finish();
  }

  /** A frame and all its segments are here: goes on as if they had come in one piece. */
  #onComplete(
    conversation: Conversation,
    id: number,
    fragmentFlags: number,
    complete: IncompleteFrame | undefined,
  ): void {
    if (complete === undefined) return;
    const { outgoing, incoming } = conversation;
    const { frame, route, segments = noSegments, refused } = complete;
    const kind = frame[0] ?? 0;
    const flags = frame[1] ?? 0;
    const isReturn = (fragmentFlags & fragmentFlag.ofReturn) !== 0;
    if (refused !== undefined) {
      if (isReturn) outgoing?.onRefusedReturn(id, refused);
      else incoming.onRefusedCall(flags, id, refused);
      return;
    }
    const reader = this.#readerOf(frame, frameHeaderSize - 4, frame.length);
    if (isReturn) onReturn(conversation, kind, flags, id, reader, segments, true);
    else incoming.onCall(flags, id, reader, segments, true, kind === frameKind.withdrawn, route);
  }
}

/** @param owned Whether the reader's memory may be kept. */
function onReturn(
  { outgoing, stage }: Conversation,
  kind: number,
  flags: number,
  id: number,
  reader: ByteReader,
  segments: readonly Buffer[],
  owned: boolean,
): void {
  const { headers, context } = (flags & callFlag.fields) === 0 ? noFields : readFields(reader);
  const { bytes, start, end, attachments } = readPayload(flags, reader, segments, owned);
  if (stage.hasSinks) {
    const body = Buffer.from(bytes.subarray(start, end));
    const kept = context === undefined ? undefined : Buffer.from(context);
    outgoing?.onTransformedReturn(kind, id, { body, attachments, headers }, kept);
  } else {
    outgoing?.onReturn(kind, id, bytes, start, end, attachments, context);
  }
}
