/** The callee's half of a session: decides which of the peer's calls may run, and runs them. */
import { type ByteReader, protocolError } from "../channels/byte-reader.ts";
import { type CallDispatcher, type CallTarget, serveCall } from "../channels/call-dispatcher.ts";
import { flowOfCall } from "../channels/call-flow.ts";
import { ContextDecoder } from "../channels/context-codec.ts";
import type { ValueMarshaler } from "../channels/peer-host.ts";
import { ConnectionLostError, SerializationError } from "../errors.ts";
import type { PeerInfo } from "../messages/peer-info.ts";
import { CallReplies, type ReplyObserver } from "./call-replies.ts";
import { DeadlineTimer } from "./deadline-timer.ts";
import { type CallRunner, DeferredCalls } from "./deferred-calls.ts";
import { noFields, readFields } from "./frame-fields.ts";
import { callFlag } from "./frame-kind.ts";
import type { FrameSender } from "./frame-sender.ts";
import type { IdleObserver } from "./idle-observer.ts";
import { monotonicTime } from "./monotonic-clock.ts";
import { readPayload } from "./payload-layout.ts";
import type { PayloadStage } from "./payload-stage.ts";
import { tooManyArguments, tooManyCalls } from "./refused-calls.ts";
import { type IncomingRoute, IncomingRoutes } from "./routes.ts";
import { ServedCall } from "./served-call.ts";
import { isObjectId, maxMethodLength, maxTargetLength, type SessionLimits } from "./session-limits.ts";
import type { SessionOwner } from "./session-options.ts";

/** The largest time that travels, about 49 days. */
const forEver = Number.POSITIVE_INFINITY;

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** Serves the calls of one session. */
export class IncomingCalls implements CallRunner, ReplyObserver {
  readonly #sender: FrameSender;
  readonly #stage: PayloadStage;
  readonly #dispatcher: CallDispatcher;
  readonly #limits: IncomingLimits;
  readonly #peer: PeerInfo;
  readonly #owner: SessionOwner;
  readonly #observer: IdleObserver;
  readonly #replies: CallReplies;
  readonly #routes = new IncomingRoutes();
  /** Calls whose method has not settled. Cancelled ones too: their slot is taken until they really end. */
  #running: Map<number, ServedCall> | undefined;
  /** One-way calls that run, which have no id. */
  #runningOneWay = 0;
  /** Bytes of the arguments of all that run. */
  #argumentBytes = 0;
  /** Calls that cannot begin yet; made when there is the first one. */
  #deferred: DeferredCalls | undefined;
  /** Made when the first call brings a context. */
  #context: ContextDecoder | undefined;
  #deadlines: DeadlineTimer | undefined;
  #draining = false;

  /**
   * @param owner Takes the errors of one-way calls.
   * @param observer Told when the last call has ended.
   */
  constructor(
    sender: FrameSender,
    stage: PayloadStage,
    dispatcher: CallDispatcher,
    marshaler: ValueMarshaler,
    limits: IncomingLimits,
    peer: PeerInfo,
    owner: SessionOwner,
    observer: IdleObserver,
  ) {
    this.#sender = sender;
    this.#stage = stage;
    this.#dispatcher = dispatcher;
    this.#limits = limits;
    this.#peer = peer;
    this.#owner = owner;
    this.#observer = observer;
    this.#replies = new CallReplies(sender, stage, marshaler, owner, this);
  }

