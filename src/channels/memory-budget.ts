/** Bytes that all channels of a domain hold for peers that have not read them yet. */

/** Counts what waits, wherever it waits, against one bound. */
export class MemoryBudget {
  /** The bound in bytes. */
  readonly limit: number;
  #used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Bytes that wait at present. */
  get used(): number {
    return this.#used;
  }

  /** Whether so many more would be too many. */
  isExceededBy(bytes: number): boolean {
    return this.#used + bytes > this.limit;
  }

  /** Counts bytes that have come to wait, or, negative, that wait no longer. */
  add(bytes: number): void {
    this.#used += bytes;
  }
}
