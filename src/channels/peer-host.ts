/**
 * The domain as one peer sees it. A channel asks for one for each conversation, because references belong to
 * the conversation in which they were passed.
 */
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
  /** Calls an object of the peer's. */
  send(call: MethodCall): Promise<unknown>;
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

  /** Counts back the references of the last {@link marshal}, whose payload will not be sent. */
  rollback(): void;

  /** What a call rejects with whose method threw `thrown`, a value that was unmarshaled. */
  thrownError(thrown: unknown): unknown;

  /** Turns the items of a tagged value into what they stand for. */
  unmarshal(items: readonly unknown[], context: UnmarshalContext): unknown;
}

/** What belongs to the one message that is being decoded. */
export interface UnmarshalContext {
  readonly attachments: readonly Uint8Array[];
  /** Takes a signal that arrived among the arguments, to be aborted with the call itself. */
  adoptSignal?(controller: AbortController): void;
}
