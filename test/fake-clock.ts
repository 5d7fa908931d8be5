/** A clock that stands still until a test moves it. */
import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "remoting";

interface Timer {
  readonly due: number;
  readonly callback: () => void;
}

export class FakeClock implements Clock {
  #now = 1_000;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, callback: () => void): () => void {
    const timer = { due: this.#now + milliseconds, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Callbacks that wait for their time. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Lets time pass, and calls back whatever is due, in its order. */
  pass(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.due <= end).sort((a, b) => a.due - b.due)[0];
      if (due === undefined) break;
      this.#now = Math.max(this.#now, due.due);
      this.#timers.delete(due);
      due.callback();
    }
    this.#now = end;
  }

  /** Time passes while nothing runs, as when a machine sleeps: what was due meanwhile is so afterwards. */
  jump(milliseconds: number): void {
    this.#now += milliseconds;
  }

  /** Lets time pass as {@link pass} does, and lets what was begun by that go on before it returns. */
  async passAndSettle(milliseconds: number): Promise<void> {
    this.pass(milliseconds);
    for (let turns = 0; turns < 5; turns++) await turn();
  }
}
