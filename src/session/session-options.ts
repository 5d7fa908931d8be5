/** What a session needs from those who make it. */
import type { ChannelSinkProvider } from "../channels/channel-sink.ts";
import type { Formatter, PayloadLimits } from "../channels/formatter.ts";
import type { MemoryBudgets } from "../channels/memory-budget.ts";
import type { MessageSinkProvider } from "../channels/message-sink.ts";
import type { PeerHost, PeerLimits, PeerLink } from "../channels/peer-host.ts";
import type { Transport } from "../channels/transport.ts";
import type { RemotingError } from "../errors.ts";
import type { ErrorOrigin } from "../messages/error-origin.ts";
import type { PeerInfo } from "../messages/peer-info.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { SessionLimits } from "./session-limits.ts";
import type { SessionPool } from "./session-pool.ts";
import type { SharedSecret, SharedSecrets } from "./shared-secret.ts";

/** What all sessions of a channel have in common. */
export interface SessionOptions {
  /** What can be spoken. A client asks for the first; a server takes whichever of them it is asked for. */
  readonly formatters: readonly [Formatter, ...Formatter[]];
  readonly channelSinks: readonly ChannelSinkProvider[];
  readonly limits: SessionLimits & PayloadLimits & PeerLimits;
  /** What this side proves with when it connects, and what the server has to prove to know. */
  readonly credentials?: SharedSecret | ((url: string) => SharedSecret | undefined) | undefined;
  /** The secrets that clients may prove to know. With it, those that do not are refused. */
  readonly authentication?: SharedSecrets | undefined;
  readonly pool: SessionPool;
  readonly heartbeat: Heartbeat;
}

/** What the two ends of a channel have in common. */
export interface SessionChannelContext extends SessionOptions {
  readonly transport: Transport;
  readonly messageSinks: readonly MessageSinkProvider[];
}

/** A session, as its owner sees it. */
export interface OwnedSession extends PeerLink {
  /** Who is at the other end. */
  readonly peer: PeerInfo;
  /** Whether it has ended. */
  readonly isClosed: boolean;
  /** Ends it before its handshake is over, and tells the peer why. */
  turnAway(error: RemotingError): void;
  /** Ends it in good order, within `grace` milliseconds. */
  close(grace: number): Promise<void>;
}

/** Who makes sessions, connects them with the domain, and is told what becomes of them. */
export interface SessionOwner {
  /** Milliseconds a call may take when it does not say. */
  readonly defaultTimeout: number;
  /** Count what all peers of the domain make it hold. */
  readonly budgets: MemoryBudgets;
  /** Whether the calls that a method makes end with the time of the call that it serves. */
  readonly inheritsDeadline: boolean;
  /** Opens the domain's side of a conversation. */
  openPeer(peer: PeerInfo, session: OwnedSession): PeerHost;
  sessionOpened(session: OwnedSession): void;
  /** The peer takes no new calls. */
  peerDraining(session: OwnedSession): void;
  /**
   * Called once.
   *
   * @param error Missing if the session was closed in good order.
   * @param wasOpen Whether {@link sessionOpened} was called before.
   */
  sessionClosed(session: OwnedSession, error: Error | undefined, wasOpen: boolean): void;
  unobservedError(error: unknown, origin?: ErrorOrigin): void;
}
