/**
 * The domain as one peer sees it. A channel asks for one for each conversation, because references belong to
 * the conversation in which they were passed.
 */
import type { ContextReceiver } from "../messages/logical-data.ts";
import type { MethodCall } from "../messages/method-call.ts";
import type { CallDispatcher } from "./call-dispatcher.ts";
import type { WireValue } from "./wire-value.ts";

/** What the domain does for one conversation. Ends with {@link closed}. */
export interface PeerHost {
  /** Runs the peer's calls. */
  readonly dispatcher: CallDispatcher;
  /** Makes values ready to travel to this peer, and makes sense of what it sends. */
  readonly marshaler: ValueMarshaler;
  /** Whether the peer holds references to objects of this domain, so that calls may still arrive. */
  readonly holdsReferences: boolean;
  /** Whether this domain holds references to objects of the peer's. */
  readonly borrowsReferences: boolean;
  /** The peer holds `count` references less to the object that was passed to it as `id`. */
  released(id: string, count: number): void;
  /** A signal that was passed by the peer has been aborted (`aborted`), or can no longer be. */
  signalChanged(id: number, aborted: boolean): void;
  /** The conversation is over: everything that it owned is let go. Called once. */
  closed(error: Error | undefined): void;
}

/** What one peer may make a domain keep. */
export interface PeerLimits {
  /**
   * References to this domain's objects and functions that the peer may hold. Default 10,000: more than any client
   * needs at a time, and what 10,000 objects cost is bearable.
   */
  readonly maxReferencesLent: number;
  /**
   * References that the peer may have given to this domain, and that are still held here. Default 100,000: they cost
   * less, and functions that were passed and forgotten stay until the garbage collector has come by.
   */
  readonly maxReferencesTaken: number;
  /** How deep arrays and objects that are sent to the peer may nest. Default 64: what it accepts by default. */
  readonly maxDepth: number;
}

/** The limits that hold unless a channel or a domain says otherwise. */
export const defaultPeerLimits: PeerLimits = {
  maxReferencesLent: 10_000,
  maxReferencesTaken: 100_000,
  maxDepth: 64,
};

/** What a conversation offers to the {@link PeerHost} that serves it. */
export interface PeerLink {
  /** Calls to the peer that wait for their answer. */
  readonly outgoingCalls: number;
  /** Calls of the peer's that have not ended. */
  readonly incomingCalls: number;
  /** Calls an object of the peer's; see `ChannelSender.send`. */
  send(call: MethodCall, receiver?: ContextReceiver): Promise<unknown>;
  /** Tells the peer that references to its objects are no longer held. */
  release(id: string, count: number): void;
  /** Tells the peer that a signal passed to it was aborted, or can no longer be. */
  changeSignal(id: number, aborted: boolean): void;
}

/** Between the values of applications and those of formatters. */
export interface ValueMarshaler {
  /**
   * Replaces what a formatter does not know. Values that need no replacing are returned as they are, not
   * copied. References that were counted for the peer are counted back if this throws.
   *
   * @param root What to call the value in the path of an error: `"args"` or `"result"`.
   * @param attachments Takes the large binaries, which do not go through the formatter.
   * @throws SerializationError with the path to what cannot travel.
   */
  marshal(value: unknown, root: string, attachments: Uint8Array[]): WireValue;

  /** The references that the last {@link marshal} has counted for the peer; `undefined` if there were none. */
  readonly counted: CountedReferences | undefined;

  /** Counts references back that the peer did not get, or has not looked at. */
  rollback(counted: CountedReferences): void;

  /** A call is over: counts back the references among its arguments that were only for it. */
  endScope(counted: CountedReferences): void;

  /** A call of the peer's is over: the references that came with it, and only for it, end here. */
  dropScoped(ids: readonly string[]): void;

  /**
   * A message begins to be unmarshaled.
   *
   * @returns What is remembered of the one that it interrupts, for {@link end}: a hook of the application may run in the
   *   middle of one, and make a call of its own.
   */
  begin(): ArrivingMessage | undefined;

  /** Takes back what was counted for the message that is being unmarshaled: it is not taken, and the peer is told so. */
  undo(): void;

  /** That message is over, and the one that it interrupted goes on. */
  end(interrupted: ArrivingMessage | undefined): void;

  /** Gives references back that came in a message which nobody waits for. */
  refuse(ids: readonly string[]): void;

  /**
   * What a call rejects with whose method threw `thrown`, a value that was unmarshaled. Its stack ends where the frames
   * of the caller go on.
   */
  thrownError(thrown: unknown): Error;

  /** Turns the items of a tagged value into what they stand for. */
  unmarshal(items: readonly unknown[], context: UnmarshalContext): unknown;
}

/** The references that one payload has counted for the peer. Each is counted back at most once. */
export interface CountedReferences {
  readonly ids: string[];
  /** Those of them that end with the call among whose arguments they are. */
  readonly scoped: string[];
}

/** What a {@link ValueMarshaler} remembers of a message while it unmarshals it. */
export interface ArrivingMessage {
  /** The ids of the references that were counted for it. */
  readonly references: string[];
  /** The attachments that have become values: each does so once, so that a small message does not become a large one. */
  readonly attachments: Set<number>;
}

/** What belongs to the one message that is being decoded. */
export interface UnmarshalContext {
  readonly attachments: readonly Uint8Array[];
  /** If nobody waits for the message: takes the ids of the references in it; nothing is made of them or of the rest. */
  readonly discarded?: string[];
  /** Takes the id of a reference that ends with the call. */
  adoptScoped?(id: string): void;
  /** Takes a signal that arrived among the arguments, to be aborted with the call itself. */
  adoptSignal?(controller: AbortController): void;
}
