/** Looks at the leases of a domain that run, every now and then (LeaseManager). While none runs, it does nothing. */
import type { LeaseSettings } from "../contract/lease-settings.ts";
import type { Clock } from "./clock.ts";
import { type LeaseHost, ObjectLease } from "./object-lease.ts";

/** What the leases of a domain have in common. */
export interface LeaseManagerOptions {
  readonly clock: Clock;
  readonly leaseManagerPollTime: number;
  readonly maxRenewal: number;
  readonly runsWhileHeld: boolean;
  /** Takes what a sponsor throws. */
  readonly sponsorFailed: (error: unknown) => void;
}

/** See the head of this file. */
export class LeaseManager implements LeaseHost {
  readonly clock: Clock;
  readonly maxRenewal: number;
  readonly runsWhileHeld: boolean;
  readonly sponsorFailed: (error: unknown) => void;
  readonly #pollTime: number;
  readonly #running = new Set<ObjectLease>();
  #stop: (() => void) | undefined;

  constructor(options: LeaseManagerOptions) {
    this.clock = options.clock;
    this.maxRenewal = options.maxRenewal;
    this.runsWhileHeld = options.runsWhileHeld;
    this.sponsorFailed = options.sponsorFailed;
    this.#pollTime = options.leaseManagerPollTime;
  }

  /** How many leases run. */
  get size(): number {
    return this.#running.size;
  }

  /** Begins a lease. */
  begin(settings: Readonly<LeaseSettings>): ObjectLease {
    return new ObjectLease(settings, this);
  }

  run(lease: ObjectLease): void {
    this.#running.add(lease);
    if (this.#stop === undefined) this.#poll();
  }

  rest(lease: ObjectLease): void {
    if (this.#running.delete(lease) && this.#running.size === 0) this.close();
  }

  #poll(): void {
    this.#stop = this.clock.after(this.#pollTime, () => {
      this.#stop = undefined;
      for (const lease of this.#running) lease.check();
      // A lease that began meanwhile has started this again.
      if (this.#running.size > 0 && this.#stop === undefined) this.#poll();
    });
  }

  /** Looks at nothing any more. */
  close(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#running.clear();
  }
}
