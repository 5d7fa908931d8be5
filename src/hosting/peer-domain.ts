/** What {@link DomainPeer} needs of its domain. */
import type { ServiceTable } from "../activation/service-table.ts";
import type { ObjectDescription, ObjectTable } from "../lifetime/object-table.ts";
import type { ProxyTarget } from "../proxies/proxy-target.ts";

export interface PeerDomain {
  readonly services: ServiceTable;
  readonly objects: ObjectTable;
  /** Whether a value of this domain's is one that travels by reference. */
  travelsByReference(value: object): boolean;
  /** How an object is called that is about to be lent. */
  describe(object: object): ObjectDescription;
  /** The proxy for an object of a peer's. */
  createProxy(target: ProxyTarget): object;
}
