/** Signals that travel: one side watches the application's, the other has one that follows it. */

/** How many signals may be aborted before the call arrives that brings them. */
const maxEarly = 10_000;

/** The signals passed in one conversation. */
export class Signals {
  readonly #change: (id: number, aborted: boolean) => void;
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

  /** @param change Tells the peer that a signal was aborted, or can no longer be. */
  constructor(change: (id: number, aborted: boolean) => void) {
    this.#change = change;
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
    signal.addEventListener("abort", listener, { once: true });
    this.#ids.set(signal, id);
    this.#listeners.set(id, { signal: new WeakRef(signal), listener });
    this.#collected.register(signal, id);
    return id;
  }

  /** The follower of one of the peer's signals. */
  import(id: number): AbortController {
    let controller = this.#imported.get(id);
    if (controller === undefined) {
      controller = new AbortController();
      this.#imported.set(id, controller);
    }
    return controller;
  }

  /** The peer says that its signal was aborted, or can no longer be. */
  changed(id: number, aborted: boolean): void {
    const controller = this.#imported.get(id);
    if (controller === undefined && aborted && this.#imported.size < maxEarly) {
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
