/** Makes what leases can ask of the sponsors that are passed to them. */
import { AccessDeniedError } from "../errors.ts";
import type { Lease } from "../lifetime/lease.ts";
import type { Sponsorship } from "../lifetime/object-lease.ts";
import { proxyTargetOf } from "../proxies/proxy-factory.ts";
import type { ProxyTarget } from "../proxies/proxy-target.ts";

/**
 * A sponsor that a peer has passed. Only its own, since it would otherwise have this domain call an object of somebody
 * else's, or one of this domain's.
 *
 * @param letGo Gives one reference to the sponsor back.
 */
export function peerSponsorship(
  sponsor: unknown,
  lease: Lease,
  peer: object,
  letGo: (target: ProxyTarget) => void,
): Sponsorship {
  const target = targetOf(sponsor);
  if (target?.owner !== peer) {
    throw new AccessDeniedError(
      "A sponsor must be an object of the caller's own that extends MarshalByRefObject, or one that it relays",
    );
  }
  return {
    key: target,
    owner: peer,
    ask: (signal) => askRemote(target, lease, signal),
    letGo: () => letGo(target),
  };
}

/** A sponsor that this domain itself registers: an object of its own, or a proxy. */
export function localSponsorship(sponsor: unknown, lease: Lease): Sponsorship {
  const target = targetOf(sponsor);
  if (target !== undefined) {
    return {
      key: target,
      owner: undefined,
      ask: (signal) => askRemote(target, lease, signal),
      letGo: () => {},
    };
  }
  if (!isSponsor(sponsor)) throw new TypeError("A sponsor needs a method renewal(lease)");
  return {
    key: sponsor,
    owner: undefined,
    ask: async () => sponsor.renewal(lease),
    letGo: () => {},
  };
}

function targetOf(sponsor: unknown): ProxyTarget | undefined {
  if ((typeof sponsor !== "object" && typeof sponsor !== "function") || sponsor === null) return undefined;
  return proxyTargetOf(sponsor);
}

function isSponsor(sponsor: unknown): sponsor is { renewal(lease: Lease): unknown } {
  return (
    typeof sponsor === "object" &&
    sponsor !== null &&
    "renewal" in sponsor &&
    typeof sponsor.renewal === "function"
  );
}

/** The lease itself limits how long an answer may take. */
function askRemote(target: ProxyTarget, lease: Lease, signal: AbortSignal): Promise<unknown> {
  return target.send({
    kind: "call",
    target: target.uri,
    method: "renewal",
    args: [lease],
    oneWay: false,
    options: { timeout: 0, signal },
  });
}
