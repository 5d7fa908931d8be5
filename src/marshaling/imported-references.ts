/**
 * The references that a peer has given: one proxy for each as long as somebody holds it, and a word to the
 * peer when nobody does.
 *
 * Counting follows Cap'n Proto's rule: every time a reference arrives its count grows, and a release returns
 * as many as have arrived by then. One that is under way meanwhile is not in that count, so it stays valid.
 */
interface ImportedReference<T extends object> {
  count: number;
  readonly value: WeakRef<T>;
}

interface Collected {
  readonly id: string;
  readonly value: WeakRef<object>;
}

/** The references from one peer. */
export class ImportedReferences<T extends object> {
  readonly #references = new Map<string, ImportedReference<T>>();
  readonly #release: (id: string, count: number) => void;
  readonly #collected = new FinalizationRegistry<Collected>(({ id, value }) => {
    // Only if it was not imported anew meanwhile: then the new one answers for all that was counted.
    if (this.#references.get(id)?.value === value) this.release(id);
  });

  /** @param release Tells the peer that `count` references are no longer held. */
  constructor(release: (id: string, count: number) => void) {
    this.#release = release;
  }

  /** How many references are held. */
  get size(): number {
    return this.#references.size;
  }

  /** Counts a reference that has arrived, and returns what stands for it. */
  import(id: string, create: () => T): T {
    const known = this.#references.get(id);
    const value = known?.value.deref();
    if (known !== undefined && value !== undefined) {
      known.count++;
      return value;
    }
    const created = create();
    const reference = new WeakRef(created);
    this.#references.set(id, { count: (known?.count ?? 0) + 1, value: reference });
    this.#collected.register(created, { id, value: reference });
    return created;
  }

  /** Lets go of a reference. */
  release(id: string): void {
    const reference = this.#references.get(id);
    if (reference === undefined) return;
    this.#references.delete(id);
    this.#release(id, reference.count);
  }

  /** Forgets everything: the conversation is over, there is nobody to tell. */
  clear(): void {
    this.#references.clear();
  }
}
