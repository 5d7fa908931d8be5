/** One clock for all sessions of a channel, that looks at each of them now and then. */
import { wholeMilliseconds } from "./monotonic-clock.ts";

/** Something that is to be looked at. */
export interface Pulse {
  /** How often, in milliseconds, at least. */
  readonly period: number;
  /** From now on it is looked at: what was before, such as the time that connecting took, says nothing of a peer. */
  begin(now: number): void;
  /** @param now Whole monotonic milliseconds. */
  look(now: number): void;
  /**
   * This process has not run for a while, because it or its machine was stopped: silence meanwhile says nothing of a
   * peer. Called before the {@link look} that follows.
   */
  resume(now: number): void;
}

/** A look that comes so many milliseconds late means that the process has not run. */
const stopTime = 1_000;

/** Looks at all pulses in regular intervals, and runs no timer while there are none. */
export class Heartbeat {
  readonly #watched = new Set<Pulse>();
  #timer: NodeJS.Timeout | undefined;
  #period = 0;
  #lookedAt = 0;

  /** Begins to look at a pulse. */
  add(pulse: Pulse): void {
    const { period } = pulse;
    if (period === Number.POSITIVE_INFINITY) return;
    pulse.begin(wholeMilliseconds());
    this.#watched.add(pulse);
    this.#schedule(Math.max(10, period));
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
    this.#lookedAt = wholeMilliseconds();
    this.#timer = setInterval(() => this.#look(wholeMilliseconds()), period);
    this.#timer.unref();
  }

  #look(now: number): void {
    const wasStopped = now - this.#lookedAt >= this.#period + stopTime;
    this.#lookedAt = now;
    for (const pulse of this.#watched) {
      if (wasStopped) pulse.resume(now);
      pulse.look(now);
    }
  }
}
