/** What a session allows its peer, and for how long it waits. */
import { frameHeaderSize } from "./frame-kind.ts";

/** Bounds of a session. Each has a default that no healthy application meets. */
export interface SessionLimits {
  /**
   * The largest payload, in bytes, attachments included. Default 16 MiB: larger data is better streamed, and a
   * peer cannot make this side allocate more for one message.
   */
  readonly maxPayloadBytes: number;
  /** Bytes of incomplete payloads that one peer may have announced. Default 64 MiB: four of the largest. */
  readonly maxReassemblyBytes: number;
  /**
   * Bytes of arguments, as they came, of one peer's calls whose methods have begun and not ended. Default 256 MiB:
   * sixteen of the largest. A further call gets `LimitExceededError` and did not run. Methods that return at once keep
   * nothing, so only their own arguments have to fit.
   */
  readonly maxArgumentBytes: number;
  /** Calls that one peer may have in flight. Default 1,024. More get `LimitExceededError` and did not run. */
  readonly maxCallsInFlight: number;
  /**
   * Bytes that may wait for a peer to read them. Default 16 MiB: one of the largest payloads. While more waits, calls
   * of the peer's wait to be started; a result or a call that would wait behind four times as much is refused.
   */
  readonly maxQueuedBytes: number;
  /**
   * Milliseconds that a peer may take nothing of what waits for it. Default 10,000: then it is given up, because what
   * waits for it is memory.
   */
  readonly writeTimeout: number;
  /** Connections that a listener accepts. Default 10,000; further ones are refused. */
  readonly maxConnections: number;
  /**
   * Connections of a listener that have not yet proved who they are. Default 256; a further one takes the place of
   * the oldest, so that silent strangers cannot keep others out.
   */
  readonly maxHandshakes: number;
  /** Milliseconds to establish a connection. Default 10,000. */
  readonly connectTimeout: number;
  /** Milliseconds from the connection to the end of the handshake. Default 5,000: two round trips on any network. */
  readonly handshakeTimeout: number;
  /**
   * Milliseconds within which a message that has begun must go on, and a payload in fragments within six times as
   * many. Default 10,000: whoever sends a byte a minute holds memory for nothing.
   */
  readonly progressTimeout: number;
  /** Milliseconds within which a message that has begun must be complete. Default 60,000; it is 89 KiB at most. */
  readonly messageTimeout: number;
  /**
   * Milliseconds after which a connection is closed in good order that has no call under way and no reference held in
   * either direction. Default 300,000: the next call opens another one. 0 never closes.
   */
  readonly idleTimeout: number;
  /** Milliseconds of silence after which the peer is asked whether it lives. Default 30,000; 0 never asks. */
  readonly pingInterval: number;
  /** Milliseconds that the peer has to show any sign of life after that. Default 20,000. */
  readonly pingTimeout: number;
}

/** The limits that hold unless a channel is given others. */
export const defaultSessionLimits: SessionLimits = {
  maxPayloadBytes: 16 * 1024 * 1024,
  maxReassemblyBytes: 64 * 1024 * 1024,
  maxArgumentBytes: 256 * 1024 * 1024,
  maxCallsInFlight: 1024,
  maxQueuedBytes: 16 * 1024 * 1024,
  writeTimeout: 10_000,
  maxConnections: 10_000,
  maxHandshakes: 256,
  progressTimeout: 10_000,
  messageTimeout: 60_000,
  idleTimeout: 300_000,
  connectTimeout: 10_000,
  handshakeTimeout: 5_000,
  pingInterval: 30_000,
  pingTimeout: 20_000,
};

/** The largest message before the handshake has succeeded: a stranger gets no more memory than this. */
export const handshakeMessageLimit = 4096;

/**
 * The largest piece of a payload in one frame, unless a transport says otherwise. Nothing small waits longer than for one
 * of these. With its headers it fits what the system moves in one go: 65,483 bytes of TCP within a machine, 65,536 of a
 * packet of `pipe://`. A little more would go in two, the second one of a few bytes, at a sixth more of work.
 */
