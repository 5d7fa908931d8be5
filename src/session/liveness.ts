/**
 * Notices when a session no longer gets anywhere: a peer that has gone without a word, that does not read, that begins
 * a message and does not end it. And when nobody has needed the session for a while.
 */
import type { ConnectionLostReason } from "../errors.ts";
import type { Pulse } from "./heartbeat.ts";
import type { SessionLimits } from "./session-limits.ts";

/** A payload in fragments takes turns with others, so its fragments may be this much further apart than bytes of a message. */
const payloadPatience = 6;

/** What is watched of a session. */
export interface Watched {
  /** Bytes that wait for the peer, and those that it, or its system, has taken so far. */
  readonly queuedBytes: number;
  readonly takenBytes: number;
  /** The number of the message that has begun to arrive and has not ended; 0 if there is none. */
  readonly partialMessage: number;
  /** When the payload was last added to that has waited the longest for its fragments. */
  readonly staleSince: number | undefined;
  /** Whether there are calls under way or references held, or were since this was last asked. */
  readonly isInUse: boolean;
  /** Asks the peer for a sign of life. */
  probe(): void;
  /** Ends the session because of the peer. */
  giveUp(reason: ConnectionLostReason, message: string): void;
  /** Ends the session in good order: nobody needs it. */
  retire(): void;
}

/** See the head of this file. */
export class Liveness implements Pulse {
  /**
   * How often the peer was heard, which the session counts: with a look at the clock for each message, one call at a time
   * was 1.04 to 1.08 times as slow over shared memory. Wraps around.
   */
  heard = 0;
  /** What it was at the last look, and when a look first found it so: up to a period after bytes have come. */
  #heardBefore = 0;
  #lastHeard = 0;
  readonly #limits: SessionLimits;
  readonly #idleTimeout: number;
  readonly #watched: Watched;
  /** When the peer was asked for a sign of life, if it was not heard since. */
  #askedAt: number | undefined;
  #taken = 0;
  #takenAt = 0;
  #message = 0;
  #messageSince = 0;
  #usedAt = 0;
  /** When this process last went on after it had not run. */
  #resumedAt = 0;
  #isDoubtful = false;

  /** @param idleTimeout Milliseconds without use after which the session is retired; 0 for never. */
  constructor(limits: SessionLimits, idleTimeout: number, watched: Watched) {
    this.#limits = limits;
    this.#idleTimeout = idleTimeout;
    this.#watched = watched;
  }

  get period(): number {
    const { pingInterval, pingTimeout, writeTimeout, progressTimeout, messageTimeout } = this.#limits;
    const times = [
      pingInterval,
      pingTimeout,
      writeTimeout,
      progressTimeout,
      messageTimeout,
      this.#idleTimeout,
    ];
    // A silence is known of at one look, asked about at another, and over at a third: together at most a quarter late.
    return Math.min(...times.filter((time) => time > 0)) / 12;
  }

  begin(now: number): void {
    this.#lastHeard = now;
    this.#takenAt = now;
    this.#usedAt = now;
  }

  resume(now: number): void {
    this.#resumedAt = now;
    this.#takenAt = now;
    this.#messageSince = now;
    this.#usedAt = now;
    if (this.#askedAt === undefined) return;
    // The answer may have come and not been read; or the peer has slept as well, and has not read the question.
    this.#askedAt = now;
    this.#watched.probe();
  }

  look(now: number): void {
    if (this.heard !== this.#heardBefore) {
      this.#heardBefore = this.heard;
      this.#lastHeard = now;
    }
    this.#checkWriting(now);
    this.#checkMessage(now);
    this.#checkPayloads(now);
    this.#checkUse(now);
    this.#checkLife(now);
  }

  #checkLife(now: number): void {
    const { pingInterval, pingTimeout } = this.#limits;
    if (pingInterval === 0) return;
    if (this.#askedAt !== undefined && this.#lastHeard > this.#askedAt) this.#askedAt = undefined;
    if (this.#askedAt === undefined) {
      if (now - this.#lastHeard < pingInterval) return;
      this.#askedAt = now;
      this.#watched.probe();
    } else if (now - this.#askedAt >= pingTimeout) {
      this.#giveUpUnlessHeard(`no sign of life for ${pingInterval + pingTimeout} ms`);
    }
  }

  /** Timers run before sockets are read: what has come by now, and was not looked at, speaks for the peer. */
  #giveUpUnlessHeard(message: string): void {
    if (this.#isDoubtful) return;
    this.#isDoubtful = true;
    const { heard } = this;
    setImmediate(() => {
      this.#isDoubtful = false;
      if (this.heard === heard) this.#watched.giveUp("unresponsive", message);
    });
  }

  #checkWriting(now: number): void {
    const { queuedBytes, takenBytes } = this.#watched;
    const { writeTimeout } = this.#limits;
    if (queuedBytes === 0 || takenBytes !== this.#taken) {
      this.#taken = takenBytes;
      this.#takenAt = now;
    } else if (writeTimeout > 0 && now - this.#takenAt >= writeTimeout) {
      this.#watched.giveUp(
        "slow-reader",
        `${queuedBytes} bytes wait for it, and it has read nothing for ${writeTimeout} ms (writeTimeout)`,
      );
    }
  }

  #checkMessage(now: number): void {
    const { partialMessage } = this.#watched;
    const { progressTimeout, messageTimeout } = this.#limits;
    if (partialMessage === 0) return;
    if (partialMessage !== this.#message) {
      this.#message = partialMessage;
      this.#messageSince = now;
    }
    if (progressTimeout > 0 && now - Math.max(this.#lastHeard, this.#resumedAt) >= progressTimeout) {
      this.#giveUpUnlessHeard(
        `a message has begun, and nothing came for ${progressTimeout} ms (progressTimeout)`,
      );
    } else if (messageTimeout > 0 && now - this.#messageSince >= messageTimeout) {
      this.#watched.giveUp(
        "unresponsive",
        `a message has begun and is not complete after ${messageTimeout} ms (messageTimeout)`,
      );
    }
  }

  #checkPayloads(now: number): void {
    const { progressTimeout } = this.#limits;
    if (progressTimeout === 0) return;
    const { staleSince } = this.#watched;
    const patience = progressTimeout * payloadPatience;
    if (staleSince === undefined || now - Math.max(staleSince, this.#resumedAt) < patience) return;
    this.#watched.giveUp("unresponsive", `a payload in fragments has not gone on for ${patience} ms`);
  }

  #checkUse(now: number): void {
    if (this.#watched.isInUse) this.#usedAt = now;
    else if (this.#idleTimeout > 0 && now - this.#usedAt >= this.#idleTimeout) this.#watched.retire();
  }
}
