/** The domain as one peer sees it: what was lent to that peer, what the peer has lent, and the calls between. */

import { rulesOf } from "../activation/remote-method.ts";
import { methodNotFound } from "../activation/service-table.ts";
import type { WellKnownService } from "../activation/well-known-service.ts";
import type { CallDispatcher, CallTarget } from "../channels/call-dispatcher.ts";
import type { ChannelSender, PeerConversation } from "../channels/channel.ts";
import { defaultPeerLimits, type PeerHost, type PeerLimits, type PeerLink } from "../channels/peer-host.ts";
import { isScoped } from "../contract/scoped.ts";
import { ObjectDisconnectedError, SerializationError } from "../errors.ts";
import { Lease } from "../lifetime/lease.ts";
import type { ObjectLease } from "../lifetime/object-lease.ts";
import type { LentObject, ObjectTable } from "../lifetime/object-table.ts";
import { ImportedReferences } from "../marshaling/imported-references.ts";
import { Marshaler } from "../marshaling/marshaler.ts";
import { MarshalingFailure } from "../marshaling/marshaling-failure.ts";
import type { ObjRef } from "../marshaling/obj-ref.ts";
import type { OutgoingReference, ReferenceHost, ReferenceScope } from "../marshaling/reference-host.ts";
import { Signals } from "../marshaling/signals.ts";
import type { ContextReceiver } from "../messages/logical-data.ts";
import type { MethodCall } from "../messages/method-call.ts";
import type { PeerInfo } from "../messages/peer-info.ts";
import { proxyTargetOf } from "../proxies/proxy-factory.ts";
import type { ProxyTarget } from "../proxies/proxy-target.ts";
import { allPermit } from "./authorization.ts";
import { revealsStacks } from "./custom-errors.ts";
import type { CountedPeer } from "./domain-statistics.ts";
import { lifetimeMethod } from "./lifetime-call.ts";
import { LocalTarget } from "./local-target.ts";
import type { PeerDomain } from "./peer-domain.ts";
import { PeerReference, type ReferenceOwner } from "./peer-reference.ts";
import { peerSponsorship } from "./sponsorships.ts";

/** See the head of this file. */
export class DomainPeer implements PeerHost, ReferenceHost, ReferenceOwner, CallDispatcher, CountedPeer {
  readonly marshaler: Marshaler;
  readonly #peer: PeerInfo;
  readonly #domain: PeerDomain;
  readonly #link: PeerLink | undefined;
  readonly #limits: PeerLimits;
  readonly #sender: Pick<ChannelSender, "send"> | undefined;
  // Made when the first reference or signal passes: most conversations have none, and an idle one should be small.
  #imported: ImportedReferences<PeerReference> | undefined;
  #signals: Signals | undefined;
  #leases: WeakMap<ObjectLease, Lease> | undefined;
  /** What stands for objects of this domain's own that the peer has passed: well-known ones by URI, and lent ones. */
  #homeward: Map<string, WeakRef<object>> | undefined;
  #guarded: WeakMap<LentObject, WeakRef<object>> | undefined;
  #closeListeners: ((error: Error | undefined) => void)[] | undefined;
  /** How it has ended, if it has. */
  #end: { readonly error: Error | undefined } | undefined;

  constructor(domain: PeerDomain, { peer, link, sender, limits = defaultPeerLimits }: PeerConversation) {
    this.#domain = domain;
    this.#peer = peer;
    this.#link = link;
    this.#sender = sender;
    this.#limits = limits;
    this.marshaler = new Marshaler(this, limits.maxDepth);
    domain.peers.add(this);
  }

  get dispatcher(): CallDispatcher {
    return this;
  }

  get url(): string {
    return this.#peer.url;
  }

