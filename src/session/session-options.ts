/** What a session needs from those who make it. */
import type { PeerInfo } from "../channels/channel.ts";
import type { ChannelSinkProvider } from "../channels/channel-sink.ts";
import type { Formatter, PayloadLimits } from "../channels/formatter.ts";
import type { PeerHost, PeerLink } from "../channels/peer-host.ts";
import type { BufferPool } from "./buffer-pool.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { SessionLimits } from "./session-limits.ts";

/** What a session is made of. */
export interface SessionOptions {
  readonly peer: PeerInfo;
  /** What can be spoken. A client asks for the first; a server takes whichever of them it is asked for. */
  readonly formatters: readonly [Formatter, ...Formatter[]];
  readonly channelSinks: readonly ChannelSinkProvider[];
  readonly limits: SessionLimits;
  readonly payloadLimits: PayloadLimits;
  /** Milliseconds a call may take when it does not say. */
  readonly defaultTimeout: number;
  readonly pool: BufferPool;
  readonly heartbeat: Heartbeat;
  /** Opens the domain's side of the conversation. */
  openPeer(link: PeerLink): PeerHost;
  readonly observer: SessionObserver;
}

/** Who is told about a session. */
export interface SessionObserver {
  onOpen(): void;
  /** The peer takes no new calls. */
  onPeerDraining(): void;
  /** Called once; `error` is missing if the session was closed in good order. */
  onClosed(error: Error | undefined): void;
  unobservedError(error: unknown): void;
}
