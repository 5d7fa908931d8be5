/** Bytes that all channels of a domain hold because of their peers. */

/** The bounds of one domain over all of its peers. */
export interface MemoryBudgets {
  /** What waits for peers to read it. */
  readonly queued: MemoryBudget;
  /** What has come of payloads that are not complete yet. */
  readonly incomplete: MemoryBudget;
}

/** Counts what waits, wherever it waits, against one bound. */
export class MemoryBudget {
  /** The bound in bytes. */
  readonly limit: number;
  #used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Bytes that are held at present. */
  get used(): number {
    return this.#used;
  }

  /** Whether more is held than should be. */
  get isExceeded(): boolean {
    return this.#used > this.limit;
  }

  /** Whether so many more would be too many. */
  isExceededBy(bytes: number): boolean {
    return this.#used + bytes > this.limit;
  }

  /** Counts bytes that are held from now on, or, negative, no longer. */
  add(bytes: number): void {
    this.#used += bytes;
  }
}
