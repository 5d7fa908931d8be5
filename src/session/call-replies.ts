/**
 * Tells the peer what has become of its calls: what methods returned or threw, and that a call was refused. A reply goes
 * the way of a payload, back through the channel sinks; a refusal is a fault, which has no payload.
 */
import { encodeContext } from "../channels/context-codec.ts";
import { noHeaders, type Payload } from "../channels/payload.ts";
import type { CountedReferences, ValueMarshaler } from "../channels/peer-host.ts";
import { AccessDeniedError, LimitExceededError, RemotingError, SerializationError } from "../errors.ts";
import type { ErrorOrigin } from "../messages/error-origin.ts";
import { AnsweredReferences } from "./answered-references.ts";
import { faultOf, writeFault } from "./fault.ts";
import { callFlag, faultFlag, fragmentFlag, frameKind } from "./frame-kind.ts";
import type { FrameSender } from "./frame-sender.ts";
import { OrderedStage } from "./ordered-stage.ts";
import type { PayloadStage } from "./payload-stage.ts";
import type { ServedCall } from "./served-call.ts";
import type { SessionOwner } from "./session-options.ts";

/** Who is told by {@link CallReplies}. */
export interface ReplyObserver {
  /** A call was refused, or an answer has left the channel sinks. */
  onAnswered(): void;
}

/** Answers the calls of one session, each once. */
export class CallReplies {
  /** Answers that are in the channel sinks. */
  underWay = 0;
  readonly #sender: FrameSender;
  readonly #stage: PayloadStage;
  readonly #marshaler: ValueMarshaler;
  readonly #owner: SessionOwner;
  readonly #observer: ReplyObserver;
  /** Keeps the order of answers, if there are channel sinks. */
  readonly #order: OrderedStage | undefined;
  /** Made when the first answer has references in it. */
  #answered: AnsweredReferences | undefined;
  #closed = false;

  /** @param owner Takes the errors of one-way calls. */
  constructor(
    sender: FrameSender,
    stage: PayloadStage,
    marshaler: ValueMarshaler,
    owner: SessionOwner,
    observer: ReplyObserver,
  ) {
    this.#sender = sender;
    this.#stage = stage;
    this.#marshaler = marshaler;
    this.#owner = owner;
    this.#observer = observer;
    this.#order = stage.hasSinks ? new OrderedStage() : undefined;
  }

  /** Answers nothing from now on: the peer is gone. */
  close(): void {
    this.#closed = true;
  }

  /** The method has returned, or its promise was fulfilled. */
  returned(call: ServedCall, value: unknown): void {
    this.#reply(call, frameKind.result, value, "result");
  }

  /** The method has thrown, or its promise was rejected. */
  threw(call: ServedCall, error: unknown): void {
    if (call.oneWay) {
      this.#owner.unobservedError(error, originOf(call));
      this.#completed(call);
      return;
    }
    try {
      this.#replyThrown(call, error);
    } catch (cause) {
      // Whoever looks at it, as at a proxy with traps, gets another error. All that is certain is that the method threw.
      const message = "The method threw something that cannot be examined";
      this.#writeFault(call, new RemotingError(message, { cause }), true);
      this.#completed(call);
    }
  }