  get #objects(): ObjectTable {
    return this.#domain.objects;
  }

  get endpoint(): string | undefined {
    return this.#sender === undefined ? undefined : this.url;
  }

  get showsStacks(): boolean {
    return revealsStacks(this.#domain.customErrors, this.#peer);
  }

  /** Resolves when the conversation is over, with the error if it did not end in good order. */
  whenClosed(): Promise<Error | undefined> {
    if (this.#end !== undefined) return Promise.resolve(this.#end.error);
    return new Promise((resolve) => {
      this.#closeListeners ??= [];
      this.#closeListeners.push(resolve);
    });
  }

  // --- calls from the peer --------------------------------------------------------------------------

  get revision(): number {
    return this.#domain.services.revision;
  }

  resolve(kind: MethodCall["kind"], target: string, method: string): CallTarget {
    const { authorization, services } = this.#domain;
    if (kind === "call" && method === lifetimeMethod) {
      const methods = isObjectId(target) ? [] : services.service(target).targets.values();
      return authorization.guardBeside(this.#resolveLifetime(target), methods, this.#peer);
    }
    return authorization.guard(this.#find(kind, target, method), this.#peer);
  }

  #find(kind: MethodCall["kind"], target: string, method: string): CallTarget {
    if (kind === "construct") return this.#domain.services.resolveConstruction(target);
    if (!isObjectId(target)) return this.#domain.services.resolveCall(target, method);
    return methodOf(this.#lent(target), method);
  }

  #lent(id: string): LentObject {
    const lent = this.#objects.find(id, this);
    if (lent !== undefined) return lent;
    throw new ObjectDisconnectedError(
      "The object is not there: it was disposed of or disconnected, its time ran out, or its process was restarted",
    );
  }

  // --- leases ---------------------------------------------------------------------------------------

  /** What answers a peer that asks for the lease of an object. */
  #resolveLifetime(target: string): CallTarget {
    if (!isObjectId(target)) {
      const service = this.#domain.services.service(target);
      return lifetimeTarget(async () => {
        const object = await service.activate();
        return this.#leaseSeen(object === undefined ? undefined : this.#domain.presentLease(object));
      });
    }
    const lent = this.#lent(target);
    // What is only relayed has its lease where it lives.
    return (
      lent.targetOf(lifetimeMethod) ?? lifetimeTarget(() => this.#leaseSeen(this.#objects.leaseOf(lent)))
    );
  }

  /** A lease as this peer sees it: the sponsors that it registers must be its own. */
  #leaseSeen(lease: ObjectLease | undefined): Lease | null {
    if (lease === undefined) return null;
    this.#leases ??= new WeakMap();
    let seen = this.#leases.get(lease);
    if (seen === undefined) {
      seen = new Lease(lease, (sponsor, by) =>
        peerSponsorship(sponsor, by, this, ({ uri }) => {
          this.#imported?.releaseSome(uri, 1)?.end("was a sponsor, and is needed no longer");
        }),
      );
      this.#leases.set(lease, seen);
    }
    return seen;
  }

  // --- references -----------------------------------------------------------------------------------

  export(value: object, scope: ReferenceScope): OutgoingReference | undefined {
    const proxied = proxyTargetOf(value);
    if (proxied !== undefined && this.#isOfPeer(proxied)) return { kind: "home", id: proxied.uri };
    if (proxied === undefined && !this.#domain.travelsByReference(value)) return undefined;
    if (this.#link === undefined) throw new MarshalingFailure(value, this.#noWayBack());
    // A proxy of somebody else's object is lent like an object of ours: its calls are relayed.
    const lent = this.#objects.lend(value, {
      holder: this,
      // A lease belongs to whoever asked for it; another asks for it anew.
      shared: scope === "result" && !(value instanceof Lease),
      maxShared: this.#limits.maxReferencesLent,
      describe: this.#domain.describe,
    });
    this.#domain.marshaled(value, lent);
    if (isScoped(value)) return { kind: "scoped", id: lent.id };
    // Of somebody else's well-known object the receiver is told where it is: it may be its own.
    const origin = proxied?.owner === undefined && proxied?.endpoint !== undefined ? proxied.url : undefined;
    const { id, typeName } = lent;
    return { kind: "export", reference: { id, typeName, origin } };
  }

  /** Whether a proxy stands for an object of the peer's, over this connection or an earlier one. */
  #isOfPeer({ owner, endpoint }: ProxyTarget): boolean {
    return owner === this || (this.#sender !== undefined && endpoint === this.url);
  }

  unexport(id: string): void {
    this.#objects.release(id, this, 1);
  }

  home(id: string): unknown {
    if (!isObjectId(id)) return this.wellKnown(id);
    const lent = this.#objects.find(id, this);
    if (lent === undefined || allPermit(lent.rules, this.#peer.principal)) return lent?.object;
    return this.#guardedProxy(lent);
  }

  /** What stands for a lent object that the peer has passed, and with which it may not do everything itself. */
  #guardedProxy(lent: LentObject): object {
    let proxy = this.#guarded?.get(lent)?.deref();
    if (proxy === undefined) {
      const { authorization } = this.#domain;
      const resolve = (id: string, method: string) =>
        method === lifetimeMethod
          ? this.resolve("call", id, method)
          : authorization.guard(methodOf(lent, method), this.#peer);
      proxy = this.#domain.createProxy(new LocalTarget(lent.id, this.#peer, resolve));
      this.#guarded ??= new WeakMap();
      this.#guarded.set(lent, new WeakRef(proxy));
    }
    return proxy;
  }

  /** A well-known object of this domain that the peer has passed, or what stands for it; `undefined` if there is none. */
  wellKnown(uri: string): object | undefined {
    const { services } = this.#domain;
    if (!services.has(uri)) return undefined;
    const service = services.service(uri);
    // What the peer might not do itself, it must not have done by passing the object.
    const isOpen = this.#domain.authorization.letsDoAll(rulesOf(service.targets.values()), this.#peer);
    const object = isOpen ? objectOf(service) : undefined;
    if (object !== undefined) return object;
    let proxy = this.#homeward?.get(uri)?.deref();
    if (proxy === undefined) {
      const resolve = (target: string, method: string) => this.resolve("call", target, method);
      proxy = this.#domain.createProxy(new LocalTarget(uri, this.#peer, resolve));
      this.#homeward ??= new Map();
      this.#homeward.set(uri, new WeakRef(proxy));
    }
    return proxy;
  }

  released(id: string, count: number): void {
    this.#objects.release(id, this, count);
  }

  get holdsReferences(): boolean {
    return this.#objects.isHolder(this);
  }

  get borrowsReferences(): boolean {
    return this.borrowedReferences > 0;
  }

  /** Whoever gives a reference has to be called, and told when it is no longer held. */
  #noWayBack(): string {
    return `travels by reference, and ${this.url} has no way back`;
  }

  import(reference: ObjRef): unknown {
    const imported = this.#import(reference, false);
    if (reference.origin !== undefined) {
      // With a shorter way nobody holds the import, which is released when it was collected.
      const nearer = this.#domain.shortcut(reference.origin, reference.typeName, this);
      if (nearer !== undefined) return nearer;
    }
    return this.#proxyOf(imported);
  }

  importScoped(id: string): unknown {
    return this.#proxyOf(this.#import({ id, typeName: undefined }, true));
  }

  #import(reference: ObjRef, scoped: boolean): PeerReference {
    if (this.#link === undefined) throw new SerializationError(`A reference ${this.#noWayBack()}`);
    this.#imported ??= new ImportedReferences(
      (id, count) => this.#link?.release(id, count),
      this.#limits.maxReferencesTaken,
    );
    return this.#imported.import(reference.id, scoped, () => new PeerReference(this, reference));
  }

  #proxyOf(imported: PeerReference): object {
    let proxy = imported.proxy?.deref();
    if (proxy === undefined) {
      proxy = this.#domain.createProxy(imported);
      imported.proxy = new WeakRef(proxy);
      this.#domain.unmarshaled(proxy, imported);
    }
    return proxy;
  }

  unimport(id: string): void {
    this.#imported?.forget(id, 1)?.end("came with a call that is over");
  }

  refuse(id: string): void {
    this.#link?.release(id, 1);
  }

  /** Lets go of a reference that the peer has given. */
  releaseImported(id: string): void {
    this.#imported?.release(id);
  }

  exportSignal(signal: AbortSignal): number {
    if (this.#link === undefined) throw new MarshalingFailure(signal, this.#noWayBack());
    return this.#signalTable().export(signal);
  }

  importSignal(id: number): AbortController {
    if (this.#link === undefined) throw new SerializationError(`A signal ${this.#noWayBack()}`);
    return this.#signalTable().import(id);
  }

  #signalTable(): Signals {
    this.#signals ??= new Signals(
      (id, aborted) => this.#link?.changeSignal(id, aborted),
      this.#limits.maxReferencesTaken,
    );
    return this.#signals;
  }

  signalChanged(id: number, aborted: boolean): void {
    // An abort may come before the call that brings the signal, and has to be remembered.
    if (aborted || this.#signals !== undefined) this.#signalTable().changed(id, aborted);
  }

  /**
   * Calls an object that the peer has lent. A client's endpoint can be dialled again, and an object that was
   * returned is still there for a while; what a client has lent is gone with its connection.
   */
  send(call: MethodCall, receiver?: ContextReceiver): Promise<unknown> {
    if (this.#sender !== undefined) return this.#sender.send(call, receiver);
    if (this.#end !== undefined || this.#link === undefined) {
      return Promise.reject(
        new ObjectDisconnectedError(`The connection to ${this.url} over which the object was lent is closed`),
      );
    }
    return this.#link.send(call, receiver);
  }

  get outgoingCalls(): number {
    return this.#link?.outgoingCalls ?? 0;
  }

  get incomingCalls(): number {
    return this.#link?.incomingCalls ?? 0;
  }

  get borrowedReferences(): number {
    return this.#imported?.size ?? 0;
  }

  closed(error: Error | undefined): void {
    this.#domain.peers.delete(this);
    this.#end = { error };
    this.#imported?.clear();
    this.#objects.lose(this);
    this.#signals?.close(error);
    for (const listener of this.#closeListeners ?? []) listener(error);
    this.#closeListeners = undefined;
  }
}

/** Whether a target is an object that was lent, and not a published URI. */
function isObjectId(target: string): boolean {
  return target.startsWith("~");
}

function methodOf(lent: LentObject, method: string): CallTarget {
  const found = lent.targetOf(method);
  if (found === undefined) throw methodNotFound(lent.typeName ?? "a function", method);
  return found;
}

/** The one object of a service, made now if that takes no time. One that cannot be made is an error only when it is called. */
function objectOf(service: WellKnownService): object | undefined {
  try {
    const object = service.activate();
    if (!(object instanceof Promise)) return object;
    object.catch(() => {});
  } catch {}
  return undefined;
}

function lifetimeTarget(leaseOf: () => Lease | null | Promise<Lease | null>): CallTarget {
  return { oneWay: false, cacheable: false, invoke: leaseOf };
}
