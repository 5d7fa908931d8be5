/** What the receiving end of a channel asks of its domain: find what a call names, then run it. */
import type { AccessRule } from "../contract/authorize.ts";
import type { MethodCall } from "../messages/method-call.ts";
import { type CallFlow, callFlows, emptyFlow, type ServedCallInfo } from "./call-flow.ts";

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
  /** What it is, for whoever authorizes. Absent for what has no contract, such as a function. */
  readonly access?: TargetAccess | undefined;
  /**
   * Decides whether the caller may do this, before the arguments are decoded. Absent where everybody may.
   *
   * @throws AccessDeniedError if not; or rejects with one. Later calls of the same peer wait for the answer.
   */
  authorize?(call: IncomingCall): undefined | Promise<undefined>;
  /** Runs the method and returns its result, or a promise if the method returned one. May throw anything. */
  invoke(args: readonly unknown[], call: IncomingCall): unknown;
}

/** What has to be known of a method to say who may call it. */
export interface TargetAccess {
  /** The contract's name. */
  readonly typeName: string;
  /** What its contract demands of callers: all of these must hold. */
  readonly rules: readonly AccessRule[];
}

/** What is known of a call that arrived, beside its arguments. */
export interface IncomingCall extends ServedCallInfo {
  /** Milliseconds that the caller waits, 0 for ever. */
  readonly timeout: number;
  /** What flowed in with the call, and what will flow back; `undefined` if nothing did, and nobody may ask. */
  flow: CallFlow | undefined;
  /**
   * Whether the method itself was begun, so that a refusal thrown by it says so in `mayHaveExecuted`. `true` from the
   * start; a target that puts something before its method, as message sinks do, sets it to `false` until then.
   */
  methodReached: boolean;
  /** Set by a target that needs to know when the result has been serialized, or could not be. */
  onCompleted: (() => void) | undefined;
}

/**
 * Runs the method of a call. What flows with calls is there for it: one line of execution begins here.
 *
 * @param inheritsDeadline Whether the calls that the method makes end with the time of this one.
 */
export function serveCall(
  target: CallTarget,
  args: readonly unknown[],
  call: IncomingCall,
  inheritsDeadline: boolean,
): unknown {
  if (call.flow === undefined) {
    if (!callFlows.isTracked) return target.invoke(args, call);
    call.flow = emptyFlow(call, inheritsDeadline);
  }
  return callFlows.run(call.flow, invoke, target, args, call);
}

function invoke(target: CallTarget, args: readonly unknown[], call: IncomingCall): unknown {
  return target.invoke(args, call);
}
