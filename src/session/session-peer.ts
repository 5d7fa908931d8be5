/** The peer of one session: who it is becomes known with the handshake. */
import type { PeerInfo } from "../messages/peer-info.ts";
import type { Principal } from "../messages/principal.ts";

/** See the head of this file. */
export class SessionPeer implements PeerInfo {
  readonly url: string;
  readonly peerName: string;
  readonly direction: PeerInfo["direction"];
  principal: Principal | undefined;
  isLocal: boolean;

  constructor({ url, peerName, direction, principal, isLocal }: PeerInfo) {
    this.url = url;
    this.peerName = peerName;
    this.direction = direction;
    this.principal = principal;
    this.isLocal = isLocal;
  }
}
