import { ClientActivated, type LeaseSettings, MarshalByRefObject } from "remoting";

/** A desk is booked for as long as somebody needs it. */
@ClientActivated()
export class Desk extends MarshalByRefObject {
  readonly #owner: string;

  constructor(owner: string) {
    super();
    this.#owner = owner;
  }

  /** Seconds instead of .NET's minutes, so that there is something to see. */
  override initializeLifetimeService(lease: LeaseSettings): LeaseSettings {
    lease.initialLeaseTime = 3_000;
    lease.renewOnCallTime = 1_000;
    return lease;
  }

  write(text: string): string {
    return `${this.#owner} writes ${text}`;
  }
}
