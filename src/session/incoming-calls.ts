/** The callee's half of a session: runs the peer's calls and sends what becomes of them. */
import { type ByteReader, protocolError } from "../channels/byte-reader.ts";
import type { CallDispatcher, CallTarget } from "../channels/call-dispatcher.ts";
import { noHeaders, type Payload } from "../channels/payload.ts";
import type { ValueMarshaler } from "../channels/peer-host.ts";
import {
  AbortError,
  AccessDeniedError,
  ConnectionLostError,
  LimitExceededError,
  RemotingError,
  RemotingTimeoutError,
  SerializationError,
} from "../errors.ts";
import { DeadlineTimer } from "./deadline-timer.ts";
import { writeFault } from "./fault.ts";
import { readFields } from "./frame-fields.ts";
import { callFlag, fragmentFlag, frameKind } from "./frame-kind.ts";
import type { FrameSender } from "./frame-sender.ts";
import { OrderedStage } from "./ordered-stage.ts";
import { readPayload } from "./payload-layout.ts";
import type { PayloadStage } from "./payload-stage.ts";
import { type IncomingRoute, IncomingRoutes } from "./routes.ts";
import { ServedCall } from "./served-call.ts";
import { isObjectId, maxMethodLength, maxTargetLength, type SessionLimits } from "./session-limits.ts";
import type { SessionOwner } from "./session-options.ts";
import { WaitingCalls } from "./waiting-calls.ts";

/** The largest time that travels, about 49 days. */
const forEver = Number.POSITIVE_INFINITY;

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** Serves the calls of one session. */
export class IncomingCalls {
  readonly #sender: FrameSender;
  readonly #stage: PayloadStage;
  readonly #dispatcher: CallDispatcher;
  readonly #marshaler: ValueMarshaler;
  readonly #limits: IncomingLimits;
  readonly #owner: SessionOwner;
  readonly #onIdle: () => void;
  readonly #routes = new IncomingRoutes();
  /** What lies between arrival and method, if anything does: an asynchronous authorization, channel sinks. */
  #order: OrderedStage | undefined;
  readonly #replies: OrderedStage | undefined;
  /** Calls whose method has not settled. Cancelled ones too: their slot is taken until they really end. */
  #running: Map<number, ServedCall> | undefined;
  /** One-way calls that run, which have no id. */
  #runningOneWay = 0;
  /** Calls between arrival and method, in channel sinks. */
  readonly #staged = new Set<ServedCall>();
  /** Calls that wait for the peer to read; made when there is the first one. */
  #waiting: WaitingCalls | undefined;
  #deadlines: DeadlineTimer | undefined;
  #draining = false;
  #isResuming = false;
  #closed = false;

  /**
   * @param owner Takes the errors of one-way calls.
   * @param onIdle Called when the last call has ended.
   */
  constructor(
    sender: FrameSender,
    stage: PayloadStage,
    dispatcher: CallDispatcher,
    marshaler: ValueMarshaler,
    limits: IncomingLimits,
    owner: SessionOwner,
    onIdle: () => void,
  ) {
    this.#sender = sender;
    this.#stage = stage;
    this.#dispatcher = dispatcher;
    this.#marshaler = marshaler;
    this.#limits = limits;
    this.#owner = owner;
    this.#onIdle = onIdle;
    if (stage.hasSinks) {
      this.#order = new OrderedStage();
      this.#replies = new OrderedStage();
    }
  }

