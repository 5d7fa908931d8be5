/**
 * What a transport gives to those above it: messages to one peer, and messages from it.
 *
 * A message is a run of bytes whose boundaries the transport keeps. What is in it is none of the transport's
 * business; a session packs all frames of one turn of the event loop into one message.
 */
import type { Principal } from "../messages/principal.ts";

/**
 * Bytes that the sender leaves free at the front of every message: a transport writes its own header there,
 * right before the message, so that no message is copied just to be prefixed.
 */
export const messageHeadroom = 54;

/** The last link of a chain: hands bytes to a transport. One-way transports have nothing else. */
export interface TransportSink {
  /** The largest message that {@link send} takes, in bytes. */
  readonly maxMessageSize: number;
  /** Bytes that were accepted but not yet taken by the operating system. */
  readonly queuedBytes: number;

  /**
   * Accepts one message. Never throws because of the peer and never blocks: a connection that fails tells so
   * through {@link ConnectionHandler.onClose}.
   *
   * @param memory Holds the message; it begins after {@link messageHeadroom} bytes. It belongs to the
   *   transport until `release` is called.
   * @param length Where the message ends in `memory`, headroom included; what follows in `memory` is not part of it.
   * @param release Called at most once, in this turn or later, when `memory` may be used again.
   * @param tail More bytes of the same message. A transport that cannot write from two places copies them.
   *   They are not to be changed until {@link queuedBytes} has fallen to zero.
   */
  send(memory: Buffer, length: number, release: (memory: Buffer) => void, tail?: Uint8Array): void;

  /** Ends a run of {@link send}s: until then the transport may hold messages back to write them together. */
  flush(): void;
}

/** A duplex, ordered, reliable conversation with one peer. Created open; silent until {@link start}. */
export interface Connection extends TransportSink {
  /** What to call the peer in messages to people, for example `"127.0.0.1:51234"`. */
  readonly peerName: string;
  /** Who the peer has proved to be to the transport itself, by a certificate or to the operating system. Default nobody. */
  readonly principal?: Principal | undefined;
  /**
   * Why the transport itself does not let the peer in, in words for the peer: a certificate that is not good, say.
   * Whoever accepts the connection tells the peer and ends it, whatever it says. Default: it is let in.
   */
  readonly refusal?: string | undefined;
  /** Whether the peer is on this machine, as far as the transport can tell. Default no. */
  readonly isLocal?: boolean;
  /**
   * Whether {@link send} and {@link flush} cost next to nothing, because they are no calls of the system: then little is
   * gained by gathering, and what is ready leaves before the turn is over. Default no.
   */
  readonly sendsCheaply?: boolean;
  /**
   * How many bytes of a large payload go in one message, from 1 to 262,134. What is sent meanwhile waits for one such
   * message, so more pays only where messages are fast and each costs much beside its bytes. Default 65,408: with its
   * headers, what TCP moves in one go within a machine.
   */
  readonly fragmentSize?: number | undefined;
  /**
   * What is the same at both ends of this connection and of no other, such as keying material of TLS: a proof that is
   * bound to it is worth nothing on another connection. Default nothing.
   */
  readonly channelBinding?: Uint8Array | undefined;

  /**
   * The same as {@link send}, but `tail` may change as soon as this returns. Only for transports that copy a message
   * themselves, at once where they can: the session then makes no copy of its own. Default: there is none.
   */
  sendCopy?(memory: Buffer, length: number, release: (memory: Buffer) => void, tail: Uint8Array): void;

  /** Begins to deliver. Called once. What arrived before is delivered then, none of it during the call. */
  start(handler: ConnectionHandler): void;

  /** Sends what was accepted, then ends the connection in both directions. Resolves when it has ended. */
  close(): Promise<void>;

  /** Ends the connection at once; what was not yet sent is lost. */
  destroy(): void;

  /** Whether this connection keeps the process running, as `ref` and `unref` of Node's handles. Default yes. */
  keepAlive(active: boolean): void;
}

/** Who receives from a {@link Connection}. None of these may throw. */
export interface ConnectionHandler {
  /** The largest message, in bytes, that is acceptable now. A larger one is reported by {@link onInvalid}. */
  readonly messageLimit: number;

  /**
   * A message, or a piece of one: a stream transport delivers what it has, in order. The bytes are valid only
   * during the call.
   *
   * @param remaining Bytes of the message that are still to come; 0 when it ends here.
   */
  onMessage(bytes: Buffer, start: number, end: number, remaining: number): void;

  /**
   * Where the next bytes of the message under way will be kept, if that is known: a transport that copies anyway may copy
   * them to the beginning of this memory, no more than {@link onMessage} said were still to come, and then pass exactly
   * this buffer to it. That saves a copy of large messages. Valid until the next call of {@link onMessage}.
   */
  readonly destination?: Buffer | undefined;

  /** The peer sent something that is not a message, or one that is too large. The connection is destroyed next. */
  onInvalid(reason: string): void;

  /** {@link TransportSink.queuedBytes} has fallen low enough that more should be sent. */
  onDrain(): void;

  /**
   * The transport is about to wait for the peer busily, before the turn of the event loop is over: what was gathered to
   * leave with its end is to leave now. Other transports need not call it.
   */
  onWait?(): void;

  /** The connection has ended; `error` says why if it was not in good order. Called exactly once, and last. */
  onClose(error?: Error): void;
}
