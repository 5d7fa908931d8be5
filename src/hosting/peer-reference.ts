/** What stands for an object or function that a peer has given: the way to it, shared by its proxies. */
import { ObjectDisconnectedError } from "../errors.ts";
import type { ObjRef } from "../marshaling/obj-ref.ts";
import type { ContextReceiver } from "../messages/logical-data.ts";
import type { MethodCall } from "../messages/method-call.ts";
import type { ProxyTarget } from "../proxies/proxy-target.ts";

/** The conversation in which it was given. */
export interface ReferenceOwner {
  /** How the peer is called in messages to people. */
  readonly url: string;
  /** Where the peer can be dialled again, if it can. */
  readonly endpoint: string | undefined;
  send(call: MethodCall, receiver?: ContextReceiver): Promise<unknown>;
  whenClosed(): Promise<Error | undefined>;
  /** Tells the peer that its reference is no longer held. */
  releaseImported(id: string): void;
}

/** See the head of this file. */
export class PeerReference implements ProxyTarget {
  readonly uri: string;
  readonly typeName: string | undefined;
  readonly url: string;
  readonly endpoint: string | undefined;
  readonly owner: ReferenceOwner;
  /** The proxy that stands for it, made anew if the last one was collected. */
  proxy: WeakRef<object> | undefined;
  #ended: string | undefined;

  constructor(owner: ReferenceOwner, { id, typeName }: ObjRef) {
    this.owner = owner;
    this.uri = id;
    this.typeName = typeName;
    this.url = `${owner.url}/${id}`;
    this.endpoint = owner.endpoint;
  }

  send(call: MethodCall, receiver?: ContextReceiver): Promise<unknown> {
    if (this.#ended === undefined) return this.owner.send(call, receiver);
    return Promise.reject(new ObjectDisconnectedError(`${this.owner.url}: the object ${this.#ended}`));
  }

  whenDisconnected(): Promise<Error | undefined> {
    return this.owner.whenClosed();
  }

  release(): void {
    this.end("was disposed of by this side");
    this.owner.releaseImported(this.uri);
  }

  /** It is over, for a reason that completes "the object …". */
  end(reason: string): void {
    this.#ended ??= reason;
  }
}
