/**
 * What lies between a call's arrival and its method, if anything does: permission that takes time, channel sinks, a
 * caller that is behind with reading. Such calls are kept, bounded in number and bytes, and start in the order of their
 * arrival.
 */
import type { CallTarget } from "../channels/call-dispatcher.ts";
import type { Payload } from "../channels/payload.ts";
import { AbortError } from "../errors.ts";
import type { CallReplies } from "./call-replies.ts";
import type { FrameSender } from "./frame-sender.ts";
import { monotonicTime } from "./monotonic-clock.ts";
import { OrderedStage } from "./ordered-stage.ts";
import type { PayloadStage } from "./payload-stage.ts";
import { tooLate, tooMuchKept } from "./refused-calls.ts";
import type { ServedCall } from "./served-call.ts";
import type { SessionLimits } from "./session-limits.ts";
import { UnstartedCalls } from "./unstarted-calls.ts";
import { WaitingCalls } from "./waiting-calls.ts";

/** Who runs calls. */
export interface CallRunner {
  /** Runs a call now, whose arguments are formatted and lie from `start` to `end`. */
  run(call: ServedCall, target: CallTarget, bytes: Buffer, start: number, end: number): void;
}

/** Keeps the calls of one session that cannot begin yet. */
export class DeferredCalls {
  readonly #sender: FrameSender;
  readonly #stage: PayloadStage;
  readonly #replies: CallReplies;
  readonly #maxBytes: number;
  readonly #runner: CallRunner;
  readonly #order = new OrderedStage();
  /** All that are kept. */
  readonly #unstarted = new UnstartedCalls();
  /** Those of them that wait for the peer to read. */
  readonly #waiting = new WaitingCalls();
  #isResuming = false;

  /** @param replies Tells the peer of those that will never begin. */
  constructor(
    sender: FrameSender,
    stage: PayloadStage,
    replies: CallReplies,
    { maxReassemblyBytes }: Pick<SessionLimits, "maxReassemblyBytes">,
    runner: CallRunner,
  ) {
    this.#sender = sender;
    this.#stage = stage;
    this.#replies = replies;
    this.#maxBytes = maxReassemblyBytes;
    this.#runner = runner;
  }

  /** Calls that are kept. */
  get size(): number {
    return this.#unstarted.size;
  }

  /** Whether a call that wants an answer has this id. */
  has(id: number): boolean {
    return this.#unstarted.has(id);
  }

  /** Whether no call waits for permission or channel sinks, which a later one would overtake. */
  get isInOrder(): boolean {
    return this.#order.isEmpty;
  }

  /** Whether no call waits for the peer to read. */
  get isCaughtUp(): boolean {
    return this.#waiting.size === 0;
  }

  /** Waits for permission, then lets the channel sinks undo what the peer's have done; in the order of arrival. */
  prepare(
    call: ServedCall,
    target: CallTarget,
    payload: Payload,
    permission: Promise<undefined> | undefined,
  ): void {
    if (!this.#keep(call, payload)) return;
    this.#order.run(
      () => {
        const undone =
          permission === undefined
            ? this.#stage.incoming(payload)
            : permission.then(() => this.#stage.incoming(payload));
        // Earlier calls may take their time, and what was unpacked meanwhile is kept.
        return undone instanceof Promise
          ? undone.then((unpacked) => this.#keepUnpacked(call, unpacked))
          : this.#keepUnpacked(call, undone);
      },
      ({ body, attachments }) => {
        this.#unstarted.remove(call);
        if (call.isAborted) {
          this.#replies.refuse(call, new AbortError("The caller cancelled the call"));
          return;
        }
        const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
        call.attachments = attachments;
        if (!this.#sender.isCongested && this.isCaughtUp)
          this.#runner.run(call, target, bytes, 0, bytes.length);
        else this.wait(call, target, bytes);
      },
      (error) => {
        this.#unstarted.remove(call);
        this.#replies.refuse(call, error);
      },
    );
  }

  /** Keeps the arguments of a call that cannot begin yet, or refuses it if too much is kept already. */
  #keep(call: ServedCall, { body, attachments }: Pick<Payload, "body" | "attachments">): boolean {
    call.startClock();
    if (this.#unstarted.bytes > this.#maxBytes) {
      this.#replies.refuse(call, tooMuchKept(this.#unstarted.bytes));
      return false;
    }
    this.#unstarted.keep(call, body, attachments);
    return true;
  }

  #keepUnpacked(call: ServedCall, payload: Payload): Payload {
    const others = this.#unstarted.bytesWithout(call);
    if (others > this.#maxBytes) throw tooMuchKept(others);
    this.#unstarted.keep(call, payload.body, payload.attachments);
    return payload;
  }

  /**
   * Keeps a call until the peer has caught up with reading.
   *
   * @param body Its arguments, formatted, in memory of its own.
   */
  wait(call: ServedCall, target: CallTarget, body: Buffer): void {
    if (!this.#keep(call, { body, attachments: call.attachments })) return;
    this.#waiting.add({ call, target, body });
  }

  /** Starts calls that waited, as far as the peer has caught up. */
  resume(): void {
    const waiting = this.#waiting;
    if (waiting.size === 0 || this.#isResuming) return;
    // Replies flush, and a flush resumes: one of them at a time.
    this.#isResuming = true;
    while (!this.#sender.isCongested) {
      const next = waiting.take();
      if (next === undefined) break;
      const { call, target, body } = next;
      this.#unstarted.remove(call);
      if (call.deadline <= monotonicTime()) this.#replies.refuse(call, tooLate(call));
      else this.#runner.run(call, target, body, 0, body.length);
    }
    this.#isResuming = false;
  }

  /** The peer no longer wants a result. */
  cancel(id: number): void {
    const call = this.#unstarted.get(id);
    if (call === undefined) return;
    if (this.#waiting.remove(call)) {
      this.#unstarted.remove(call);
      this.#replies.refuse(call, new AbortError("The caller cancelled the call"));
    } else {
      call.cancel();
    }
  }

  /**
   * The peer is gone: nobody waits for those that want an answer. One-way calls that are being prepared still run; those
   * that waited until the peer reads do not, because it will not.
   */
  close(): void {
    this.#waiting.clear();
    this.#unstarted.cancelAll();
  }
}
