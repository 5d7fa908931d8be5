/** What the end of a session means for the calls that were under way: the one place where that is put into words. */

import {
  AccessDeniedError,
  ConnectError,
  ConnectionLostError,
  describeThrown,
  type RemotingError,
} from "../errors.ts";
import type { PeerInfo } from "../messages/peer-info.ts";

/** A session's peer, as messages to people put it. */
export function describePeer({ url, peerName, direction }: PeerInfo): string {
  return direction === "outgoing" ? `to ${url}` : `from ${peerName} to ${url}`;
}

/** Whether this is what a client is told that is turned away in the handshake. */
export function isRefusal(error: unknown): error is RemotingError {
  return error instanceof ConnectError || error instanceof AccessDeniedError;
}

/** The error of a session that could not be opened. */
export function connectError({ url }: PeerInfo, cause: unknown): ConnectError {
  const reason = cause instanceof Error ? cause.message : describeThrown(cause);
  return new ConnectError(`Cannot connect to ${url}: ${reason}`, { cause });
}

/**
 * What a call rejects with that was under way when its session ended.
 *
 * @param error Why the session ended; missing if in good order.
 * @param wasOpen Whether the handshake had succeeded. If not, no call has left.
 */
export function callError(
  peer: PeerInfo,
  error: Error | undefined,
  wasOpen: boolean,
  mayHaveExecuted: boolean,
): Error {
  if (!wasOpen) {
    if (error === undefined) return new ConnectError(`${peer.url} was closed`);
    return isRefusal(error) ? error : connectError(peer, error);
  }
  const reason = error instanceof ConnectionLostError ? error.reason : "closed";
  const message =
    error instanceof ConnectionLostError
      ? error.message
      : `The connection ${describePeer(peer)} was lost: ${error?.message ?? "closed"}`;
  return new ConnectionLostError(message, { reason, mayHaveExecuted, cause: error });
}
