/** The caller's half of a session: sends calls, and settles each exactly once. */
import { type ByteReader, protocolError } from "../channels/byte-reader.ts";
import { decodeChanges, encodeContext } from "../channels/context-codec.ts";
import { noHeaders, type Payload } from "../channels/payload.ts";
import type { CountedReferences, ValueMarshaler } from "../channels/peer-host.ts";
import {
  AbortError,
  LimitExceededError,
  RemotingError,
  RemotingTimeoutError,
  SerializationError,
} from "../errors.ts";
import { listenForAbort } from "../messages/abort-listener.ts";
import type { ContextReceiver } from "../messages/logical-data.ts";
import type { MethodCall } from "../messages/method-call.ts";
import { rejectAtCaller } from "./caller-stack.ts";
import { DeadlineTimer } from "./deadline-timer.ts";
import { readFault } from "./fault.ts";
import { callFlag, faultFlag, frameKind, returnFlag } from "./frame-kind.ts";
import type { FrameSender } from "./frame-sender.ts";
import type { IdleObserver } from "./idle-observer.ts";
import { monotonicTime } from "./monotonic-clock.ts";
import { OrderedStage } from "./ordered-stage.ts";
import type { PayloadStage } from "./payload-stage.ts";
import { type PendingCall, PendingCalls } from "./pending-calls.ts";
import { OutgoingRoutes } from "./routes.ts";
import { isObjectId, maxMethodLength, maxTargetLength } from "./session-limits.ts";

/** What a call of no known time limit waits. */
const forEver = Number.POSITIVE_INFINITY;

interface OneWayCall {
  readonly resolve: (value: undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Sends the calls of one session. */
export class OutgoingCalls {
  readonly #sender: FrameSender;
  readonly #stage: PayloadStage;
  readonly #marshaler: ValueMarshaler;
  readonly #defaultTimeout: number;
  readonly #observer: IdleObserver;
  readonly #pending = new PendingCalls();
  readonly #routes = new OutgoingRoutes();
  readonly #order = new OrderedStage();
  readonly #deadlines = new DeadlineTimer((now) => this.#expire(now));
  /** Calls whose answer is in the channel sinks. */
  readonly #undoing = new Set<number>();
  #lastOneWayId = 0;
  /** Makes the errors of calls that come too late: in channel sinks when the session ended. */
  #closed: ((mayHaveExecuted: boolean) => Error) | undefined;
  /** What calls have passed that were given up under way: their answer may say that nobody has looked at it. */
  #givenUp: Map<number, CountedReferences> | undefined;
  /** One-way calls that resolve with the next flush. */
  #oneWay: OneWayCall[] = [];

  /** @param observer Told when the last call under way has settled. */
  constructor(
    sender: FrameSender,
    stage: PayloadStage,
    marshaler: ValueMarshaler,
    defaultTimeout: number,
    observer: IdleObserver,
  ) {
    this.#sender = sender;
    this.#stage = stage;
    this.#marshaler = marshaler;
    this.#defaultTimeout = defaultTimeout;
    this.#observer = observer;
  }

  /** Calls that wait for their answer. */
  get size(): number {
    return this.#pending.size;
  }

  /** Whether a call with this id waits for its answer. */
  isWaiting(id: number): boolean {
    return this.#pending.get(id) !== undefined;
  }

  /**
   * Sends a call. Its arguments are formatted before this returns, so later changes to them are not seen; but
   * binaries that do not fit one frame are sent from where they are, and must stay as they are until it settles.
   */
  send(call: MethodCall, receiver?: ContextReceiver): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { signal, timeout = this.#defaultTimeout } = call.options;
      if (signal?.aborted) {
        resolve(rejectAtCaller(new AbortError(undefined, { cause: signal.reason })));
        return;
      }
      try {
        if (call.oneWay) this.#sendOneWay(call, { resolve, reject });
        else this.#sendTwoWay(call, timeout, signal, receiver, resolve, reject);
      } catch (error) {
        if (error instanceof Error) resolve(rejectAtCaller(error));
        else reject(error);
      }
    });
  }

