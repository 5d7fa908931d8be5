/**
 * How long one object lives: the lease itself, which its owner and others see as a {@link Lease}.
 *
 * It renews, never shortens: a renewal sets the larger of what is left and what is asked for. When its time is over it
 * asks its sponsors, the one with the largest last renewal first; one that gives nothing, throws or is late is
 * forgotten, and the next one asked. It does not end while a call to the object is under way.
 */
import type { LeaseSettings } from "../contract/lease-settings.ts";
import { LimitExceededError, ObjectDisconnectedError } from "../errors.ts";
import type { Clock } from "./clock.ts";
import type { ObjectUse } from "./object-use.ts";

/** Where a lease is in its life (LeaseState). .NET's `Null`, an object without a lease, is the lease `null` here. */
export type LeaseState = "Initial" | "Active" | "Renewing" | "Expired";

/** How many sponsors of one peer a lease takes: more than anybody needs, and few enough to be asked one by one. */
export const maxSponsors = 16;

/** Somebody who is asked before the object goes. */
export interface Sponsorship {
  /** What tells it from others. */
  readonly key: object;
  /** The peer that has registered it; `undefined` for this domain itself. */
  readonly owner: object | undefined;
  /** Asks for how many milliseconds the object should live on. `signal` aborts when it is too late for an answer. */
  ask(signal: AbortSignal): Promise<unknown>;
  /** It is no longer needed. */
  letGo(): void;
}

/** One of the ways in which an object is reached. Without any, its lease ends. */
export interface LeaseOwner {
  /** The calls under way by this way. */
  readonly use: ObjectUse;
  /** The lease has run out. */
  expired(): void;
}

/** What a lease needs of those who watch all leases. */
export interface LeaseHost {
  readonly clock: Clock;
  /** The most milliseconds that can be asked for at a time. */
  readonly maxRenewal: number;
  /** Whether leases run although connected peers hold the object. */
  readonly runsWhileHeld: boolean;
  /** Looks at a lease from now on, until {@link rest}. */
  run(lease: ObjectLease): void;
  /** Looks at it no longer. */
  rest(lease: ObjectLease): void;
  /** Takes the error of a sponsor. */
  sponsorFailed(error: unknown): void;
}

interface Sponsor {
  readonly sponsorship: Sponsorship;
  lastRenewal: number;
}

/** See the head of this file. */
export class ObjectLease {
  readonly settings: Readonly<LeaseSettings>;
  readonly #host: LeaseHost;
  readonly #sponsors = new Map<object, Sponsor>();
  readonly #owners = new Set<LeaseOwner>();
  #expires: number;
  #holders = 0;
  #state: LeaseState = "Active";

  /** A lease that begins now. */
  constructor(settings: Readonly<LeaseSettings>, host: LeaseHost) {
    this.settings = settings;
    this.#host = host;
    this.#expires = host.clock.now() + settings.initialLeaseTime;
    host.run(this);
  }

  get state(): LeaseState {
    return this.#state;
  }