  /** Calls that were accepted and have not ended. */
  get size(): number {
    return (this.#running?.size ?? 0) + this.#runningOneWay + (this.#deferred?.size ?? 0);
  }

  /** Whether nothing is under way: no call, and no answer in the channel sinks. */
  get isIdle(): boolean {
    return this.size === 0 && this.#replies.underWay === 0;
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
    const { headers, context } = (flags & callFlag.fields) === 0 ? noFields : readFields(reader);
    if (withdrawn) return;
    const oneWay = (flags & callFlag.oneWay) !== 0;
    if (!oneWay && (this.#running?.has(id) || this.#deferred?.has(id)))
      throw protocolError(`two calls have the id ${id}`);
    const kind = (flags & callFlag.construct) === 0 ? "call" : "construct";

    const { bytes, start, end, attachments } = readPayload(flags, reader, segments, owned);
    const call = new ServedCall(
      id,
      kind,
      route.target,
      route.method,
      oneWay,
      timeout,
      attachments,
      this.#peer,
    );
    let target: CallTarget;
    let permission: Promise<undefined> | undefined;
    try {
      if (context !== undefined) {
        this.#context ??= new ContextDecoder();
        call.flow = flowOfCall(call, this.#context.decode(context), this.#owner.inheritsDeadline);
      }
      this.#checkCapacity(route);
      target = this.#resolve(route, kind);
      permission = target.authorize?.(call);
    } catch (error) {
      this.#replies.refuse(call, error);
      return;
    }
    if (permission !== undefined || this.#stage.hasSinks || this.#deferred?.isInOrder === false) {
      const body = Buffer.from(bytes.subarray(start, end));
      this.#deferring().prepare(call, target, { body, attachments, headers }, permission);
    } else if (this.#sender.isCongested || this.#deferred?.isCaughtUp === false) {
      this.#deferring().wait(call, target, Buffer.from(bytes.subarray(start, end)));
    } else {
      this.run(call, target, bytes, start, end);
    }
  }

  #deferring(): DeferredCalls {
    this.#deferred ??= new DeferredCalls(this.#sender, this.#stage, this.#replies, this.#limits, this);
    return this.#deferred;
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

  /** Starts calls that waited for the peer to read, as far as it has caught up. */
  resume(): void {
    this.#deferred?.resume();
  }

  run(call: ServedCall, target: CallTarget, bytes: Buffer, start: number, end: number): void {
    let args: unknown;
    try {
      this.#measure(call, end - start);
      args = this.#stage.formatter.parse(bytes, start, end, call);
      if (!Array.isArray(args)) throw new SerializationError("The arguments of a call must be an array");
    } catch (error) {
      this.#replies.refuse(call, error);
      return;
    }
    if (target.oneWay && !call.oneWay) {
      // A client without the class does not know that the method is one-way, and waits: not for the method, though.
      this.#replies.returned(call, undefined);
      call.oneWay = true;
    }
    let result: unknown;
    try {
      result = serveCall(target, args, call, this.#owner.inheritsDeadline);
      if (!isThenable(result)) {
        this.#replies.returned(call, result);
        return;
      }
    } catch (error) {
      this.#replies.threw(call, error);
      return;
    }
    this.#await(call, result);
  }

  /** Refuses a call whose arguments are more than may be in use. */
  #measure(call: ServedCall, bodyBytes: number): void {
    const { attachments } = call;
    let bytes = bodyBytes;
    for (let index = 0; index < attachments.length; index++) bytes += attachments[index]?.length ?? 0;
    const { maxArgumentBytes } = this.#limits;
    if (this.#argumentBytes + bytes > maxArgumentBytes)
      throw tooManyArguments(bytes, this.#argumentBytes, maxArgumentBytes);
    call.argumentBytes = bytes;
  }

  #await(call: ServedCall, result: PromiseLike<unknown>): void {
    this.#argumentBytes += call.argumentBytes;
    if (call.oneWay) {
      this.#runningOneWay++;
    } else {
      this.#running ??= new Map();
      this.#running.set(call.id, call);
      if (call.deadline < forEver) {
        this.#deadlines ??= new DeadlineTimer((now) => this.#expire(now));
        this.#deadlines.arm(call.deadline, monotonicTime());
      }
    }
    // Anything but a promise may call back twice, throw, or do so before `then` returns. A promise does not.
    const settled = result instanceof Promise ? result : Promise.resolve(result);
    settled.then(
      (value) => {
        this.#replies.returned(call, value);
        this.#ended(call);
      },
      (error: unknown) => {
        this.#replies.threw(call, error);
        this.#ended(call);
      },
    );
  }

  #ended(call: ServedCall): void {
    this.#argumentBytes -= call.argumentBytes;
    if (call.oneWay) this.#runningOneWay--;
    else this.#running?.delete(call.id);
    this.onAnswered();
  }

  onAnswered(): void {
    if (this.isIdle) this.#observer.onIdle();
  }

  /** The arguments of a call are more than this side takes. */
  onRefusedCall(flags: number, id: number, error: Error): void {
    this.#replies.refuseUnread(flags, id, error);
  }

  /** The peer has not read the answer to a call. */
  onUnread(id: number): void {
    this.#replies.takeBackAnswer(id);
  }

  /** The peer no longer wants a result. */
  onCancel(id: number): void {
    this.#running?.get(id)?.cancel();
    this.#deferred?.cancel(id);
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
    this.#replies.close();
    this.#deadlines?.stop();
    this.#deferred?.close();
    for (const call of this.#running?.values() ?? []) call.cancel();
  }
}

/** What of a session's limits is about calls that come in. */
type IncomingLimits = Pick<SessionLimits, "maxArgumentBytes" | "maxCallsInFlight" | "maxReassemblyBytes">;

/** Passes over a route that was read before. */
function skipRoute(reader: ByteReader, route: IncomingRoute): IncomingRoute {
  if (reader.readVarUint() === 0) {
    reader.skip(reader.readVarUint());
    reader.skip(reader.readVarUint());
  }
  return route;
}
