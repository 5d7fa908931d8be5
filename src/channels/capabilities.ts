/** What a channel can do, so that what a contract needs and a channel cannot do is refused at bind time. */

/** Declared by every channel and transport; checked when a service is published or a proxy is made. */
export interface ChannelCapabilities {
  /** Both sides can call each other over the connection that the client opened. */
  readonly duplex: boolean;
  /** A call can have a result. Without it only one-way methods can be called. */
  readonly reply: boolean;
  /** Objects and functions can travel by reference. */
  readonly byReference: boolean;
  /** Messages arrive in the order in which they were sent. */
  readonly ordered: boolean;
  /** The operating system or TLS tells who the peer is. */
  readonly peerIdentity: boolean;
  /** The largest message in bytes, before the channel's own splitting; `Infinity` where it splits. */
  readonly maxMessageSize: number;
}

/**
 * What a channel can do over a duplex transport, which carries a session: everything but to tell who the peer is, with
 * messages of any size. A transport that can do more or less says just that:
 *
 * ```ts
 * readonly capabilities = { ...duplexCapabilities, peerIdentity: true };
 * ```
 */
export const duplexCapabilities: ChannelCapabilities = Object.freeze({
  duplex: true,
  reply: true,
  byReference: true,
  ordered: true,
  peerIdentity: false,
  maxMessageSize: Number.POSITIVE_INFINITY,
});
