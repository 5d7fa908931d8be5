/** Notices peers that have gone without a word. One clock for all sessions of a domain. */

/** Something that is to be watched. */
export interface Pulse {
  /** When bytes last came from the peer, on the monotonic clock. The session keeps it. */
  readonly lastHeard: number;
  /** When the peer was asked for a sign of life, or `undefined` if it was heard since. The heartbeat keeps it. */
  askedAt: number | undefined;
  /** Milliseconds of silence after which {@link probe} is called; 0 for never. */
  readonly pingInterval: number;
  /** Milliseconds after that at which {@link expire} is called. */
  readonly pingTimeout: number;
  /** Asks the peer for a sign of life. */
  probe(): void;
  /** The peer gave none. */
  expire(): void;
}

/** Looks at all pulses in regular intervals, and runs no timer while there are none. */
export class Heartbeat {
  readonly #watched = new Set<Pulse>();
  #timer: NodeJS.Timeout | undefined;
  #period = 0;

  /** Begins to watch. */
  add(pulse: Pulse): void {
    if (pulse.pingInterval === 0) return;
    this.#watched.add(pulse);
    // A quarter, so that a silent peer is noticed at most a quarter late.
    this.#schedule(Math.max(10, Math.min(pulse.pingInterval, pulse.pingTimeout) / 4));
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
    this.#timer = setInterval(() => this.#look(performance.now()), period);
    this.#timer.unref();
  }

  #look(now: number): void {
    for (const pulse of this.#watched) {
      if (pulse.askedAt !== undefined && pulse.lastHeard >= pulse.askedAt) pulse.askedAt = undefined;
      if (pulse.askedAt === undefined) {
        if (now - pulse.lastHeard < pulse.pingInterval) continue;
        pulse.askedAt = now;
        pulse.probe();
      } else if (now - pulse.askedAt >= pulse.pingTimeout) {
        pulse.expire();
      }
    }
  }
}
