/** The messages of a call: pure data, handed from link to link of the message sinks. */
import type { LogicalData, LogicalDataChanges } from "./logical-data.ts";

/**
 * What a caller may say about how a call is made, as opposed to what is called.
 * See `withOptions`.
 */
export interface CallOptions {
  /**
   * Milliseconds until the call fails with `RemotingTimeoutError`; 0 means no limit. Default: the domain's
   * (30,000): long enough for any healthy call, short enough that a lost one is noticed the same minute.
   */
  readonly timeout?: number;
  /** Cancels the call: it rejects with an `AbortError` and the server is told. */
  readonly signal?: AbortSignal;
}

/** A call of a method (System.Runtime.Remoting.Messaging.MethodCall). */
export interface MethodCall {
  /** `"call"` for a method, `"construct"` for a client-activated object. */
  readonly kind: "call" | "construct";
  /** The URI of the object within its server; for a construction the registered type's name. */
  readonly target: string;
  /** The method's name; empty when a function is called, and for a construction. */
  readonly method: string;
  /** The arguments as the caller gave them, or as the receiver decoded them. */
  readonly args: readonly unknown[];
  /** Whether no reply is wanted. */
  readonly oneWay: boolean;
  /** How the call is made. On the server, `timeout` is what remains of the caller's. */
  readonly options: CallOptions;
  /** What flows with the call (LogicalCallContext); absent if nothing does. A message sink passes on what is to flow. */
  readonly context?: LogicalData | undefined;
  /**
   * When those stop waiting on whose behalf the call is made, in monotonic milliseconds (`performance.now()`); absent
   * if nobody does. The call ends then at the latest, whatever its own timeout.
   */
  readonly deadline?: number | undefined;
}

/** A request to construct a client-activated object (ConstructionCall). Its `target` is the type's name. */
export interface ConstructionCall extends MethodCall {
  readonly kind: "construct";
}

/** What comes back from a call that succeeded (ReturnMessage). A call that fails rejects instead. */
export interface MethodReturn {
  readonly value: unknown;
  /**
   * What the method has changed in the call context, and what flows on at the caller; absent if nothing. A message sink
   * that makes another return passes it on: `{ ...returned, value }`.
   */
  readonly context?: LogicalDataChanges | undefined;
}