  /** Milliseconds that are left. While a connected peer holds the object that is the initial time, for it keeps renewing. */
  get currentLeaseTime(): number {
    const left = Math.max(0, Math.ceil(this.#expires - this.#host.clock.now()));
    return this.#isRunning ? left : Math.max(left, this.settings.initialLeaseTime);
  }

  get #isRunning(): boolean {
    return this.#holders === 0 || this.#host.runsWhileHeld;
  }

  /** Adds a way in which the object is reached. */
  addOwner(owner: LeaseOwner): void {
    this.#owners.add(owner);
    owner.use.whenCallEnds(() => this.renewOnCall());
  }

  /** The object is no longer reached in this way. */
  removeOwner(owner: LeaseOwner): void {
    if (this.#owners.delete(owner) && this.#owners.size === 0) this.#end();
  }

  /** A connected peer holds the object. */
  hold(): void {
    this.#holders++;
    if (!this.#isRunning) this.#host.rest(this);
  }

  /** It no longer does. If it was the last, the lease begins to run with all of its initial time. */
  unhold(): void {
    this.#holders--;
    if (this.#holders > 0 || this.#host.runsWhileHeld || this.#state === "Expired") return;
    this.#extend(this.settings.initialLeaseTime);
    this.#host.run(this);
  }

  /** A call has come, or has ended. */
  renewOnCall(): void {
    if (this.#isRunning) this.#extend(this.settings.renewOnCallTime);
  }

  /** The object was lent once more, which grants the initial time again. */
  renewOnMarshal(): void {
    if (this.#isRunning) this.#extend(this.settings.initialLeaseTime);
  }

  #extend(milliseconds: number): void {
    this.#expires = Math.max(this.#expires, this.#host.clock.now() + milliseconds);
  }

  /**
   * Makes the object live at least so much longer, from now.
   *
   * @returns What is left now.
   * @throws RangeError if that is no time; ObjectDisconnectedError if the lease has expired.
   */
  renew(milliseconds: number): number {
    this.#assertAlive();
    this.#extend(this.#checkRenewal(milliseconds));
    return this.currentLeaseTime;
  }

  /** A time that somebody asks for, cut to what may be asked for. */
  #checkRenewal(milliseconds: number): number {
    if (typeof milliseconds !== "number" || !(milliseconds >= 0)) {
      throw new RangeError(`A lease is renewed by a number of milliseconds, not ${String(milliseconds)}`);
    }
    return Math.min(milliseconds, this.#host.maxRenewal);
  }

  #assertAlive(): void {
    if (this.#state === "Expired") throw new ObjectDisconnectedError("The lease has expired");
  }

  /**
   * Adds a sponsor, and renews the lease by `milliseconds` if they are given. Again, it changes only the time.
   *
   * @throws LimitExceededError if its owner has too many.
   */
  register(sponsorship: Sponsorship, milliseconds = 0): void {
    this.#assertAlive();
    const renewal = this.#checkRenewal(milliseconds);
    if (this.settings.sponsorshipTimeout <= 0) {
      sponsorship.letGo();
      return;
    }
    const known = this.#sponsors.get(sponsorship.key);
    if (known !== undefined) {
      sponsorship.letGo();
      known.lastRenewal = Math.max(known.lastRenewal, renewal);
    } else {
      this.#checkRoom(sponsorship);
      this.#sponsors.set(sponsorship.key, { sponsorship, lastRenewal: renewal });
    }
    this.#extend(renewal);
  }

  #checkRoom({ owner }: Sponsorship): void {
    let present = 0;
    for (const { sponsorship } of this.#sponsors.values()) if (sponsorship.owner === owner) present++;
    if (present < maxSponsors) return;
    throw new LimitExceededError(
      "maxSponsors",
      `${maxSponsors} sponsors of this peer are registered with the lease: unregister some first`,
    );
  }

  /** Removes a sponsor. Returns whether it was there. */
  unregister(key: object): boolean {
    const sponsor = this.#sponsors.get(key);
    if (sponsor === undefined) return false;
    this.#sponsors.delete(key);
    sponsor.sponsorship.letGo();
    return true;
  }

  /** How many sponsors there are. */
  get sponsorCount(): number {
    return this.#sponsors.size;
  }

  /** Looks whether the time is over. */
  check(): void {
    if (this.#state !== "Active" || !this.#isOver) return;
    if (this.#sponsors.size === 0) this.#expire();
    else void this.#askSponsors();
  }

  get #isOver(): boolean {
    if (this.#expires > this.#host.clock.now() || !this.#isRunning) return false;
    for (const { use } of this.#owners) if (use.isBusy) return false;
    return true;
  }

  async #askSponsors(): Promise<void> {
    this.#state = "Renewing";
    for (;;) {
      const sponsor = this.#nextSponsor();
      if (sponsor === undefined) break;
      const renewal = await this.#ask(sponsor.sponsorship);
      // It may have ended meanwhile: nothing that was asked for matters then.
      if (this.state !== "Renewing") return;
      if (renewal > 0) {
        sponsor.lastRenewal = renewal;
        this.#extend(renewal);
        break;
      }
      this.unregister(sponsor.sponsorship.key);
      // A call may have come, or a holder.
      if (!this.#isOver) break;
    }
    this.#state = "Active";
    if (this.#isOver && this.#sponsors.size === 0) this.#expire();
  }

  #nextSponsor(): Sponsor | undefined {
    let next: Sponsor | undefined;
    for (const sponsor of this.#sponsors.values()) {
      if (next === undefined || sponsor.lastRenewal > next.lastRenewal) next = sponsor;
    }
    return next;
  }

  /** What a sponsor gives: 0 if it fails or is late. */
  async #ask(sponsorship: Sponsorship): Promise<number> {
    const { clock, maxRenewal } = this.#host;
    const attempt = new AbortController();
    const late = new Promise<number>((resolve) => {
      attempt.signal.addEventListener("abort", () => resolve(0), { once: true });
    });
    const stop = clock.after(this.settings.sponsorshipTimeout, () => attempt.abort());
    try {
      const answer = await Promise.race([sponsorship.ask(attempt.signal), late]);
      return typeof answer === "number" && answer > 0 ? Math.min(answer, maxRenewal) : 0;
    } catch (error) {
      this.#host.sponsorFailed(error);
      return 0;
    } finally {
      stop();
    }
  }

  #expire(): void {
    const owners = [...this.#owners];
    this.#end();
    for (const owner of owners) owner.expired();
  }

  #end(): void {
    this.#state = "Expired";
    this.#host.rest(this);
    this.#owners.clear();
    for (const { sponsorship } of this.#sponsors.values()) sponsorship.letGo();
    this.#sponsors.clear();
  }
}
