/**
 * What flows with calls along one line of execution: from `CallContext.run` or an incoming call, through whatever is
 * awaited, to the calls that are made on the way. Kept by Node's `AsyncLocalStorage`, which slows down every promise of
 * the process once it is used (on Node 20; hardly on 24): so it is first used when there is something to keep.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import {
  type ContextReceiver,
  type LogicalData,
  type LogicalDataChanges,
  type LogicalValue,
  noLogicalData,
} from "../messages/logical-data.ts";
import type { MethodCall } from "../messages/method-call.ts";
import type { PeerInfo } from "../messages/peer-info.ts";
import { encodeContext, flowingData } from "./context-codec.ts";
import { checkContextName, copyLogicalValue } from "./context-rules.ts";

/** An incoming call, as far as those may know who run on its behalf. */
export interface ServedCallInfo {
  readonly kind: MethodCall["kind"];
  readonly target: string;
  readonly method: string;
  readonly oneWay: boolean;
  /** Who calls. */
  readonly peer: PeerInfo;
  /** When the caller stops waiting, in monotonic milliseconds (`performance.now()`); `Infinity` for never. */
  readonly deadline: number;
  /** Aborts when the caller has cancelled, its deadline has passed, or it is gone. */
  readonly signal: AbortSignal;
}

/** One line of execution. */
export class CallFlow implements ContextReceiver {
  /** The call on whose behalf everything here happens; `undefined` where it began with `CallContext.run`. */
  readonly call: ServedCallInfo | undefined;
  /** When whoever waits for this stops waiting, in monotonic milliseconds; `Infinity` for never. */
  readonly deadline: number;
  #data: LogicalData;
  #changes: Map<string, LogicalValue | undefined> | undefined;
  #local: Map<string, unknown> | undefined;

  constructor(data: LogicalData, call: ServedCallInfo | undefined, deadline: number) {
    this.#data = data;
    this.call = call;
    this.deadline = deadline;
  }

  /** A line that begins here: it has the same data now, and what it changes stays its own. */
  fork(): CallFlow {
    const fork = new CallFlow(this.#data, this.call, this.deadline);
    if (this.#local !== undefined) fork.#local = new Map(this.#local);
    return fork;
  }

  /** What flows with the calls that are made here. */
  get data(): LogicalData {
    return this.#data;
  }

  /** What was changed here, and goes back to the caller; `undefined` if nothing was. */
  get changes(): LogicalDataChanges | undefined {
    return this.#changes;
  }

  /** What stays here, and does not flow with calls. */
  get local(): Map<string, unknown> {
    this.#local ??= new Map();
    return this.#local;
  }

  /** Sets a value, or removes it. Throws, and changes nothing, if it cannot flow or there is no room for it. */
  set(name: string, value: unknown): void {
    checkContextName(name);
    this.#apply(new Map([[name, value === undefined ? undefined : copyLogicalValue(value, name)]]));
  }

  /** Puts other data in place of what there is. Does not count as a change. */
  replace(data: LogicalData): void {
    this.#data = data;
  }

  /** Puts something else in place of what goes back to the caller. */
  answer(changes: LogicalDataChanges): void {
    this.#changes = new Map(changes);
  }

  receive(changes: LogicalDataChanges): void {
    if (changes.size > 0) this.#apply(changes);
  }

  #apply(changes: LogicalDataChanges): void {
    const data = new Map(this.#data);
    for (const [name, value] of changes) {
      if (value === undefined) data.delete(name);
      else data.set(name, value);
    }
    const all = new Map([...(this.#changes ?? []), ...changes]);
    const flowing = flowingData(data);
    encodeContext(all);
    this.#data = flowing;
    this.#changes = all;
  }

  /** A call with what flows along with it. */
  attachTo({ kind, target, method, args, oneWay, options }: MethodCall): MethodCall {
    const context = this.#data.size === 0 ? undefined : this.#data;
    const deadline = this.deadline === Number.POSITIVE_INFINITY ? undefined : this.deadline;
    return { kind, target, method, args, oneWay, options, context, deadline };
  }
}

/** The lines of execution of this process (of this thread). */
class CallFlows {
  readonly #storage = new AsyncLocalStorage<CallFlow | undefined>();

  /** Whether anything in this process may ask for the flow that it is in. Once it may, it may for ever. */
  isTracked = false;

  /** The flow that the running code is in. */
  get current(): CallFlow | undefined {
    return this.isTracked ? this.#storage.getStore() : undefined;
  }

  /** Runs a function, and all that it awaits, in a flow, or outside of any. */
  run<A extends readonly unknown[], R>(flow: CallFlow | undefined, action: (...args: A) => R, ...args: A): R {
    this.isTracked = true;
    return this.#storage.run(flow, action, ...args);
  }

  /**
   * Runs a function outside of any flow, if it is in one: for what is made now and used by others later, such as
   * connections, whose events would else belong to whoever happened to be the first.
   */
  outside<R>(action: () => R): R {
    return this.current === undefined ? action() : this.run(undefined, action);
  }
}

/** See {@link CallFlows}. */
export const callFlows = new CallFlows();

/** Where calls can be sent. */
interface CallSink {
  send(call: MethodCall, receiver?: ContextReceiver): Promise<unknown>;
}

/** Sends a call together with what flows where it is made; what comes back flows on there. */
export function sendInFlow(sink: CallSink, call: MethodCall): Promise<unknown> {
  const flow = callFlows.current;
  return flow === undefined ? sink.send(call) : sink.send(flow.attachTo(call), flow);
}

/** The line of execution that begins with a call that brought no data. */
export function emptyFlow(call: ServedCallInfo, inheritsDeadline: boolean): CallFlow {
  return flowOfCall(call, noLogicalData, inheritsDeadline);
}

/** The line of execution that begins with a call. */
export function flowOfCall(call: ServedCallInfo, data: LogicalData, inheritsDeadline: boolean): CallFlow {
  return new CallFlow(data, call, inheritsDeadline ? call.deadline : Number.POSITIVE_INFINITY);
}
