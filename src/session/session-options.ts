/** What a session needs from those who make it. */
import type { PeerInfo } from "../channels/channel.ts";
import type { ChannelSinkProvider } from "../channels/channel-sink.ts";
import type { Formatter, PayloadLimits } from "../channels/formatter.ts";
import type { PeerHost } from "../channels/peer-host.ts";
import type { BufferPool } from "./buffer-pool.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { Session } from "./session.ts";
import type { SessionLimits } from "./session-limits.ts";

/** What all sessions of a channel have in common. */
export interface SessionOptions {
  /** What can be spoken. A client asks for the first; a server takes whichever of them it is asked for. */
  readonly formatters: readonly [Formatter, ...Formatter[]];
  readonly channelSinks: readonly ChannelSinkProvider[];
  readonly limits: SessionLimits;
  readonly payloadLimits: PayloadLimits;
  readonly pool: BufferPool;
  readonly heartbeat: Heartbeat;
}

/** Who makes sessions, connects them with the domain, and is told what becomes of them. */
export interface SessionOwner {
  /** Milliseconds a call may take when it does not say. */
  readonly defaultTimeout: number;
  /** Opens the domain's side of a conversation. */
  openPeer(peer: PeerInfo, session: Session): PeerHost;
  sessionOpened(session: Session): void;
  /** The peer takes no new calls. */
  peerDraining(session: Session): void;
  /**
   * Called once.
   *
   * @param error Missing if the session was closed in good order.
   * @param wasOpen Whether {@link sessionOpened} was called before.
   */
  sessionClosed(session: Session, error: Error | undefined, wasOpen: boolean): void;
  unobservedError(error: unknown): void;
}
