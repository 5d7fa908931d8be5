/**
 * Finds shorter ways to well-known objects whose proxies were passed by somebody between: to the domain's own objects, and
 * to endpoints that it may dial. No other URL of a peer's is ever dialled.
 */
import type { ServiceTable } from "../activation/service-table.ts";
import { parseChannelUrl } from "../channels/channel-url.ts";
import type { ChannelRegistry } from "./channel-registry.ts";
import type { RemoteObjects } from "./remote-objects.ts";

/** The peer that has passed a proxy. */
export interface PassingPeer {
  /** A well-known object of this domain, or what stands for it where the peer may not do everything with it. */
  wellKnown(uri: string): object | undefined;
}

/** See the head of this file. */
export class Shortcuts {
  readonly #channels: Pick<ChannelRegistry, "listenerUrls">;
  readonly #services: ServiceTable;
  readonly #remote: Pick<RemoteObjects, "connectAs">;
  readonly #dialable: ReadonlySet<string>;
  /** The proxies of what was dialled: the same one as long as somebody holds it. */
  readonly #proxies = new Map<string, WeakRef<object>>();
  readonly #collected = new FinalizationRegistry<string>((url) => {
    if (this.#proxies.get(url)?.deref() === undefined) this.#proxies.delete(url);
  });

  /**
   * @param dialable Endpoints that may be dialled when a peer names them.
   * @throws TypeError if one is none.
   */
  constructor(
    channels: Pick<ChannelRegistry, "listenerUrls">,
    services: ServiceTable,
    remote: Pick<RemoteObjects, "connectAs">,
    dialable: readonly string[],
  ) {
    this.#channels = channels;
    this.#services = services;
    this.#remote = remote;
    this.#dialable = new Set(dialable.map(endpointOf));
  }

  /** The object at a URL, or a proxy that goes there directly; `undefined` if the way over the peer is the only one. */
  find(origin: string, typeName: string | undefined, peer: PassingPeer): object | undefined {
    let endpoint: string;
    let objectUri: string;
    try {
      ({ endpoint, objectUri } = parseChannelUrl(origin));
    } catch {
      return undefined;
    }
    if (objectUri === "" || objectUri.startsWith("~")) return undefined;
    if (this.#channels.listenerUrls.includes(endpoint) && this.#services.has(objectUri)) {
      return peer.wellKnown(objectUri);
    }
    return this.#dialable.has(endpoint) ? this.#dialed(`${endpoint}/${objectUri}`, typeName) : undefined;
  }

  #dialed(url: string, typeName: string | undefined): object {
    let proxy = this.#proxies.get(url)?.deref();
    if (proxy === undefined) {
      proxy = this.#remote.connectAs(url, typeName);
      this.#proxies.set(url, new WeakRef(proxy));
      this.#collected.register(proxy, url);
    }
    return proxy;
  }
}

function endpointOf(url: string): string {
  const { endpoint, objectUri } = parseChannelUrl(url);
  if (objectUri === "") return endpoint;
  throw new TypeError(`dialable takes endpoints, and "${url}" names an object: expected ${endpoint}`);
}
