/** Signals that travel: one side watches the application's, the other has one that follows it. */

import { LimitExceededError } from "../errors.ts";
import { listenForAbort } from "../messages/abort-listener.ts";

/** How many signals may be aborted before the call arrives that brings them. */
const maxEarly = 10_000;

/** The signals passed in one conversation. */
export class Signals {
  readonly #change: (id: number, aborted: boolean) => void;
  readonly #maxImported: number;
  readonly #ids = new WeakMap<AbortSignal, number>();
  readonly #imported = new Map<number, AbortController>();
  readonly #listeners = new Map<
    number,
    { readonly signal: WeakRef<AbortSignal>; readonly listener: () => void }
  >();
  /** A signal that is gone can no longer be aborted: the peer need not keep its follower. */
  readonly #collected = new FinalizationRegistry<number>((id) => {
    if (this.#listeners.delete(id)) this.#change(id, false);
  });
  #last = 0;

  /**
   * @param change Tells the peer that a signal was aborted, or can no longer be.
   * @param maxImported How many signals of the peer's are followed at a time.
   */
  constructor(change: (id: number, aborted: boolean) => void, maxImported: number) {
    this.#change = change;
    this.#maxImported = maxImported;
  }

  /** The number of one of this side's signals, which is watched from now on. */
  export(signal: AbortSignal): number {
    const known = this.#ids.get(signal);
    if (known !== undefined) return known;
    const id = ++this.#last;
    // The listener must not hold the signal, or it would never be collected.
    const listener = () => {
      this.#listeners.delete(id);
      this.#change(id, true);
    };
    listenForAbort(signal, listener);
    this.#ids.set(signal, id);
    this.#listeners.set(id, { signal: new WeakRef(signal), listener });
    this.#collected.register(signal, id);
    return id;
  }

  /**
   * The follower of one of the peer's signals.
   *
   * @throws LimitExceededError if the peer has too many that can still be aborted.
   */
  import(id: number): AbortController {
    let controller = this.#imported.get(id);
    if (controller === undefined) {
      if (this.#imported.size >= this.#maxImported) {
        throw new LimitExceededError(
          "maxReferencesTaken",
          `The peer has passed ${this.#maxImported} signals that can still be aborted: pass fewer, or raise maxReferencesTaken on the receiving side`,
        );
      }
      controller = new AbortController();
      this.#imported.set(id, controller);
    }
    return controller;
  }

  /** The peer says that its signal was aborted, or can no longer be. */
  changed(id: number, aborted: boolean): void {
    const controller = this.#imported.get(id);
    if (controller === undefined && aborted && this.#imported.size < Math.min(maxEarly, this.#maxImported)) {
      // The call that brings it is still under way, in fragments or in a sink.
      this.import(id).abort();
      return;
    }
    this.#imported.delete(id);
    if (aborted) controller?.abort();
  }

  /** The peer is gone: what follows its signals is aborted. */
  close(reason: unknown): void {
    for (const { signal, listener } of this.#listeners.values())
      signal.deref()?.removeEventListener("abort", listener);
    this.#listeners.clear();
    for (const controller of this.#imported.values()) controller.abort(reason);
    this.#imported.clear();
  }
}
