// What an object may say about its own lease. Here, and not with the leases, because contracts say it.

/**
 * The times of a lease, in milliseconds (the settable properties of `ILease`).
 *
 * They can be set while the lease is in state `Initial`: inside `initializeLifetimeService`, and nowhere else.
 */
export interface LeaseSettings {
  /** How long the object lives at first. 0 or less: for ever. */
  initialLeaseTime: number;
  /** For how long, from now, a call renews the lease at least. 0: calls do not renew it. */
  renewOnCallTime: number;
  /** How long a sponsor has to answer. 0: the lease takes no sponsors. */
  sponsorshipTimeout: number;
}
