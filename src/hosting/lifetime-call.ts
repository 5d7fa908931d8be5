/** How the lease of a remote object is asked for: a method that all objects have and no class can define. */
import { sendInFlow } from "../channels/call-flow.ts";
import type { Remote } from "../contract/remote.ts";
import { RemotingError } from "../errors.ts";
import type { Lease } from "../lifetime/lease.ts";
import { proxyTargetOf } from "../proxies/proxy-factory.ts";
import type { ProxyTarget } from "../proxies/proxy-target.ts";

/** Its name on the wire. */
export const lifetimeMethod = "~getLifetimeService";

/** What leases are called on the wire: no class can be called so. */
export const leaseTypeName = "~Lease";

/** Asks for the lease of the object behind a proxy; `null` if it has none. */
export async function requestLease(target: ProxyTarget): Promise<Remote<Lease> | null> {
  const lease = await sendInFlow(target, {
    kind: "call",
    target: target.uri,
    method: lifetimeMethod,
    args: [],
    oneWay: false,
    options: {},
  });
  if (lease === null) return null;
  if (!isLease(lease)) throw new RemotingError(`${target.url} answered with something that is no lease`);
  return lease;
}

function isLease(value: unknown): value is Remote<Lease> {
  if (typeof value !== "object" || value === null) return false;
  return proxyTargetOf(value)?.typeName === leaseTypeName;
}
