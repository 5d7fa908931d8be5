/** The lease that an object is shown before it begins: the one state in which its times can be set. */
import type { LeaseSettings } from "../contract/lease-settings.ts";
import { RemotingError } from "../errors.ts";

/** See the head of this file. */
export class InitialLease implements LeaseSettings {
  #settings: LeaseSettings;
  #isInitial = true;

  constructor(defaults: Readonly<LeaseSettings>) {
    this.#settings = { ...defaults };
  }

  get initialLeaseTime(): number {
    return this.#settings.initialLeaseTime;
  }

  set initialLeaseTime(milliseconds: number) {
    this.#set({ initialLeaseTime: milliseconds });
  }

  get renewOnCallTime(): number {
    return this.#settings.renewOnCallTime;
  }

  set renewOnCallTime(milliseconds: number) {
    this.#set({ renewOnCallTime: milliseconds });
  }

  get sponsorshipTimeout(): number {
    return this.#settings.sponsorshipTimeout;
  }

  set sponsorshipTimeout(milliseconds: number) {
    this.#set({ sponsorshipTimeout: milliseconds });
  }

  #set(changes: Partial<LeaseSettings>): void {
    if (!this.#isInitial) {
      throw new RemotingError(
        `${Object.keys(changes).join()} can only be set while the lease is in state Initial: in initializeLifetimeService`,
      );
    }
    this.#settings = { ...this.#settings, ...changes };
  }

  /** Ends the state, with what the object has returned. */
  begin(changes: Partial<LeaseSettings>): Readonly<LeaseSettings> {
    if (changes !== this) {
      for (const [name, value] of Object.entries(changes)) {
        if (value !== undefined && name in this.#settings) this.#set({ [name]: value });
      }
    }
    this.#isInitial = false;
    return Object.freeze(this.#settings);
  }
}