  /** Calls that were accepted and have not ended. */
  get size(): number {
    return (this.#running?.size ?? 0) + this.#runningOneWay + this.#staged.size + (this.#waiting?.size ?? 0);
  }

  /** Refuses further calls, but for those to objects that the peer already holds. */
  drain(): void {
    this.#draining = true;
  }

  /**
   * Runs a call.
   *
   * @param reader Stands after the fixed part of the frame; what it leaves is the body.
   * @param segments What followed the frame, if it said so.
   * @param owned Whether the reader's memory may be kept.
   * @param known The route, if it was read before by {@link readRoute}.
   * @param withdrawn The caller took it back before it left: it only counts its route.
   */
  onCall(
    flags: number,
    id: number,
    reader: ByteReader,
    segments: readonly Buffer[],
    owned: boolean,
    withdrawn: boolean,
    known?: IncomingRoute,
  ): void {
    const route = known === undefined ? this.readRoute(flags, reader) : skipRoute(reader, known);
    const timeout = (flags & callFlag.deadline) === 0 ? 0 : reader.readUint32();
    const headers = (flags & callFlag.fields) === 0 ? noHeaders : readFields(reader);
    if (withdrawn) return;
    const oneWay = (flags & callFlag.oneWay) !== 0;
    if (!oneWay && this.#running?.has(id)) throw protocolError(`two calls have the id ${id}`);
    const kind = (flags & callFlag.construct) === 0 ? "call" : "construct";

    const { bytes, start, end, attachments } = readPayload(flags, reader, segments, owned);
    const call = new ServedCall(id, kind, route.target, route.method, oneWay, timeout, attachments);
    let target: CallTarget;
    let permission: Promise<undefined> | undefined;
    try {
      this.#checkCapacity(route);
      target = this.#resolve(route, kind);
      permission = target.authorize?.(call);
    } catch (error) {
      this.#refuse(call, error);
      return;
    }
    if (permission === undefined && (this.#order === undefined || this.#goesStraight(this.#order))) {
      this.#start(call, target, bytes, start, end);
    } else {
      const body = Buffer.from(bytes.subarray(start, end));
      this.#prepare(call, target, { body, attachments, headers }, permission);
    }
  }

  /** Whether a call can be run at once: nothing has to be undone, and no earlier one waits. */
  #goesStraight(order: OrderedStage): boolean {
    return !this.#stage.hasSinks && order.isEmpty;
  }

  /** Reads what a call names, and gives it its number if the frame says so. Once for each frame, as it comes. */
  readRoute(flags: number, reader: ByteReader): IncomingRoute {
    if ((flags & callFlag.pipelined) !== 0) {
      throw protocolError("a call uses pipelining, which was not agreed");
    }
    const number = reader.readVarUint();
    if (number !== 0) return this.#routes.get(number);
    const target = reader.readString(maxTargetLength * 3);
    const method = reader.readString(maxMethodLength * 3);
    const route: IncomingRoute = { target, method, resolved: undefined, revision: -1 };
    if ((flags & callFlag.defineRoute) !== 0) this.#routes.define(route);
    return route;
  }

  #checkCapacity(route: IncomingRoute): void {
    // A call to an object that the peer was given belongs to the work under way, often as a callback.
    if (this.#draining && !isObjectId(route.target)) {
      throw new ConnectionLostError("The server is closing and takes no new calls", { reason: "closed" });
    }
    const { maxCallsInFlight } = this.#limits;
    if (this.size >= maxCallsInFlight) throw tooManyCalls(maxCallsInFlight);
  }

  #resolve(route: IncomingRoute, kind: "call" | "construct"): CallTarget {
    const dispatcher = this.#dispatcher;
    const known = route.resolved;
    if (known !== undefined && route.revision === dispatcher.revision && kind === "call") return known;
    const target = dispatcher.resolve(kind, route.target, route.method);
    if (target.cacheable && kind === "call") {
      route.resolved = target;
      route.revision = dispatcher.revision;
    }
    return target;
  }

