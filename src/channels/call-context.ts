/**
 * What a method may know of the call that it serves, and what it may send along with the calls that it makes. This
 * file is imported by `remoting/call-context` and nothing else: that an application imports it is what tells that
 * lines of execution have to be told apart.
 */
import { type LogicalData, type LogicalValue, noLogicalData } from "../messages/logical-data.ts";
import type { PeerInfo } from "../messages/peer-info.ts";
import type { Principal } from "../messages/principal.ts";
import { CallFlow, callFlows, type ServedCallInfo } from "./call-flow.ts";
import { checkContextName } from "./context-rules.ts";

callFlows.isTracked = true;

/** The incoming call on whose behalf the running code runs. */
export interface CurrentCall {
  /** `"call"` for a method, `"construct"` for the construction of a client-activated object. */
  readonly kind: "call" | "construct";
  /** The URI or the id of the object that was called; for a construction the type's name. */
  readonly target: string;
  /** The method's name; empty for a function and for a construction. */
  readonly method: string;
  /** Whether the caller waits for nothing. */
  readonly oneWay: boolean;
  /** Who calls: the connection that the call came over. */
  readonly peer: PeerInfo;
  /** Who the caller has proved to be (Thread.CurrentPrincipal); `undefined` if it has proved nothing. */
  readonly principal: Principal | undefined;
  /** Milliseconds that the caller still waits, not below 0; `Infinity` if it waits for ever, or for nothing. */
  readonly timeRemaining: number;
  /** Aborts when the caller has cancelled, its time is over, or it is gone. Pass it on to whatever can be stopped. */
  readonly signal: AbortSignal;
}

class CallView implements CurrentCall {
  readonly #call: ServedCallInfo;

  constructor(call: ServedCallInfo) {
    this.#call = call;
  }

  get kind(): CurrentCall["kind"] {
    return this.#call.kind;
  }

  get target(): string {
    return this.#call.target;
  }

  get method(): string {
    return this.#call.method;
  }

  get oneWay(): boolean {
    return this.#call.oneWay;
  }

  get peer(): PeerInfo {
    return this.#call.peer;
  }

  get principal(): Principal | undefined {
    return this.#call.peer.principal;
  }

  get timeRemaining(): number {
    return Math.max(0, this.#call.deadline - performance.now());
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }
}

function flowToChange(): CallFlow {
  const flow = callFlows.current;
  if (flow !== undefined) return flow;
  throw new TypeError(
    "There is no call context here, and nothing would say who else sees what is set: set it within CallContext.run(() => ...), or in a method that is called remotely",
  );
}

/**
 * What goes with calls without being an argument (System.Runtime.Remoting.Messaging.CallContext): an identity for
 * the next server, a language, a trace id. What is set here flows with every call that is made from here on, also
 * over several hops, and comes back with what the methods have changed of it.
 *
 * It belongs to one line of execution: all that is awaited within {@link run}, or within one incoming call.
 *
 * @example
 * ```ts
 * import { CallContext } from "remoting/call-context";
 *
 * await CallContext.run(async () => {
 *   CallContext.logicalSetData("language", "nl");
 *   await shop.order("book");          // in the method: CallContext.logicalGetData("language") is "nl"
 * });
 * ```
 */
export const CallContext = {
  /** The incoming call that is being served; `undefined` outside of one. */
  get current(): CurrentCall | undefined {
    const call = callFlows.current?.call;
    return call === undefined ? undefined : new CallView(call);
  },

  /** All that flows from here with calls. */
  get logicalData(): LogicalData {
    return callFlows.current?.data ?? noLogicalData;
  },

  /**
   * Sets what flows with calls (CallContext.LogicalSetData).
   *
   * @param name 1 to 128 printable ASCII characters without spaces.
   * @param value Plain data: it is copied now, so later changes to it are not seen.
   * @throws TypeError outside of {@link run} and of incoming calls, and for a bad name; SerializationError for a value that
   *   cannot flow; LimitExceededError if it is too much: `maxContextEntries` (64), `maxContextBytes` (4,096).
   */
  logicalSetData(name: string, value: LogicalValue): void {
    if (value === undefined) {
      throw new TypeError(`undefined cannot flow: remove "${name}" with CallContext.freeNamedDataSlot`);
    }
    flowToChange().set(name, value);
  },

  /** What flows with calls under a name (CallContext.LogicalGetData); `undefined` if nothing does. Frozen. */
  logicalGetData(name: string): LogicalValue | undefined {
    return callFlows.current?.data.get(name);
  },

  /**
   * Sets what stays on this side (CallContext.SetData): any value, seen by all that runs on behalf of the same call.
   *
   * @throws TypeError as {@link logicalSetData}.
   */
  setData(name: string, value: unknown): void {
    checkContextName(name);
    flowToChange().local.set(name, value);
  },

  /** What was set by {@link setData}, or else flows under that name (CallContext.GetData); `undefined` if there is neither. */
  getData(name: string): unknown {
    const flow = callFlows.current;
    return flow?.local.has(name) ? flow.local.get(name) : flow?.data.get(name);
  },

  /** Removes what has a name, whether it flows or stays (CallContext.FreeNamedDataSlot). Nothing if there is no such. */
  freeNamedDataSlot(name: string): void {
    const flow = callFlows.current;
    flow?.local.delete(name);
    if (flow?.data.has(name)) flow.set(name, undefined);
  },

  /**
   * Runs a function, and all that it awaits, with a context of its own. It begins with what flows here now; what it
   * changes, and what its calls bring back, stays in it.
   */
  run<R>(action: () => R): R {
    const flow =
      callFlows.current?.fork() ?? new CallFlow(noLogicalData, undefined, Number.POSITIVE_INFINITY);
    return callFlows.run(flow, action);
  },

  /**
   * Runs a function, and all that it awaits, with no context (ExecutionContext.SuppressFlow): nothing flows, and the
   * time of the call that is being served does not bound it. For work that goes on after the method has returned.
   */
  suppressFlow<R>(action: () => R): R {
    return callFlows.run(undefined, action);
  },
};
