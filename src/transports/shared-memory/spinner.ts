/**
 * Waits busily, for a moment, for what a peer is likely to send next: waking a process that sleeps takes many times
 * longer than a call. It runs on the event loop's own thread, after the continuations of what this turn has brought, and
 * lets other work go first again and again. Where it does not pay it stops trying, and tries again later.
 */
import { nextTick } from "node:process";

/** What can be watched. */
export interface Watched {
  /**
   * Takes what has come, waiting for it busily if nothing has. Returns whether there was something; if not and
   * `sleep` is set, it sleeps now.
   *
   * @param spin For how long to wait at most, in nanoseconds.
   */
  poll(spin: number, sleep: boolean): boolean;

  /** Whether to wait busily for what comes next. */
  readonly isWorthWaiting: boolean;

  /** It is about to be waited for: what was gathered to be sent later is sent now. */
  prepare(): void;

  /** It is not watched any more, because it is not worth waiting for it: it looks for more itself, and falls asleep. */
  resume(): void;
}

/** How many times longer the first attempt is: the peer may have to be woken first, and then both are awake. */
const firstAttempt = 4;

/** After a failure 2, after the next 4 occasions are passed over, at most so many: about 1 % of one processor. */
const mostPassedOver = 64;

/** So often in a row before the event loop gets its turn. A multiple of {@link turnsBetweenTicks}. */
const turnsInARow = 64;

/**
 * So often in a row without a tick, where one connection is watched and each turn has sent something: going from a
 * microtask to a tick and back was a tenth of what a small call takes. With several, what waits in a tick to be sent over
 * one of them would wait for the answers of another one.
 */
const turnsBetweenTicks = 16;

/** What is scheduled behind it runs in a microtask, for a third of what `queueMicrotask` costs. */
const resolved = Promise.resolve();

/** Between two connections that are watched at the same time: a look at each costs little more. */
const shareOfOne = 1_000;

/** Watches the connections of one transport. */
export class Spinner {
  readonly #duration: number;
  readonly #watched: Watched[] = [];
  #scheduled = false;
  #turns = 0;
  /** Nanoseconds that were waited in vain since something last came. */
  #waited = 0;
  /** Failures in a row, as the number of occasions to pass over after the next one. */
  #penalty = 1;
  #passOver = 0;
  /** Whether the present attempt follows failures, or is the first at all. */
  #isFirst = true;
  /** Whether something was sent since the last look, to which an answer may come: then nothing more is waited for. */
  #hasSent = false;
  readonly #turn = () => {
    this.#prepare();
    this.#run();
  };
  readonly #afterTicks = () => {
    if (this.#hasSent) this.#turn();
    else nextTick(this.#turn);
  };
  readonly #afterMicrotasks = () => {
    const isTickDue = this.#turns % turnsBetweenTicks === 0 || this.#watched.length > 1;
    if (!isTickDue) this.#prepare();
    if (this.#hasSent && !isTickDue) this.#run();
    else nextTick(this.#afterTicks);
  };

  /** @param duration For how long to wait, in nanoseconds; 0 never waits. */
  constructor(duration: number) {
    this.#duration = duration;
  }

  /** Something was sent or has come, so more is likely to come. Returns false if it is better to sleep. */
  watch(connection: Watched): boolean {
    if (this.#duration === 0) return false;
    if (this.#watched.includes(connection)) {
      this.#hasSent = true;
      return true;
    }
    if (!connection.isWorthWaiting) return false;
    if (this.#passOver > 0) {
      this.#passOver--;
      return false;
    }
    this.#watched.push(connection);
    this.#waited = 0;
    this.#schedule();
    return true;
  }

  /** It has ended. */
  forget(connection: Watched): void {
    const index = this.#watched.indexOf(connection);
    if (index >= 0) this.#watched.splice(index, 1);
  }

  #schedule(): void {
    if (this.#scheduled || this.#watched.length === 0) return;
    this.#scheduled = true;
    if (++this.#turns >= turnsInARow) {
      this.#turns = 0;
      setImmediate(this.#turn);
    } else {
      // After the continuations of promises that are settled by now, and after what those send.
      void resolved.then(this.#afterMicrotasks);
    }
  }

  /** Else what was gathered would wait for a tick, this side for the peer, and the peer perhaps for what was gathered. */
  #prepare(): void {
    for (const connection of this.#watched) connection.prepare();
  }

  /** After {@link #prepare}. */
  #run(): void {
    this.#scheduled = false;
    this.#hasSent = false;
    const first = this.#watched[0];
    if (first === undefined) return;
    const duration = this.#isFirst ? this.#duration * firstAttempt : this.#duration;
    const progressed = this.#watched.length === 1 ? first.poll(duration, false) : this.#pollAll(duration);
    if (progressed) {
      this.#penalty = 1;
      this.#isFirst = false;
      this.#waited = 0;
      this.#dismiss();
    } else {
      this.#giveUp();
    }
    this.#schedule();
  }

  /** Looks at one after the other until something has come or the time is over. */
  #pollAll(duration: number): boolean {
    let progressed = false;
    while (!progressed && this.#waited < duration) {
      for (const connection of [...this.#watched]) {
        if (connection.poll(shareOfOne, false)) progressed = true;
        this.#waited += shareOfOne;
      }
    }
    return progressed;
  }

  /** What has come may have shown of some that they are not worth waiting for. */
  #dismiss(): void {
    for (let index = this.#watched.length - 1; index >= 0; index--) {
      const connection = this.#watched[index];
      if (connection === undefined || connection.isWorthWaiting) continue;
      this.forget(connection);
      connection.resume();
    }
  }

  #giveUp(): void {
    this.#isFirst = true;
    this.#passOver = this.#penalty;
    this.#penalty = Math.min(this.#penalty * 2, mostPassedOver);
    // One that finds something while it falls asleep is watched on.
    for (const connection of [...this.#watched]) {
      if (!connection.poll(0, true)) this.forget(connection);
    }
  }
}
