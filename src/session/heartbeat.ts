/** One clock for all sessions of a channel, that looks at each of them now and then. */

/** Something that is to be looked at. */
export interface Pulse {
  /** How often, in milliseconds, at least. */
  readonly period: number;
  /** @param now Monotonic milliseconds. */
  look(now: number): void;
}

/** Looks at all pulses in regular intervals, and runs no timer while there are none. */
export class Heartbeat {
  readonly #watched = new Set<Pulse>();
  #timer: NodeJS.Timeout | undefined;
  #period = 0;

  /** Begins to look at a pulse. */
  add(pulse: Pulse): void {
    if (pulse.period === Number.POSITIVE_INFINITY) return;
    this.#watched.add(pulse);
    this.#schedule(Math.max(10, pulse.period));
  }

  remove(pulse: Pulse): void {
    this.#watched.delete(pulse);
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #schedule(period: number): void {
    if (this.#timer !== undefined) {
      if (period >= this.#period) return;
      clearInterval(this.#timer);
    }
    this.#period = period;
    this.#timer = setInterval(() => {
      const now = performance.now();
      for (const pulse of this.#watched) pulse.look(now);
    }, period);
    this.#timer.unref();
  }
}
