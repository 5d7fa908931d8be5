/** A lease as its owner and, through a proxy, others see it; and the sponsors that it asks before it ends. */
import { MarshalByRefObject } from "../contract/marshal-by-ref-object.ts";
import { type Remote, remoteMark } from "../contract/remote.ts";
import type { LeaseState, ObjectLease, Sponsorship } from "./object-lease.ts";

/**
 * Keeps objects alive without holding or calling them (ISponsor). It is registered with a lease, and asked when the
 * lease has run out. It is a remote object itself: when its process dies or its connection is lost, it gives nothing.
 *
 * @example
 * ```ts
 * class WhileOpen extends MarshalByRefObject implements Sponsor {
 *   isOpen = true;
 *   renewal(): number {
 *     return this.isOpen ? 60_000 : 0;
 *   }
 * }
 * ```
 */
export interface Sponsor extends MarshalByRefObject {
  /**
   * Called when the lease has run out (ISponsor.Renewal).
   *
   * @param lease The lease, as seen from where the sponsor is.
   * @returns For how many milliseconds, from now, the object is needed. 0 or less: no longer, do not ask again. The same
   *   holds for an error, and for an answer that takes longer than the lease's `sponsorshipTimeout`.
   */
  renewal(lease: Remote<Lease>): number | Promise<number>;
}

/**
 * Makes of a sponsor that somebody has passed one that a lease can ask.
 *
 * @throws TypeError for what is no sponsor; AccessDeniedError for one that is not the caller's.
 */
export type SponsorAdapter = (sponsor: unknown, lease: Lease) => Sponsorship;

/**
 * How long an object lives, and the means to change that (ILease). What .NET has as properties are methods here, since
 * proxies have nothing else. All times are milliseconds. Made by `getLifetimeService`.
 */
export class Lease extends MarshalByRefObject {
  readonly #lease: ObjectLease;
  readonly #adapt: SponsorAdapter;

  static {
    // In domains where only what is marked can be called, too.
    const methods = Object.getOwnPropertyNames(Lease.prototype).filter((name) => name !== "constructor");
    for (const name of methods) remoteMark.record(Lease, name);
  }

  /** @internal */
  constructor(lease: ObjectLease, adapt: SponsorAdapter) {
    super();
    this.#lease = lease;
    this.#adapt = adapt;
  }

  /** It ends with what it is the lease of, or with the connection of whoever asked for it. */
  override initializeLifetimeService(): null {
    return null;
  }

  /** `"Active"`; `"Renewing"` while sponsors are being asked; `"Expired"` (ILease.CurrentState). */
  currentState(): LeaseState {
    return this.#lease.state;
  }

  /** What is left (ILease.CurrentLeaseTime). The initial time as long as a connected peer holds the object, unless the domain has .NET's rules. */
  currentLeaseTime(): number {
    return this.#lease.currentLeaseTime;
  }

  /** ILease.InitialLeaseTime. */
  initialLeaseTime(): number {
    return this.#lease.settings.initialLeaseTime;
  }

  /** ILease.RenewOnCallTime. */
  renewOnCallTime(): number {
    return this.#lease.settings.renewOnCallTime;
  }

  /** ILease.SponsorshipTimeout. */
  sponsorshipTimeout(): number {
    return this.#lease.settings.sponsorshipTimeout;
  }

  /**
   * Makes the object live at least so much longer, from now (ILease.Renew). Never shortens, never adds up. More than the
   * domain's `maxRenewal`, 24 hours by default, is cut to that.
   *
   * @returns What is left now.
   * @throws RangeError if it is negative or no number; ObjectDisconnectedError if the lease has expired.
   */
  renew(milliseconds: number): number {
    return this.#lease.renew(milliseconds);
  }

  /**
   * Adds a sponsor (ILease.Register). Through a proxy only an object of the caller's own process can be one, or what it
   * relays.
   *
   * @param renewalTime Renews the lease at once by so many milliseconds. Default: not at all.
   * @throws LimitExceededError if the caller has 16 sponsors registered here.
   */
  register(sponsor: Sponsor | Remote<Sponsor>, renewalTime?: number): void {
    const sponsorship = this.#adapt(sponsor, this);
    try {
      this.#lease.register(sponsorship, renewalTime);
    } catch (error) {
      sponsorship.letGo();
      throw error;
    }
  }

  /** Removes a sponsor (ILease.Unregister). Does nothing if it is not registered. */
  unregister(sponsor: Sponsor | Remote<Sponsor>): void {
    const sponsorship = this.#adapt(sponsor, this);
    this.#lease.unregister(sponsorship.key);
    sponsorship.letGo();
  }
}
