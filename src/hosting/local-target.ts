/**
 * An object of this domain, for a peer that has passed a proxy of it: where there is no one object to hand to the method
 * (each call has one of its own, or it was not made yet), or the peer may not do everything with it itself.
 */
import type { CallTarget, IncomingCall, TargetAccess } from "../channels/call-dispatcher.ts";
import { AbortError } from "../errors.ts";
import type { MethodCall } from "../messages/method-call.ts";
import type { PeerInfo } from "../messages/peer-info.ts";
import type { ProxyTarget } from "../proxies/proxy-target.ts";

/** Finds what a call names, as for a call of the peer's. */
export type ResolveCall = (target: string, method: string) => CallTarget;

/** See the head of this file. */
export class LocalTarget implements ProxyTarget {
  readonly uri: string;
  readonly url: string;
  /** No more is known of it, and no more is needed: any method can be tried. */
  readonly typeName = "Object";
  readonly endpoint = undefined;
  readonly owner = undefined;
  readonly #peer: PeerInfo;
  readonly #resolve: ResolveCall;

  /** @param peer On whose behalf it is called. */
  constructor(uri: string, peer: PeerInfo, resolve: ResolveCall) {
    this.uri = uri;
    this.url = `${peer.url}/${uri}`;
    this.#peer = peer;
    this.#resolve = resolve;
  }

  accessTo(method: string): TargetAccess | undefined {
    return this.#resolve(this.uri, method).access;
  }

  async send({ kind, target, method, args, oneWay, options }: MethodCall): Promise<unknown> {
    const { timeout = 0, signal } = options;
    if (signal?.aborted) throw new AbortError(undefined, { cause: signal.reason });
    const call: IncomingCall = {
      kind,
      target,
      method,
      oneWay,
      timeout,
      deadline: timeout > 0 ? performance.now() + timeout : Number.POSITIVE_INFINITY,
      peer: this.#peer,
      flow: undefined,
      signal: signal ?? new AbortController().signal,
      methodReached: true,
      onCompleted: undefined,
    };
    const found = this.#resolve(target, method);
    await found.authorize?.(call);
    try {
      return await found.invoke(args, call);
    } finally {
      call.onCompleted?.();
    }
  }

  /** There is no connection that could be lost. */
  async whenDisconnected(): Promise<undefined> {}

  release(): void {}
}
