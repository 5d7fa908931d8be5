/** The time by which leases run. A domain can be given one of its own, so that tests need not wait. */

import { callFlows } from "../channels/call-flow.ts";

/** A monotonic clock: it never jumps, whatever is done to the time of day. */
export interface Clock {
  /** Milliseconds since some moment that stays the same. */
  now(): number;
  /**
   * Calls back once, when so many milliseconds have passed; must not keep the process running for that.
   *
   * @returns Takes it back.
   */
  after(milliseconds: number, callback: () => void): () => void;
}

/** The system's monotonic clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(milliseconds, callback) {
    // Timers of Node.js count no further, and would take a longer time for one millisecond.
    // And what a lease does is not done on behalf of the call in which it happened to begin.
    const timer = callFlows.outside(() => setTimeout(callback, Math.min(milliseconds, 0x7fff_ffff)));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
