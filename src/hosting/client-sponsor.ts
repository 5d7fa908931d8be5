/** The sponsor that is enough for most. */
import { localMark } from "../contract/local.ts";
import { MarshalByRefObject } from "../contract/marshal-by-ref-object.ts";
import { type Remote, remoteMark } from "../contract/remote.ts";
import type { RemoteReference } from "../contract/remote-reference.ts";
import type { Lease, Sponsor } from "../lifetime/lease.ts";
import { defaultLeaseOptions } from "../lifetime/lifetime-options.ts";
import { proxyTargetOf } from "../proxies/proxy-factory.ts";
import { requestLease } from "./lifetime-call.ts";

/**
 * Keeps the objects alive that are registered with it, for as long as it is open and its process is connected
 * (ClientSponsor). Each time that a lease runs out it gives {@link renewalTime}.
 *
 * While it is registered it keeps its process running, as everything does that was lent: {@link close} it.
 *
 * @example
 * ```ts
 * await using sponsor = new ClientSponsor(60_000);
 * await sponsor.register(cart);
 * ```
 */
export class ClientSponsor extends MarshalByRefObject implements Sponsor {
  /** For how many milliseconds objects are renewed each time. */
  renewalTime: number;
  readonly #leases = new Map<object, Remote<Lease>>();
  #isClosed = false;

  /** @param renewalTime Default 2 minutes, as in .NET. */
  constructor(renewalTime: number = defaultLeaseOptions.sponsorshipTimeout) {
    super();
    if (!(renewalTime > 0)) {
      throw new RangeError(
        `A sponsor renews by a number of milliseconds above 0, not ${String(renewalTime)}`,
      );
    }
    this.renewalTime = renewalTime;
  }

  static {
    // Leases ask it for renewals; all else is its owner's business.
    for (const name of ["register", "unregister", "close"]) localMark.record(ClientSponsor, name);
    remoteMark.record(ClientSponsor, "renewal");
  }

  /** Its own life is that of the connections that know it, as in .NET. */
  override initializeLifetimeService(): null {
    return null;
  }

  /**
   * Begins to keep an object alive.
   *
   * @param proxy A proxy, as `createInstance` returns it.
   * @returns `false` if the object has no lease, and so does not need it; or if the sponsor is closed.
   * @throws TypeError if it is not a proxy.
   */
  async register(proxy: RemoteReference): Promise<boolean> {
    const target = proxyTargetOf(proxy);
    if (target === undefined) throw new TypeError("register takes a proxy, as createInstance returns it");
    const lease = this.#isClosed ? null : await requestLease(target);
    if (lease === null || this.#isClosed) return false;
    this.#leases.set(target, lease);
    await lease.register(this, this.renewalTime);
    return true;
  }

  /** Keeps an object alive no longer. Does nothing if it was not registered. */
  async unregister(proxy: RemoteReference): Promise<void> {
    const target = proxyTargetOf(proxy);
    const lease = target === undefined ? undefined : this.#leases.get(target);
    if (target === undefined || lease === undefined) return;
    this.#leases.delete(target);
    await lease.unregister(this);
  }

  /** Keeps nothing alive any more. Objects that are gone, or cannot be reached, are passed over. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const leases = [...this.#leases.values()];
    this.#leases.clear();
    await Promise.allSettled(leases.map((lease) => lease.unregister(this)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Called by leases that have run out. */
  renewal(): number {
    return this.#isClosed ? 0 : this.renewalTime;
  }
}
