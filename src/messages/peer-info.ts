/** The peer of a conversation, as applications see it: pure data. */
import type { Principal } from "./principal.ts";

/** A peer: how to call it in messages to people, and who it has proved to be. */
export interface PeerInfo {
  /** The endpoint's URL for a connection that this side opened, the listener's for one that it accepted. */
  readonly url: string;
  /** The transport's name for the peer. */
  readonly peerName: string;
  /** Which side opened the connection. */
  readonly direction: "outgoing" | "incoming";
  /** Who it has proved to be, known once the connection is open; `undefined` if it has proved nothing. */
  readonly principal: Principal | undefined;
  /**
   * Whether it is on this machine, as far as the transport can tell: the other end of `memory://`, of a pipe, or of a
   * loopback address. Known once the connection is open. Who forwards a port makes others look local.
   */
  readonly isLocal: boolean;
}
