/** Deadlines of the calls of one session. */
import { monotonicTime } from "./monotonic-clock.ts";

/**
 * One timer for all calls of a session. It is set for the earliest deadline known and looks at the calls only
 * when it fires, so a call that is answered in time, as nearly all are, costs no timer at all.
 */
export class DeadlineTimer {
  readonly #expire: (now: number) => number;
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;

  /** @param expire Settles what is due at `now` and returns the next deadline, `Infinity` if there is none. */
  constructor(expire: (now: number) => number) {
    this.#expire = expire;
  }

  /** Sees to it that `expire` is called at `deadline`, on the monotonic clock. */
  arm(deadline: number, now: number): void {
    if (deadline >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = deadline;
    // Rounded up, or the timer would find nothing due; bounded by what setTimeout can count.
    const delay = Math.min(Math.ceil(deadline - now), 0x7fff_ffff);
    this.#timer = setTimeout(() => this.#fire(), Math.max(delay, 0));
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due = Number.POSITIVE_INFINITY;
  }

  #fire(): void {
    this.#due = Number.POSITIVE_INFINITY;
    const now = monotonicTime();
    const next = this.#expire(now);
    if (next < Number.POSITIVE_INFINITY) this.arm(next, now);
  }
}
