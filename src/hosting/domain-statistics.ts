/** What a domain is busy with, in numbers. */

/**
 * A moment of a domain: what it holds and what is under way (the performance object ".NET CLR Remoting"). All are
 * zero when nobody needs it any more, so a test or a monitor can tell a leak.
 */
export interface DomainStatistics {
  /** Connections that are open, in both directions. */
  readonly connections: number;
  /** Calls that this domain has made and that are not settled. One-way calls are not counted. */
  readonly outgoingCalls: number;
  /** Calls of others that run here or wait to be run. A call whose caller has given it up counts until it ends. */
  readonly incomingCalls: number;
  /** Objects and functions of this domain that others can reach by a reference. Well-known objects are not counted. */
  readonly lentObjects: number;
  /** References to objects of others that are held here. One whose proxy is no longer used counts until it is collected. */
  readonly borrowedReferences: number;
  /** Bytes that wait for peers to read them. */
  readonly queuedBytes: number;
}

/** A peer, as far as it is counted. */
export interface CountedPeer {
  readonly outgoingCalls: number;
  readonly incomingCalls: number;
  readonly borrowedReferences: number;
}

/** Adds up what is counted for each peer. */
export function sumOfPeers(peers: Iterable<CountedPeer>): CountedPeer {
  const sum = { outgoingCalls: 0, incomingCalls: 0, borrowedReferences: 0 };
  for (const { outgoingCalls, incomingCalls, borrowedReferences } of peers) {
    sum.outgoingCalls += outgoingCalls;
    sum.incomingCalls += incomingCalls;
    sum.borrowedReferences += borrowedReferences;
  }
  return sum;
}
