/** What a domain can be told, and what it tells. */
import type { PeerInfo } from "../channels/channel.ts";
import type { Class } from "../contract/class.ts";
import type { MarshalByRefObject } from "../contract/marshal-by-ref-object.ts";
import type { Exposure, MethodOptions } from "../contract/service-type.ts";
import type { ChannelLimits } from "../session/session-channel.ts";

/** What a domain can be told. */
export interface RemotingDomainOptions {
  /**
   * Milliseconds a call may take when it does not say; 0 for no limit. Default 30,000: long enough for any
   * healthy call, short enough that a lost one is noticed the same minute.
   */
  readonly defaultTimeout?: number;
  /**
   * What of a class can be called: every public method, or only what is marked `@Remote()`. Default
   * `"public"`, as in .NET Remoting.
   */
  readonly exposure?: Exposure;
  /** Milliseconds that closing lets calls under way finish. Default 5,000: long enough for most, short enough for a deployment. */
  readonly closeGrace?: number;
  /** Bounds of all channels that do not say otherwise. Default: those of `docs/limits.md`. */
  readonly limits?: Partial<ChannelLimits>;
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
   * peer that broke the protocol. With no listener it becomes a process warning, so that it is not lost.
   */
  unobservedError: [error: unknown];
}

/** A class as `register` and `serve` take it: its activation comes from its decorator. */
export type RegisteredClass = Class<MarshalByRefObject>;