  #replyThrown(call: ServedCall, error: unknown): void {
    if (error instanceof AccessDeniedError || error instanceof LimitExceededError) {
      // What refuses a call before its method knows that it did not run; a method that refuses has run itself.
      this.#writeFault(call, error, call.methodReached || error.mayHaveExecuted);
      this.#completed(call);
    } else {
      this.#reply(call, frameKind.thrown, error, "error");
    }
  }

  /** A call that was begun is over, in every respect. */
  #completed(call: ServedCall): void {
    call.onCompleted?.();
    if (call.scoped === undefined) return;
    this.#marshaler.dropScoped(call.scoped);
    call.scoped = undefined;
  }

  /** Sends what the method has returned or thrown. */
  #reply(call: ServedCall, kind: number, value: unknown, root: string): void {
    if (call.oneWay || this.#closed) {
      this.#completed(call);
    } else if (this.#order !== undefined) {
      let counted: CountedReferences | undefined;
      this.underWay++;
      this.#order.run(
        () => {
          const payload = this.#stage.outgoing(value, root);
          counted = this.#stage.formatter.counted;
          return payload;
        },
        (payload) => {
          this.#writeTransformed(call, kind, payload, counted);
          this.#replied();
        },
        (error) => {
          this.#takeBack(counted);
          this.#cannotReply(call, kind, error);
          this.#replied();
        },
      );
    } else {
      this.#writeFormatted(call, kind, value, root);
    }
  }

  /** An answer has left the channel sinks. */
  #replied(): void {
    this.underWay--;
    this.#observer.onAnswered();
  }

  /** The way without sinks: formats into the batch itself. */
  #writeFormatted(call: ServedCall, kind: number, value: unknown, root: string): void {
    const { batch } = this.#sender;
    let attachments: readonly Uint8Array[];
    const context = this.#returnedContext(call, kind);
    if (context === false) return;
    batch.begin(kind, 0, call.id);
    if (context !== undefined) {
      this.#sender.writeFields(noHeaders, context);
      batch.beginBody();
    }
    try {
      attachments = this.#stage.formatter.format(value, root, batch);
    } catch (error) {
      batch.cancel();
      this.#cannotReply(call, kind, error);
      return;
    }
    this.#finishReply(call, kind, attachments, this.#stage.formatter.counted);
  }

  /** Counts back what the peer does not get. */
  #takeBack(counted: CountedReferences | undefined): void {
    if (counted !== undefined) this.#marshaler.rollback(counted);
  }

  #writeTransformed(
    call: ServedCall,
    kind: number,
    payload: Payload,
    counted: CountedReferences | undefined,
  ): void {
    if (this.#closed) {
      this.#completed(call);
      return;
    }
    const context = this.#returnedContext(call, kind);
    if (context === false) return;
    const { batch } = this.#sender;
    batch.begin(kind, 0, call.id);
    this.#sender.writeFields(payload.headers, context);
    batch.beginBody();
    batch.writeBytes(payload.body);
    this.#finishReply(call, kind, payload.attachments, counted);
  }

  /**
   * What goes back in the call context: nothing, unless the method returned and has changed something.
   *
   * @returns `false` if it cannot travel; the caller is told.
   */
  #returnedContext(call: ServedCall, kind: number): Buffer | undefined | false {
    const changes = call.flow?.changes;
    if (changes === undefined || changes.size === 0 || kind !== frameKind.result) return undefined;
    try {
      return encodeContext(changes);
    } catch (error) {
      this.#cannotReply(call, kind, error);
      return false;
    }
  }

  #finishReply(
    call: ServedCall,
    kind: number,
    attachments: readonly Uint8Array[],
    counted: CountedReferences | undefined,
  ): void {
    try {
      this.#sender.finishPayload(call.id, fragmentFlag.ofReturn, attachments);
      this.#sender.leave();
    } catch (error) {
      this.#takeBack(counted);
      this.#cannotReply(call, kind, error);
      return;
    }
    if (counted !== undefined) {
      this.#answered ??= new AnsweredReferences();
      this.#answered.add(call.id, counted);
    }
    this.#completed(call);
  }

  /** The peer has not read the answer to a call: takes back what it has counted, once. */
  takeBackAnswer(id: number): void {
    this.#takeBack(this.#answered?.take(id));
  }

  /** The method ran, but what it returned or threw cannot be sent. */
  #cannotReply(call: ServedCall, kind: number, error: unknown): void {
    if (kind === frameKind.thrown && error instanceof SerializationError && !call.isSubstituted) {
      // That it threw must not be lost: an error with nothing but a message can nearly always be sent.
      call.isSubstituted = true;
      this.#reply(
        call,
        kind,
        new Error(`The method threw something that cannot travel: ${error.message}`),
        "error",
      );
      return;
    }
    this.#writeFault(call, error, true);
    this.#completed(call);
  }

  /** The method did not run, or is not known to have: says why. */
  refuse(call: ServedCall, error: unknown): void {
    if (call.oneWay) this.#owner.unobservedError(error, originOf(call));
    else
      this.#writeFault(
        call,
        error,
        error instanceof RemotingError && error.mayHaveExecuted,
        faultFlag.unread,
      );
    this.#observer.onAnswered();
  }

  #writeFault(call: ServedCall, error: unknown, mayHaveExecuted: boolean, flags = 0): void {
    if (this.#closed) return;
    const fault = faultOf(error);
    const { batch } = this.#sender;
    batch.begin(frameKind.fault, flags, call.id);
    writeFault(batch, fault, mayHaveExecuted);
    this.#sender.finish();
  }

  /** The same of a call of which only the head was read: its arguments are more than this side takes. */
  refuseUnread(flags: number, id: number, error: Error): void {
    if ((flags & callFlag.oneWay) !== 0) {
      this.#owner.unobservedError(error);
      return;
    }
    const { batch } = this.#sender;
    batch.begin(frameKind.fault, faultFlag.unread, id);
    writeFault(batch, error instanceof RemotingError ? error : new RemotingError(error.message), false);
    this.#sender.finish();
  }
}

function originOf({ peer, target, method }: ServedCall): ErrorOrigin {
  return { peer, target, method };
}
