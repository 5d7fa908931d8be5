/** What {@link DomainPeer} needs of its domain. */
import type { ServiceTable } from "../activation/service-table.ts";
import type { ObjectLease } from "../lifetime/object-lease.ts";
import type { ObjectDescription, ObjectTable } from "../lifetime/object-table.ts";
import type { ProxyTarget } from "../proxies/proxy-target.ts";
import type { Authorization } from "./authorization.ts";
import type { CustomErrorsMode } from "./custom-errors.ts";
import type { CountedPeer } from "./domain-statistics.ts";
import type { PassingPeer } from "./shortcuts.ts";

/** An object as it is named in messages. */
export interface NamedObject {
  readonly id: string;
  readonly typeName: string | undefined;
}

/** See the head of this file. */
export interface PeerDomain {
  /** The peers whose conversations are not over. Each adds and removes itself. */
  readonly peers: Set<CountedPeer>;
  readonly services: ServiceTable;
  readonly objects: ObjectTable;
  readonly authorization: Authorization;
  readonly customErrors: CustomErrorsMode;
  /** Whether a value of this domain's is one that travels by reference. */
  travelsByReference(value: object): boolean;
  /** How an object is called that is about to be lent. Needs no `this`. */
  readonly describe: (object: object) => ObjectDescription;
  /** The proxy for an object of a peer's. */
  createProxy(target: ProxyTarget): object;
  /** The lease that an object has, if it has one. */
  presentLease(object: object): ObjectLease | undefined;
  /** A shorter way to a well-known object than by the peer that has passed it, if there is one. */
  shortcut(origin: string, typeName: string | undefined, peer: PassingPeer): object | undefined;
  /** A reference to an object was made for a peer. */
  marshaled(object: object, reference: NamedObject): void;
  /** A proxy was made for an object of a peer's. */
  unmarshaled(proxy: object, target: ProxyTarget): void;
}
