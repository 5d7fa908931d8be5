/** What the receiving end of a channel asks of its domain: find what a call names, then run it. */
import type { MethodCall } from "../messages/method-call.ts";

/** Finds and runs what calls name. */
export interface CallDispatcher {
  /** Changes whenever an earlier answer of {@link resolve} may no longer hold, so that answers can be kept. */
  readonly revision: number;

  /**
   * Finds what a call names, before its arguments are decoded: a lookup in a map, never an evaluation.
   *
   * @throws ServiceNotFoundError, ObjectDisconnectedError or MethodNotFoundError.
   */
  resolve(kind: MethodCall["kind"], target: string, method: string): CallTarget;
}

/** A method of a published object, ready to be run. */
export interface CallTarget {
  /** Whether the server's contract says that no reply is wanted. */
  readonly oneWay: boolean;
  /** Whether the answer may be kept for later calls with the same names. */
  readonly cacheable: boolean;
  /**
   * Decides whether the caller may do this, before the arguments are decoded. Absent where everybody may.
   *
   * @throws AccessDeniedError if not; or rejects with one. Later calls of the same peer wait for the answer.
   */
  authorize?(call: IncomingCall): undefined | Promise<undefined>;
  /** Runs the method and returns its result, or a promise if the method returned one. May throw anything. */
  invoke(args: readonly unknown[], call: IncomingCall): unknown;
}

/** What is known of a call that arrived, beside its arguments. */
export interface IncomingCall {
  readonly kind: MethodCall["kind"];
  readonly target: string;
  readonly method: string;
  readonly oneWay: boolean;
  /** Milliseconds that the caller waits, 0 for ever. */
  readonly timeout: number;
  /** Aborts when the caller has cancelled, its deadline has passed, or it is gone. */
  readonly signal: AbortSignal;
  /**
   * Whether the method itself was begun, so that a refusal thrown by it says so in `mayHaveExecuted`. `true` from the
   * start; a target that puts something before its method, as message sinks do, sets it to `false` until then.
   */
  methodReached: boolean;
  /** Set by a target that needs to know when the result has been serialized, or could not be. */
  onCompleted: (() => void) | undefined;
}
