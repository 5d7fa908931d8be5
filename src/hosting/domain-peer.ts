/** The domain as one peer sees it: what was lent to that peer, what the peer has lent, and the calls between. */

import { methodNotFound } from "../activation/service-table.ts";
import type { CallDispatcher, CallTarget } from "../channels/call-dispatcher.ts";
import type { ChannelSender, PeerConversation } from "../channels/channel.ts";
import { defaultPeerLimits, type PeerHost, type PeerLink } from "../channels/peer-host.ts";
import { ObjectDisconnectedError, SerializationError } from "../errors.ts";
import type { ObjectTable } from "../lifetime/object-table.ts";
import { ImportedReferences } from "../marshaling/imported-references.ts";
import { Marshaler } from "../marshaling/marshaler.ts";
import type { ObjRef } from "../marshaling/obj-ref.ts";
import type { OutgoingReference, ReferenceHost, ReferenceScope } from "../marshaling/reference-host.ts";
import { Signals } from "../marshaling/signals.ts";
import type { MethodCall } from "../messages/method-call.ts";
import { proxyTargetOf } from "../proxies/proxy-factory.ts";
import type { ProxyTarget } from "../proxies/proxy-target.ts";
import type { PeerDomain } from "./peer-domain.ts";

/** A reference that the peer has given. */
class PeerReference implements ProxyTarget {
  readonly uri: string;
  readonly typeName: string | undefined;
  readonly url: string;
  readonly owner: DomainPeer;
  /** The proxy that stands for it, made anew if the last one was collected. */
  proxy: WeakRef<object> | undefined;
  #released = false;

  constructor(owner: DomainPeer, { id, typeName }: ObjRef, url: string) {
    this.owner = owner;
    this.uri = id;
    this.typeName = typeName;
    this.url = url;
  }

  send(call: MethodCall): Promise<unknown> {
    if (this.#released) {
      return Promise.reject(new ObjectDisconnectedError(`${this.url} was disposed of by this side`));
    }
    return this.owner.send(call);
  }

  whenDisconnected(): Promise<Error | undefined> {
    return this.owner.whenClosed();
  }

  release(): void {
    this.#released = true;
    this.owner.releaseImported(this.uri);
  }
}

/** See the head of this file. */
export class DomainPeer implements PeerHost, ReferenceHost, CallDispatcher {
  readonly dispatcher: CallDispatcher = this;
  readonly marshaler: Marshaler;
  readonly #domain: PeerDomain;
  readonly #objects: ObjectTable;

  readonly #url: string;
  readonly #link: PeerLink | undefined;
  readonly #sender: Pick<ChannelSender, "send"> | undefined;
  // Made when the first reference or signal passes: most conversations have none, and an idle one should be small.
  #imported: ImportedReferences<PeerReference> | undefined;
  #signals: Signals | undefined;
  #closeListeners: ((error: Error | undefined) => void)[] | undefined;
  #isClosed = false;
  #error: Error | undefined;

  constructor(domain: PeerDomain, { peer, link, sender, limits = defaultPeerLimits }: PeerConversation) {
    this.#domain = domain;
    this.#objects = domain.objects;

    this.#url = peer.url;
    this.#link = link;
    this.#sender = sender;
    this.marshaler = new Marshaler(this, limits.maxDepth);
  }

  /** Resolves when the conversation is over, with the error if it did not end in good order. */
  whenClosed(): Promise<Error | undefined> {
    if (this.#isClosed) return Promise.resolve(this.#error);
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
    if (kind === "construct") return this.#domain.services.resolveConstruction(target);
    if (!target.startsWith("~")) return this.#domain.services.resolveCall(target, method);
    const lent = this.#objects.find(target, this);
    if (lent === undefined) {
      throw new ObjectDisconnectedError(
        "The object is not there: it was disposed of or disconnected, its time ran out, or its process was restarted",
      );
    }
    const found = lent.targetOf(method);
    if (found === undefined) throw methodNotFound(lent.typeName ?? "a function", method);
    return found;
  }

  // --- references -----------------------------------------------------------------------------------

  export(value: object, scope: ReferenceScope): OutgoingReference | undefined {
    const proxied = proxyTargetOf(value);
    if (proxied?.owner === this) return { kind: "home", id: proxied.uri };
    if (proxied === undefined && !this.#domain.travelsByReference(value)) return undefined;
    if (this.#link === undefined) {
      throw new SerializationError(
        `${this.#url} has no way back, so nothing can travel by reference over it`,
      );
    }
    // A proxy of somebody else's object is lent like an object of ours: its calls are relayed.
    const lent = this.#objects.lend(value, this, scope === "result", (object) =>
      this.#domain.describe(object),
    );
    return { kind: "export", reference: lent };
  }

  unexport(id: string): void {
    this.#objects.release(id, this, 1);
  }

  home(id: string): unknown {
    return this.#objects.find(id, this)?.object;
  }

  released(id: string, count: number): void {
    this.#objects.release(id, this, count);
  }

  get holdsReferences(): boolean {
    return this.#objects.isHolder(this);
  }

  get borrowsReferences(): boolean {
    return (this.#imported?.size ?? 0) > 0;
  }

  import(reference: ObjRef): unknown {
    this.#imported ??= new ImportedReferences((id, count) => this.#link?.release(id, count));
    const imported = this.#imported.import(
      reference.id,
      () => new PeerReference(this, reference, `${this.#url}/${reference.id}`),
    );
    let proxy = imported.proxy?.deref();
    if (proxy === undefined) {
      proxy = this.#domain.createProxy(imported);
      imported.proxy = new WeakRef(proxy);
    }
    return proxy;
  }

  /** Lets go of a reference that the peer has given. */
  releaseImported(id: string): void {
    this.#imported?.release(id);
  }

  exportSignal(signal: AbortSignal): number {
    return this.#signalTable().export(signal);
  }

  importSignal(id: number): AbortController {
    return this.#signalTable().import(id);
  }

  #signalTable(): Signals {
    this.#signals ??= new Signals((id, aborted) => this.#link?.changeSignal(id, aborted));
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
  send(call: MethodCall): Promise<unknown> {
    if (this.#sender !== undefined) return this.#sender.send(call);
    if (this.#isClosed || this.#link === undefined) {
      return Promise.reject(
        new ObjectDisconnectedError(
          `The connection to ${this.#url} over which the object was lent is closed`,
        ),
      );
    }
    return this.#link.send(call);
  }

  closed(error: Error | undefined): void {
    this.#isClosed = true;
    this.#error = error;
    this.#imported?.clear();
    this.#objects.lose(this);
    this.#signals?.close(error);
    for (const listener of this.#closeListeners ?? []) listener(error);
    this.#closeListeners = undefined;
  }
}