  /** Waits for permission, then lets the channel sinks undo what the peer's have done; in the order of arrival. */
  #prepare(
    call: ServedCall,
    target: CallTarget,
    payload: Payload,
    permission: Promise<undefined> | undefined,
  ): void {
    this.#staged.add(call);
    this.#order ??= new OrderedStage();
    this.#order.run(
      () =>
        permission === undefined
          ? this.#stage.incoming(payload)
          : permission.then(() => this.#stage.incoming(payload)),
      ({ body, attachments }) => {
        this.#staged.delete(call);
        if (call.isAborted) {
          this.#refuse(call, new AbortError("The caller cancelled the call"));
          return;
        }
        const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
        call.attachments = attachments;
        this.#start(call, target, bytes, 0, bytes.length);
      },
      (error) => {
        this.#staged.delete(call);
        this.#refuse(call, error);
      },
    );
  }

  /** Runs a call now, or, if the peer is behind with reading, when it has caught up. */
  #start(call: ServedCall, target: CallTarget, bytes: Buffer, start: number, end: number): void {
    if (!this.#sender.isCongested && (this.#waiting === undefined || this.#waiting.size === 0)) {
      this.#serve(call, target, bytes, start, end);
      return;
    }
    this.#waiting ??= new WaitingCalls();
    const { maxReassemblyBytes } = this.#limits;
    if (this.#waiting.bytes > maxReassemblyBytes) {
      const message = `Calls with ${this.#waiting.bytes} bytes of arguments wait for their caller to read earlier results: read them, or raise maxReassemblyBytes`;
      this.#refuse(call, new LimitExceededError("maxReassemblyBytes", message));
      return;
    }
    this.#waiting.add({ call, target, body: Buffer.from(bytes.subarray(start, end)) });
  }

  /** Starts calls that waited, as far as the peer has caught up. */
  resume(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || waiting.size === 0 || this.#isResuming) return;
    // Replies flush, and a flush resumes: one of them at a time.
    this.#isResuming = true;
    while (!this.#sender.isCongested) {
      const next = waiting.take();
      if (next === undefined) break;
      const { call, target, body } = next;
      if (call.deadline <= performance.now()) this.#refuse(call, tooLate(call));
      else this.#serve(call, target, body, 0, body.length);
    }
    this.#isResuming = false;
  }

  #serve(call: ServedCall, target: CallTarget, bytes: Buffer, start: number, end: number): void {
    let args: unknown;
    try {
      args = this.#stage.formatter.parse(bytes, start, end, call);
      if (!Array.isArray(args)) throw new SerializationError("The arguments of a call must be an array");
    } catch (error) {
      this.#refuse(call, error);
      return;
    }
    if (target.oneWay && !call.oneWay) {
      // A client without the class does not know that the method is one-way, and waits: not for the method, though.
      this.#reply(call, frameKind.result, undefined, "result");
      call.oneWay = true;
    }
    let result: unknown;
    try {
      result = target.invoke(args, call);
      if (!isThenable(result)) {
        this.#reply(call, frameKind.result, result, "result");
        return;
      }
    } catch (error) {
      this.#throw(call, error);
      return;
    }
    this.#await(call, result);
  }

  #await(call: ServedCall, result: PromiseLike<unknown>): void {
    if (call.oneWay) {
      this.#runningOneWay++;
    } else {
      this.#running ??= new Map();
      this.#running.set(call.id, call);
      if (call.deadline < forEver) {
        this.#deadlines ??= new DeadlineTimer((now) => this.#expire(now));
        this.#deadlines.arm(call.deadline, performance.now());
      }
    }
    result.then(
      (value) => {
        this.#ended(call);
        this.#reply(call, frameKind.result, value, "result");
      },
      (error: unknown) => {
        this.#ended(call);
        this.#throw(call, error);
      },
    );
  }

  #ended(call: ServedCall): void {
    if (call.oneWay) this.#runningOneWay--;
    else this.#running?.delete(call.id);
    if (this.size === 0) this.#onIdle();
  }

  /** The method has thrown. */
  #throw(call: ServedCall, error: unknown): void {
    if (call.oneWay) {
      this.#owner.unobservedError(error);
      call.onCompleted?.();
    } else if (error instanceof AccessDeniedError || error instanceof LimitExceededError) {
      // What refuses a call before its method knows that it did not run; a method that refuses has run itself.
      this.#writeFault(call, error, call.methodReached || error.mayHaveExecuted);
      call.onCompleted?.();
    } else {
      this.#reply(call, frameKind.thrown, error, "error");
    }
  }

  /** Sends what the method has returned or thrown. */
  #reply(call: ServedCall, kind: number, value: unknown, root: string): void {
    if (call.oneWay || this.#closed) {
      call.onCompleted?.();
    } else if (this.#replies !== undefined) {
      this.#replies.run(
        () => this.#stage.outgoing(value, root),
        (payload) => this.#writeTransformed(call, kind, payload),
        (error) => this.#cannotReply(call, kind, error),
      );
    } else {
      this.#writeFormatted(call, kind, value, root);
    }
  }

  /** The way without sinks: formats into the batch itself. */
  #writeFormatted(call: ServedCall, kind: number, value: unknown, root: string): void {
    const { batch } = this.#sender;
    batch.begin(kind, 0, call.id);
    let attachments: readonly Uint8Array[];
    try {
      attachments = this.#stage.formatter.format(value, root, batch);
    } catch (error) {
      batch.cancel();
      this.#cannotReply(call, kind, error);
      return;
    }
    this.#finishReply(call, kind, attachments);
  }

  #writeTransformed(call: ServedCall, kind: number, payload: Payload): void {
    if (this.#closed) {
      call.onCompleted?.();
      return;
    }
    const { batch } = this.#sender;
    batch.begin(kind, 0, call.id);
    this.#sender.writeFields(payload.headers);
    batch.beginBody();
    batch.writeBytes(payload.body);
    this.#finishReply(call, kind, payload.attachments);
  }

  #finishReply(call: ServedCall, kind: number, attachments: readonly Uint8Array[]): void {
    try {
      this.#sender.finishPayload(call.id, fragmentFlag.ofReturn, attachments);
    } catch (error) {
      this.#marshaler.rollback();
      this.#cannotReply(call, kind, error);
      return;
    }
    call.onCompleted?.();
  }

  /** The method ran, but what it returned or threw cannot be sent. */
  #cannotReply(call: ServedCall, kind: number, error: unknown): void {
    if (kind === frameKind.thrown && error instanceof SerializationError) {
      // That it threw must not be lost: an error with nothing but a message can always be sent.
      this.#reply(
        call,
        kind,
        new Error(`The method threw something that cannot travel: ${error.message}`),
        "error",
      );
      return;
    }
    this.#writeFault(call, error, true);
    call.onCompleted?.();
  }

  /** The method did not run. */
  #refuse(call: ServedCall, error: unknown): void {
    if (call.oneWay) this.#owner.unobservedError(error);
    else this.#writeFault(call, error, error instanceof RemotingError && error.mayHaveExecuted);
    if (this.size === 0) this.#onIdle();
  }

  #writeFault(call: ServedCall, error: unknown, mayHaveExecuted: boolean): void {
    if (this.#closed) return;
    const fault = error instanceof RemotingError ? error : new RemotingError(String(error), { cause: error });
    const { batch } = this.#sender;
    batch.begin(frameKind.fault, 0, call.id);
    writeFault(batch, fault, mayHaveExecuted);
    this.#sender.finish();
  }

  /** The arguments of a call are more than this side takes. */
  onRefusedCall(flags: number, id: number, error: Error): void {
    if ((flags & callFlag.oneWay) !== 0) {
      this.#owner.unobservedError(error);
      return;
    }
    const { batch } = this.#sender;
    batch.begin(frameKind.fault, 0, id);
    writeFault(batch, error instanceof RemotingError ? error : new RemotingError(error.message), false);
    this.#sender.finish();
  }

  /** The peer no longer wants a result. */
  onCancel(id: number): void {
    this.#running?.get(id)?.cancel();
    const waiting = this.#waiting?.remove(id);
    if (waiting !== undefined) this.#refuse(waiting, new AbortError("The caller cancelled the call"));
    for (const call of this.#staged) if (call.id === id && !call.oneWay) call.cancel();
  }

  #expire(now: number): number {
    let next = forEver;
    for (const call of this.#running?.values() ?? []) {
      if (call.deadline <= now) call.expire();
      else if (call.deadline < next) next = call.deadline;
    }
    return next;
  }

  /** The peer is gone: tells the methods that still run. */
  close(): void {
    this.#closed = true;
    this.#deadlines?.stop();
    this.#waiting?.clear();
    for (const call of this.#running?.values() ?? []) call.cancel();
    // Nobody waits for what has not begun. One-way calls were handed over, and run.
    for (const call of this.#staged) if (!call.oneWay) call.cancel();
  }
}

/** What of a session's limits is about calls that come in. */
type IncomingLimits = Pick<SessionLimits, "maxCallsInFlight" | "maxReassemblyBytes">;

/** The error for a call whose time was over before it could be started. */
function tooLate({ method, target, timeout }: ServedCall): RemotingTimeoutError {
  return new RemotingTimeoutError(
    `${method || target} was not started within ${timeout} ms: its caller was behind with reading earlier results`,
  );
}

/** Passes over a route that was read before. */
function skipRoute(reader: ByteReader, route: IncomingRoute): IncomingRoute {
  if (reader.readVarUint() === 0) {
    reader.skip(reader.readVarUint());
    reader.skip(reader.readVarUint());
  }
  return route;
}

/** The error for a call that is one too many. */
export function tooManyCalls(limit: number): LimitExceededError {
  return new LimitExceededError(
    "maxCallsInFlight",
    `${limit} calls of this connection are already in flight: await some of them first, or raise maxCallsInFlight`,
  );
}
