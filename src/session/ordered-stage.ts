/**
 * Keeps order where work may be asynchronous: jobs start at once and may overlap, but they are concluded in
 * the order in which they were begun. As long as all of them are synchronous, nothing is queued.
 */
export class OrderedStage {
  #tail: Promise<void> | undefined;

  /** Whether nothing waits: a job that needs no stage may then be done at once. */
  get isEmpty(): boolean {
    return this.#tail === undefined;
  }

  /**
   * @param job Does the work. May throw, or return a promise.
   * @param conclude Called with the result, after all earlier jobs were concluded. Must not throw.
   * @param fail Called instead if the job failed.
   */
  run<T>(job: () => T | Promise<T>, conclude: (result: T) => void, fail: (error: unknown) => void): void {
    let outcome: T | Promise<T>;
    try {
      outcome = job();
    } catch (error) {
      this.#enqueue(() => fail(error));
      return;
    }
    if (outcome instanceof Promise) this.#await(outcome, conclude, fail);
    else this.#enqueue(() => conclude(outcome));
  }

  #enqueue(conclusion: () => void): void {
    if (this.#tail === undefined) conclusion();
    else this.#follow(this.#tail.then(conclusion));
  }

  #await<T>(result: Promise<T>, conclude: (result: T) => void, fail: (error: unknown) => void): void {
    const before = this.#tail;
    const settled = result.then(
      (value) => () => conclude(value),
      (error: unknown) => () => fail(error),
    );
    this.#follow(
      (async () => {
        await before;
        (await settled)();
      })(),
    );
  }

  #follow(tail: Promise<void>): void {
    this.#tail = tail;
    void tail.then(() => {
      if (this.#tail === tail) this.#tail = undefined;
    });
  }
}