export const fragmentSize = 65_408;

/** The largest payload that travels in its own frame: 64 KiB of content and what describes it. */
export const maxInlinePayload = 64 * 1024 + 1024;

/**
 * When a batch has grown to this, it leaves at once and not at the end of the turn: so the peer begins to
 * work on the first calls while this side still writes the last.
 */
export const batchSize = 8192;

/**
 * The same where sending is cheap: with 64 objects of 1 KB in flight over `shm://` fewer calls are in one batch, so there are
 * more batches for two processes to share. It made 1.04 times as many calls as 8 KiB (25 interleaved starts), and 1.17 times as
 * many with 1,000 small ones in flight. 2 KiB made 1.03 times as many of the former, and 1,000 bytes as many.
 */
export const cheapBatchSize = 4096;

/**
 * Half of the calls that are under way leave at once, too, if they are so many at least: of fewer, another message costs
 * more than is gained.
 */
export const smallestHalf = 4;

/** The largest message after the handshake but for fragments: a full batch, one more frame, and their headers. */
export const batchMessageLimit = batchSize + maxInlinePayload + 16_384;

/** The largest message after the handshake: a fragment, which is alone in it and goes straight to where it belongs. */
export const messageLimit = 256 * 1024;

/** The most that a transport may put into one fragment. */
export const largestFragment = messageLimit - frameHeaderSize;

/** The longest name of an object or type, in characters; three times as many bytes on the wire. */
export const maxTargetLength = 1024;

/** The same of a method. */
export const maxMethodLength = 255;

/** Distinct pairs of target and method that each side remembers for the other: part of the protocol. */
export const maxRoutes = 4096;

/** The size of pooled memory: a batch and one more frame, with all headers. */
export const pooledBufferSize = batchSize + maxInlinePayload + 4096;

/** Bytes that may wait in the transport before fragments are held back: what a fast peer takes in a moment. */
export const fragmentWindow = 512 * 1024;

/**
 * Bytes of fragments, of calls and of returns, that may be on their way to a peer before it has said that it took
 * them: a millisecond of a fast connection, so small frames wait for no more than that in the system's buffers.
 */
export const initialCredit = 2 * 1024 * 1024;

/**
 * How much of the credit is used while small calls or answers go the same way, which wait behind what is under way. Four
 * reports: on a fast connection still more than is taken during a round trip. The protocol has receivers report early
 * enough that a sender with so little does not come to a halt.
 */
export const sharedCredit = initialCredit / 4;

/**
 * The same between two processes of one machine, where a round trip takes no longer than these few bytes: one fragment.
 * Smaller ones cost large payloads more than small calls gain by it.
 */
export const localSharedCredit = 48 * 1024;

/** Taken bytes are reported when they are so many, if their sender has asked for it: less than it may have under way. */
export const promptReport = 16 * 1024;

/** Taken bytes are reported when they are so many: a quarter of what is used at least, so that a sender need not wait. */
export const creditReport = initialCredit / 16;

/** How much more than `maxQueuedBytes` may wait before results and calls are refused. */
export const queueOverload = 4;

/** And before the peer is given up: the difference is for what is small and cannot be refused, such as answers. */
export const queueRuin = queueOverload + 1;

/**
 * While more waits for all peers than `maxTotalQueuedBytes`, payloads up to this size still go to a peer that has not
 * read everything.
 */
export const smallPayload = 1024;

/** When so many times `maxTotalQueuedBytes` wait, peers are given up for which more than a fair share of it waits. */
export const budgetRuin = 1.25;
/** Of `maxTotalQueuedBytes`, for each peer. */
export const fairShare = 1 / 256;

/** Whether a call's target is an object that was passed by reference, and not a published URI. */
export function isObjectId(target: string): boolean {
  return target.startsWith("~");
}
