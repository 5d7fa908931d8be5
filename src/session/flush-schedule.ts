/** Flushes what was gathered, at the end of the turn: one tick for all sessions of a channel, however many have something. */
// Imported: the global `process` is a getter, and this is the way of every call.
import { nextTick } from "node:process";

/** What has gathered something. */
export interface Flushable {
  /** The one that was scheduled after it. Belongs to the schedule. */
  scheduledNext: Flushable | undefined;
  /** It is its turn, and it may be added again. Does not throw. */
  flushScheduled(): void;
}

/** See the head of this file. Those that are scheduled are linked, so that scheduling one costs no memory. */
export class FlushSchedule {
  #first: Flushable | undefined;
  #last: Flushable | undefined;
  readonly #flushAll = () => this.#flush();

  /** Calls `flushScheduled` at the end of the turn, before which the caller must not add it again. */
  add(flushable: Flushable): void {
    if (this.#last === undefined) {
      this.#first = flushable;
      nextTick(this.#flushAll);
    } else {
      this.#last.scheduledNext = flushable;
    }
    this.#last = flushable;
  }

  #flush(): void {
    let due = this.#first;
    // What is added meanwhile gets a tick of its own: others have their turn before.
    this.#first = undefined;
    this.#last = undefined;
    while (due !== undefined) {
      const next: Flushable | undefined = due.scheduledNext;
      due.scheduledNext = undefined;
      due.flushScheduled();
      due = next;
    }
  }
}
