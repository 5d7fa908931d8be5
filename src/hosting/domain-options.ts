/** What a domain can be told, and what it tells. */

import type { Class } from "../contract/class.ts";
import type { MarshalByRefObject } from "../contract/marshal-by-ref-object.ts";
import type { Exposure, MethodOptions } from "../contract/service-type.ts";
import type { LeaseOptions, LifetimeRules } from "../lifetime/lifetime-options.ts";
import type { ErrorOrigin } from "../messages/error-origin.ts";
import type { PeerInfo } from "../messages/peer-info.ts";
import type { Authorizer } from "./authorization.ts";
import type { CustomErrorsMode } from "./custom-errors.ts";
import type { DomainLimits } from "./domain-limits.ts";

/** What a domain can be told. */
export interface RemotingDomainOptions {
  /**
   * Milliseconds a call may take when it does not say; 0 for no limit. Default 30,000: long enough for any
   * healthy call, short enough that a lost one is noticed the same minute.
   */
  readonly defaultTimeout?: number;
  /**
   * Whether the calls that a method makes end with the time of the call that it serves, as with gRPC: when nobody waits
   * for the method any more, nobody needs what it asks for. Default `true`. It takes effect where the call context is
   * in use; `CallContext.suppressFlow` makes an exception for work that goes on.
   */
  readonly inheritDeadline?: boolean;
  /**
   * What of a class can be called: every public method, or only what is marked `@Remote()`. Default
   * `"public"`, as in .NET Remoting.
   */
  readonly exposure?: Exposure;
  /**
   * Decides about each call that comes to this domain, before its arguments are decoded. Default: everybody may call
   * what `@Authorize` does not restrict.
   */
  readonly authorizer?: Authorizer | undefined;
  /**
   * Who gets the stacks of the errors that methods of this domain throw. Default `"remote-only"`, as in .NET: callers on
   * this machine see them, because they could as well look into the process; all others do not.
   */
  readonly customErrors?: CustomErrorsMode;
  /** Milliseconds that closing lets calls under way finish. Default 5,000: long enough for most, short enough for a deployment. */
  readonly closeGrace?: number;
  /** Bounds, of the domain and of all channels that do not say otherwise. Default: those of `docs/limits.md`. */
  readonly limits?: Partial<DomainLimits>;
  /**
   * Whether objects expire that are idle but held. Default `"held"`: what a connected peer holds stays. `"dotnet"`: every
   * lease runs, also those of Singletons and of objects passed as arguments, as in .NET Remoting.
   */
  readonly lifetime?: LifetimeRules;
  /** The times of leases. Default: .NET's. */
  readonly leases?: LeaseOptions;
  /**
   * Endpoints (`"tcp://10.0.0.5:6100"`) that may be dialled when a peer passes a proxy of a well-known object there, so that
   * calls go there directly. Default none: they are relayed by the peer, since a URL of a peer's may lead anywhere.
   */
  readonly dialable?: readonly string[];
}

/** How a type is registered. */
export interface RegisterOptions {
  /** Where it is published, or the name under which it is activated. Default: what its decorator says. */
  readonly uri?: string;
  /** Options of methods, for contracts that cannot be decorated. */
  readonly methods?: Readonly<Record<string, MethodOptions>>;
}

/**
 * A published object as others can be told of it (System.Runtime.Remoting.ObjRef). Plain data: it can be stored
 * and mailed.
 */
export interface MarshaledObject {
  readonly uri: string;
  readonly typeName: string;
  /** Where it can be reached: one for each address that the domain listened on when it was marshaled. */
  readonly urls: readonly string[];
}

/** A reference to an object, as tracking events tell it. */
export interface ObjectReference {
  /** The object's URI or id. Who knows the id of a returned object can use it: not for logs. */
  readonly uri: string;
  /** The name of the object's type; `undefined` for a function. */
  readonly typeName: string | undefined;
}

/** What a domain tells those who listen. */
export interface RemotingDomainEvents {
  /** A connection was opened, by either side. */
  connected: [peer: PeerInfo];
  /** A connection has ended; `error` is missing if it ended in good order. */
  disconnected: [peer: PeerInfo, error: Error | undefined];
  /** A peer takes no new calls. */
  draining: [peer: PeerInfo];
  /**
   * An error that no call could report: of a one-way call, of a callback whose result nobody looked at, of a
   * peer that broke the protocol. `origin` has the peer, and the method of a one-way call, where they are known. With no
   * listener it becomes a process warning, so that it is not lost.
   */
  unobservedError: [error: unknown, origin: ErrorOrigin];
  /** A reference to an object or function was made for a peer (ITrackingHandler.MarshaledObject); again each time it is passed. */
  objectMarshaled: [object: object, reference: ObjectReference];
  /** A proxy was made for a peer's object or function (ITrackingHandler.UnmarshaledObject). */
  objectUnmarshaled: [proxy: object, reference: ObjectReference];
  /**
   * An object or function of this domain can no longer be reached (ITrackingHandler.DisconnectedObject): nobody holds it, it
   * was disconnected, or its time ran out.
   */
  objectDisconnected: [object: object];
}

/** A class as `register` and `serve` take it: its activation comes from its decorator. */
export type RegisteredClass = Class<MarshalByRefObject>;