  #sendTwoWay(
    call: MethodCall,
    ownTimeout: number,
    signal: AbortSignal | undefined,
    receiver: ContextReceiver | undefined,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ): void {
    if (this.#pending.size >= PendingCalls.capacity) {
      throw new LimitExceededError(
        "pendingCalls",
        `${PendingCalls.capacity} calls are already under way on this connection: await some of them first`,
      );
    }
    const timeout =
      call.deadline === undefined ? ownTimeout : timeLeft(call, call.deadline - monotonicTime(), ownTimeout);
    const pending: PendingCall = {
      call,
      resolve,
      reject,
      receiver,
      deadline: forEver,
      batch: -1,
      frame: -1,
      counted: undefined,
      forgetSignal: undefined,
    };
    const id = this.#pending.add(pending);
    if (this.#stage.hasSinks) {
      this.#order.run(
        () => {
          const payload = this.#stage.outgoing(call.args, "args");
          pending.counted = this.#stage.formatter.counted;
          return payload;
        },
        (payload) => this.#writeTransformed(id, timeout, payload),
        (error) => {
          this.#takeBack(pending.counted);
          this.#settle(id)?.reject(error);
        },
      );
    } else {
      try {
        this.#write(id, pending, timeout);
      } catch (error) {
        this.#pending.remove(id);
        throw error;
      }
    }
    if (timeout > 0) {
      // The clock is looked at now that the call has left, where it may have.
      const now = monotonicTime();
      pending.deadline = timeout === ownTimeout ? now + timeout : (call.deadline ?? forEver);
      this.#deadlines.arm(pending.deadline, now);
    }
    if (signal !== undefined) this.#listen(id, pending, signal);
  }

  #sendOneWay(call: MethodCall, waiting: OneWayCall): void {
    // Nothing waits for it, but its fragments need a name: counted with the highest bit set.
    this.#lastOneWayId = (this.#lastOneWayId + 1) & 0x7fff_ffff;
    const id = (this.#lastOneWayId | 0x8000_0000) >>> 0;
    if (this.#stage.hasSinks) {
      let counted: CountedReferences | undefined;
      const fail = (error: unknown) => {
        this.#takeBack(counted);
        waiting.reject(error);
      };
      this.#order.run(
        () => {
          const payload = this.#stage.outgoing(call.args, "args");
          counted = this.#stage.formatter.counted;
          this.#checkScope(call, counted);
          return payload;
        },
        (payload) => {
          if (this.#closed !== undefined) {
            waiting.reject(this.#closed(false));
            return;
          }
          try {
            this.#writePayload(id, call, 0, payload);
            this.#oneWay.push(waiting);
          } catch (error) {
            fail(error);
          }
        },
        fail,
      );
      return;
    }
    this.#writeFormatted(id, call, 0, undefined);
    this.#oneWay.push(waiting);
  }

  /** Counts back what the peer does not get. */
  #takeBack(counted: CountedReferences | undefined): void {
    if (counted !== undefined) this.#marshaler.rollback(counted);
  }

  /** Nobody would know when a one-way call is over. */
  #checkScope({ oneWay }: MethodCall, counted: CountedReferences | undefined): void {
    if (!oneWay || counted === undefined || counted.scoped.length === 0) return;
    throw new SerializationError(
      "args contain a scoped function, but the call is one-way, and its caller never learns when it is over",
      { path: "args" },
    );
  }

  #write(id: number, pending: PendingCall, timeout: number): void {
    const batch = this.#sender.openBatch;
    const frame = this.#writeFormatted(id, pending.call, timeout, pending);
    pending.batch = batch;
    pending.frame = frame;
  }

  /** The way without sinks: formats into the batch itself. Returns where the frame begins, -1 if it has segments. */
  #writeFormatted(id: number, call: MethodCall, timeout: number, pending: PendingCall | undefined): number {
    const batch = this.#sender.batch;
    const definesRoute = this.#begin(id, call, timeout, noHeaders);
    const { formatter } = this.#stage;
    let attachments: readonly Uint8Array[];
    try {
      attachments = formatter.format(call.args, "args", batch);
      this.#checkScope(call, formatter.counted);
    } catch (error) {
      batch.cancel();
      this.#takeBack(formatter.counted);
      throw error;
    }
    const { counted } = formatter;
    if (pending !== undefined) pending.counted = counted;
    const frame = attachments.length === 0 ? batch.frameStart : -1;
    try {
      this.#finish(id, call, definesRoute, attachments);
    } catch (error) {
      this.#takeBack(counted);
      throw error;
    }
    return frame;
  }

  #writeTransformed(id: number, timeout: number, payload: Payload): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    try {
      pending.batch = this.#sender.openBatch;
      this.#writePayload(id, pending.call, timeout, payload);
    } catch (error) {
      this.#takeBack(pending.counted);
      this.#settle(id)?.reject(error);
    }
  }

  #writePayload(id: number, call: MethodCall, timeout: number, payload: Payload): void {
    const definesRoute = this.#begin(id, call, timeout, payload.headers);
    this.#sender.batch.writeBytes(payload.body);
    this.#finish(id, call, definesRoute, payload.attachments);
  }

  #finish(id: number, call: MethodCall, definesRoute: boolean, attachments: readonly Uint8Array[]): void {
    // Nobody learns when a one-way call has left, so nobody could know how long to leave its binaries unchanged.
    this.#sender.finishPayload(id, 0, attachments, call.oneWay);
    // Counted when the frame is finished, in the order in which the peer will read it.
    if (definesRoute) this.#routes.define(call.target, call.method);
    if (call.oneWay) this.#sender.leave();
    else this.#sender.leaveInHalves(this.#pending.size, call.options.signal !== undefined);
  }

  /**
   * Writes the header. Returns whether the frame gives its route a number. Ids of objects are used by one peer and
   * for a while: they would fill the table, and go by name.
   */
  #begin(id: number, call: MethodCall, timeout: number, headers: Payload["headers"]): boolean {
    const { kind, target, method, oneWay } = call;
    if (target.length > maxTargetLength || method.length > maxMethodLength) {
      throw new RemotingError(
        `The name of the object or method to call is too long (${target.length + method.length} characters)`,
      );
    }
    const context = call.context === undefined ? undefined : encodeContext(call.context);
    const batch = this.#sender.batch;
    const flags =
      (oneWay ? callFlag.oneWay : 0) |
      (kind === "construct" ? callFlag.construct : 0) |
      (timeout > 0 ? callFlag.deadline : 0);
    batch.begin(frameKind.call, flags, id);
    const route = this.#routes.find(target, method);
    batch.writeVarUint(route);
    const definesRoute = route === 0 && !isObjectId(target) && this.#routes.hasRoom;
    if (route === 0) {
      if (definesRoute) batch.setFlag(callFlag.defineRoute);
      batch.writeString(target);
      batch.writeString(method);
    }
    if (timeout > 0) batch.writeUint32(Math.min(Math.ceil(timeout), 0xffff_ffff));
    this.#sender.writeFields(headers, context);
    batch.beginBody();
    return definesRoute;
  }

  #listen(id: number, pending: PendingCall, signal: AbortSignal): void {
    const abort = () => {
      const mayHaveExecuted = this.#abandon(id, pending);
      const error = new AbortError(undefined, { cause: signal.reason, mayHaveExecuted });
      this.#settle(id)?.resolve(rejectAtCaller(error));
    };
    listenForAbort(signal, abort);
    pending.forgetSignal = () => signal.removeEventListener("abort", abort);
  }

  /** Tells the peer that a call is no longer wanted. Returns whether it may have been run. */
  #abandon(id: number, pending: PendingCall): boolean {
    if (pending.batch < 0) {
      this.#takeBack(pending.counted);
      return false;
    }
    const { batch } = this.#sender;
    if (pending.frame >= 0 && pending.batch === this.#sender.openBatch && !batch.isEmpty) {
      batch.withdraw(pending.frame);
      this.#takeBack(pending.counted);
      return false;
    }
    if (pending.counted !== undefined) {
      this.#givenUp ??= new Map();
      this.#givenUp.set(id, pending.counted);
    }
    batch.begin(frameKind.cancel, 0, id);
    this.#sender.finish();
    return true;
  }

  #expire(now: number): number {
    let next = forEver;
    for (const [id, pending] of this.#pending.entries()) {
      if (pending.deadline > now) {
        if (pending.deadline < next) next = pending.deadline;
        continue;
      }
      const mayHaveExecuted = this.#abandon(id, pending);
      const { method, target, options } = pending.call;
      const name = method === "" ? target : `${target}.${method}`;
      const timeout = options.timeout ?? this.#defaultTimeout;
      const message =
        pending.deadline === pending.call.deadline
          ? `${name} was not answered within the time that is left to the call on whose behalf it was made`
          : `${name} was not answered within ${timeout} ms`;
      this.#settle(id)?.resolve(rejectAtCaller(new RemotingTimeoutError(message, { mayHaveExecuted })));
    }
    return next;
  }

  #settle(id: number): PendingCall | undefined {
    const pending = this.#pending.remove(id);
    if (pending?.counted !== undefined) this.#marshaler.endScope(pending.counted);
    if (this.#pending.size === 0) this.#observer.onIdle();
    return pending;
  }

  /** Resolves the one-way calls that were handed to the transport. */
  onFlushed(): void {
    if (this.#oneWay.length === 0) return;
    const handedOver = this.#oneWay;
    this.#oneWay = [];
    for (const { resolve } of handedOver) resolve(undefined);
  }

  /** The peer has answered: `kind` is `result` or `thrown`. */
  onReturn(
    kind: number,
    id: number,
    bytes: Buffer,
    start: number,
    end: number,
    attachments: readonly Uint8Array[],
    context: Buffer | undefined,
  ): void {
    const { formatter } = this.#stage;
    const counted = this.#pending.get(id)?.counted;
    const pending = counted === undefined ? this.#settle(id) : this.#pending.remove(id);
    if (pending === undefined) {
      // The answer to a call that was cancelled or timed out: nobody waits for it, or for what it brings.
      this.#givenUp?.delete(id);
      this.#discard(id, bytes, start, end, attachments);
      return;
    }
    let isRead = false;
    try {
      const value = formatter.parse(bytes, start, end, { attachments });
      isRead = true;
      if (kind !== frameKind.result) {
        const error = this.#marshaler.thrownError(value);
        pending.resolve(rejectAtCaller(error, error.stack));
      } else if (hasOwnThen(value)) pending.reject(thenableResult());
      else {
        if (context !== undefined) pending.receiver?.receive(decodeChanges(context));
        pending.resolve(value);
      }
    } catch (error) {
      // What was read belongs to its proxies, which are released when they are collected.
      if (!isRead) this.#discard(id, bytes, start, end, attachments);
      pending.reject(executed(error));
    }
    if (counted !== undefined) {
      // Only now: what ends with the call may have come home with its result.
      this.#marshaler.endScope(counted);
      if (this.#pending.size === 0) this.#observer.onIdle();
    }
  }

  /** Gives the references in an answer back, one by one, or, of one that cannot be read, all at once. */
  #discard(id: number, bytes: Buffer, start: number, end: number, attachments: readonly Uint8Array[]): void {
    if (!this.#stage.formatter.discard(bytes, start, end, attachments)) this.tellUnread(id);
  }

  /** Tells the peer that the answer to a call is not read, so that nothing counts that is in it. */
  tellUnread(id: number): void {
    if (this.#closed !== undefined) return;
    this.#sender.batch.begin(frameKind.unread, 0, id);
    this.#sender.finish();
  }

  /** The same, for a payload that has to pass the channel sinks first. */
  onTransformedReturn(kind: number, id: number, payload: Payload, context: Buffer | undefined): void {
    // Has an answer already: not worth the work, which may be much more than the peer has had with it.
    if (this.#undoing.has(id)) return;
    if (!this.isWaiting(id)) {
      // Nobody waits: neither is this.
      this.#givenUp?.delete(id);
      this.tellUnread(id);
      return;
    }
    this.#undoing.add(id);
    void this.#undo(kind, id, payload, context).finally(() => this.#undoing.delete(id));
  }

  async #undo(kind: number, id: number, payload: Payload, context: Buffer | undefined): Promise<void> {
    let undone: Payload;
    try {
      undone = await this.#stage.incoming(payload);
    } catch (error) {
      this.#givenUp?.delete(id);
      this.tellUnread(id);
      this.#settle(id)?.reject(executed(error));
      return;
    }
    const { body, attachments } = undone;
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    this.onReturn(kind, id, bytes, 0, bytes.length, attachments, context);
  }

  /** The peer could not or would not run the call, or could not send its result. */
  onFault(flags: number, id: number, reader: ByteReader): void {
    const error = readFault(reader);
    const counted = this.#pending.get(id)?.counted ?? this.#givenUp?.get(id);
    this.#givenUp?.delete(id);
    if ((flags & faultFlag.unread) !== 0) this.#takeBack(counted);
    this.#settle(id)?.resolve(rejectAtCaller(error));
  }

  /** The answer is more than this side takes, or nobody waited for it; the peer was told when it began to come. */
  onRefusedReturn(id: number, error: Error): void {
    this.#givenUp?.delete(id);
    this.#settle(id)?.reject(executed(error));
  }

  /** Ends all calls. `describe` makes the error; its argument tells whether the call may have run. */
  close(describe: (mayHaveExecuted: boolean) => Error): void {
    this.#closed = describe;
    this.#deadlines.stop();
    const handedOver = this.#sender.flushedBatches;
    for (const [id, { batch }] of this.#pending.entries()) {
      this.#settle(id)?.resolve(rejectAtCaller(describe(batch >= 0 && batch < handedOver)));
    }
    for (const { reject } of this.#oneWay.splice(0)) reject(describe(false));
  }
}

/** Whether a promise that is resolved with this value would call it rather than take it. */
function hasOwnThen(value: unknown): boolean {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, "then")) return false;
  return typeof Reflect.get(value, "then") === "function";
}

/** No method returns such a value, since it would be awaited there. Taken, it could keep its caller waiting for ever. */
function thenableResult(): SerializationError {
  return new SerializationError("The peer returned an object with a function named then", {
    path: "result.then",
    mayHaveExecuted: true,
  });
}

/** An answer that cannot be understood is still the answer to a call that ran. */
function executed(error: unknown): unknown {
  if (error instanceof SerializationError) {
    return new SerializationError(error.message, {
      path: error.path,
      cause: error.cause,
      mayHaveExecuted: true,
    });
  }
  if (error instanceof LimitExceededError) {
    return new LimitExceededError(error.limit, error.message, { cause: error.cause, mayHaveExecuted: true });
  }
  return error;
}

/**
 * Milliseconds that a call may take which is made on behalf of another one: its own, or what is left of the other's.
 *
 * @throws RemotingTimeoutError if nothing is left.
 */
function timeLeft({ method, target }: MethodCall, left: number, ownTimeout: number): number {
  if (left <= 0) {
    throw new RemotingTimeoutError(
      `${method === "" ? target : `${target}.${method}`} was not called: the call on whose behalf it would have been made has no time left`,
    );
  }
  return ownTimeout > 0 ? Math.min(ownTimeout, left) : left;
}

/** Which flags a return may have; any other is a protocol error. */
export function checkReturnFlags(flags: number): void {
  const allowed = returnFlag.fields | returnFlag.segments | returnFlag.attachments;
  if ((flags & ~allowed) !== 0) throw protocolError(`a return has unknown flags (${flags})`);
}
