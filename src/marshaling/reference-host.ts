/** What the marshaler needs of those who know about objects; the domain provides it. */
import type { ObjRef } from "./obj-ref.ts";

/** How a by-reference value is to be written for one peer. */
export type OutgoingReference =
  /** An object or function of this domain, counted for the peer. */
  | { readonly kind: "export"; readonly reference: ObjRef }
  /** A function that the peer has until the call is over that brings it. Counted too. */
  | { readonly kind: "scoped"; readonly id: string }
  /** A proxy of an object of the peer's own. */
  | { readonly kind: "home"; readonly id: string };

/**
 * How a reference is passed, which decides who owns it: an argument belongs to the conversation and ends with
 * it; a result outlives a lost connection.
 */
export type ReferenceScope = "argument" | "result";

/** Gives by-reference values their identity in one conversation. */
export interface ReferenceHost {
  /** Whether the peer is told where in this process an error was thrown. */
  readonly showsStacks: boolean;
  /**
   * The reference to write for a value, or `undefined` if it is not one that travels by reference.
   * Counts it for the peer.
   */
  export(value: object, scope: ReferenceScope): OutgoingReference | undefined;
  /** Takes one count back. */
  unexport(id: string): void;
  /** The proxy for an object of the peer's: the same one as long as somebody holds it. Counts the reference. */
  import(reference: ObjRef): unknown;
  /** The proxy for a function of the peer's that ends with the call that brings it. Counts the reference. */
  importScoped(id: string): unknown;
  /** Takes one count of an import back, of which the peer knows. */
  unimport(id: string): void;
  /** Tells the peer that a reference that came was not taken. */
  refuse(id: string): void;
  /** The object of this domain that the peer was given as `id`, or `undefined`. */
  home(id: string): unknown;
  /** The number under which a signal is known to the peer. */
  exportSignal(signal: AbortSignal): number;
  /** The controller of the signal that the peer passes as `id`: the same one as long as the peer can abort it. */
  importSignal(id: number): AbortController;
}
