/** What all proxies of one remote object share, and what proxies are made of. */
import type { TargetAccess } from "../channels/call-dispatcher.ts";
import type { ContextReceiver } from "../messages/logical-data.ts";
import type { MethodCall } from "../messages/method-call.ts";

/** The way to a remote object. A proxy holds it, so it lives as long as any proxy of the object. */
export interface ProxyTarget {
  /** The object's URI within its server, or the id of a by-reference object. */
  readonly uri: string;
  /** What to show to people. */
  readonly url: string;
  /** The contract's name, where it is known. */
  readonly typeName: string | undefined;
  /** Where the object can be called again when the connection was lost; `undefined` if it is gone then. */
  readonly endpoint: string | undefined;
  /** The conversation that a by-reference object belongs to; `undefined` for a well-known object. */
  readonly owner: object | undefined;
  /** What a method demands of callers, where it is known here: of an object of this domain's. */
  accessTo?(method: string): TargetAccess | undefined;
  /** Sends a call. What comes back in its call context goes to `receiver`. */
  send(call: MethodCall, receiver?: ContextReceiver): Promise<unknown>;
  /** Resolves when the present connection to the object is lost. */
  whenDisconnected(): Promise<Error | undefined>;
  /** Lets go of the object. Calls fail afterwards. Does nothing for a well-known object. */
  release(): void;
}
