/**
 * The references that a peer has given: one proxy for each as long as somebody holds it, and a word to the
 * peer when nobody does.
 *
 * Counting follows Cap'n Proto's rule: every time a reference arrives its count grows, and a release returns
 * as many as have arrived by then. One that is under way meanwhile is not in that count, so it stays valid.
 */
import { LimitExceededError } from "../errors.ts";

interface ImportedReference<T extends object> {
  count: number;
  readonly value: WeakRef<T>;
  /** Whether it ends with the call that brought it: then both sides know when, and nothing is said. */
  readonly scoped: boolean;
}

interface Collected {
  readonly id: string;
  readonly value: WeakRef<object>;
}

/** The references from one peer. */
export class ImportedReferences<T extends object> {
  readonly #references = new Map<string, ImportedReference<T>>();
  readonly #release: (id: string, count: number) => void;
  readonly #max: number;
  readonly #collected = new FinalizationRegistry<Collected>(({ id, value }) => {
    // Only if it was not imported anew meanwhile: then the new one answers for all that was counted.
    if (this.#references.get(id)?.value === value) this.release(id);
  });

  /**
   * @param release Tells the peer that `count` references are no longer held.
   * @param max How many different references the peer may have given that are still held.
   */
  constructor(release: (id: string, count: number) => void, max: number) {
    this.#release = release;
    this.#max = max;
  }

  /** How many references are held. */
  get size(): number {
    return this.#references.size;
  }

  /**
   * Counts a reference that has arrived, and returns what stands for it.
   *
   * @throws LimitExceededError if that is one too many.
   */
  import(id: string, scoped: boolean, create: () => T): T {
    const known = this.#references.get(id);
    const value = known?.value.deref();
    if (known !== undefined && value !== undefined) {
      known.count++;
      return value;
    }
    if (known === undefined && this.#references.size >= this.#max) {
      throw new LimitExceededError(
        "maxReferencesTaken",
        `${this.#max} references of the peer's are held here: pass fewer, or raise maxReferencesTaken on the receiving side`,
      );
    }
    const created = create();
    const reference = new WeakRef(created);
    this.#references.set(id, { count: (known?.count ?? 0) + 1, value: reference, scoped });
    this.#collected.register(created, { id, value: reference });
    return created;
  }

  /** Lets go of a reference. */
  release(id: string): void {
    const reference = this.#references.get(id);
    if (reference === undefined) return;
    this.#references.delete(id);
    if (!reference.scoped) this.#release(id, reference.count);
  }

  /**
   * Lets go of some of what was counted for a reference, and tells the peer.
   *
   * @returns What stood for it, if nothing is left.
   */
  releaseSome(id: string, count: number): T | undefined {
    const reference = this.#references.get(id);
    if (reference === undefined) return undefined;
    this.#release(id, Math.min(count, reference.count));
    return this.forget(id, count);
  }

  /**
   * The same without telling the peer, who knows.
   *
   * @returns What stood for it, if nothing is left.
   */
  forget(id: string, count: number): T | undefined {
    const reference = this.#references.get(id);
    if (reference === undefined) return undefined;
    reference.count -= count;
    if (reference.count > 0) return undefined;
    this.#references.delete(id);
    return reference.value.deref();
  }

  /** Forgets everything: the conversation is over, there is nobody to tell. */
  clear(): void {
    this.#references.clear();
  }
}
