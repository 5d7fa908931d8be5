/** What a domain knows of the objects of others: the ways to them, and their proxies. */
import { sendInFlow } from "../channels/call-flow.ts";
import { parseChannelUrl } from "../channels/channel-url.ts";
import type { AnyClass } from "../contract/class.ts";
import type { ServiceType } from "../contract/service-type.ts";
import type { MethodCall } from "../messages/method-call.ts";
import type { ProxyFactory, ProxyKind } from "../proxies/proxy-factory.ts";
import type { ProxyTarget } from "../proxies/proxy-target.ts";
import { checkCapabilities, checkWithoutClass } from "./capability-check.ts";
import type { ChannelRegistry } from "./channel-registry.ts";
import type { Contracts } from "./contracts.ts";
import type { MarshaledObject } from "./domain-options.ts";
import { describeValue } from "./option-rules.ts";

/** See the head of this file. */
export class RemoteObjects {
  readonly #channels: ChannelRegistry;
  readonly #contracts: Contracts;
  readonly #proxies: ProxyFactory;

  constructor(channels: ChannelRegistry, contracts: Contracts, proxies: ProxyFactory) {
    this.#channels = channels;
    this.#contracts = contracts;
    this.#proxies = proxies;
  }

  /** The proxy of a well-known object at a URL. */
  connect(url: string, type: AnyClass | undefined): object {
    const { endpoint, scheme, objectUri } = parseChannelUrl(url);
    const described = type === undefined ? undefined : this.#contracts.learn(type);
    const uri = objectUri === "" ? described?.uri : objectUri;
    if (uri === undefined) {
      const reason =
        described === undefined
          ? ""
          : `, because ${described.name} has no @SingleCall or @Singleton that gives it one`;
      throw new TypeError(`"${url}" names no object: expected ${endpoint}/object${reason}`);
    }
    if (described?.mode === "ClientActivated" && !uri.startsWith("~")) {
      throw new TypeError(
        `${described.name} is client-activated: use createInstance(${described.name}, "${endpoint}")`,
      );
    }
    const channel = this.#channels.channelFor({ scheme, endpoint });
    const kind = kindOf(described);
    if (described !== undefined) checkCapabilities(described, channel);
    if (kind.kind === "dynamic") checkWithoutClass(`${endpoint}/${uri}`, channel);
    return this.#proxies.create(this.#wellKnown(endpoint, uri, described?.name), kind);
  }

  /** The proxy of a well-known object at a URL, whose type is known by its name or not at all. */
  connectAs(url: string, typeName: string | undefined): object {
    const { endpoint, objectUri } = parseChannelUrl(url);
    const type = typeName === undefined ? undefined : this.#contracts.named(typeName);
    return this.#proxies.create(this.#wellKnown(endpoint, objectUri, typeName), kindOf(type));
  }

  #wellKnown(endpoint: string, uri: string, typeName: string | undefined): ProxyTarget {
    const sender = this.#channels.senderFor(endpoint);
    return {
      uri,
      url: `${endpoint}/${uri}`,
      typeName,
      endpoint,
      owner: undefined,
      send: (call, receiver) => sender.send(call, receiver),
      whenDisconnected: () => sender.whenDisconnected(),
      release: () => {},
    };
  }

  /** The proxy of an object that another domain has published. */
  unmarshal(reference: MarshaledObject, type: AnyClass | undefined): object {
    checkMarshaled(reference);
    const { urls, typeName } = reference;
    const url = urls.find((candidate) => this.#channels.serves(parseChannelUrl(candidate).scheme));
    if (url !== undefined) return this.connect(url, type);
    const reason =
      urls.length === 0
        ? "was marshaled by a domain that listened nowhere"
        : `can be reached at ${urls.join(", ")}, for which there is no channel`;
    throw new TypeError(`${typeName} ${reason}`);
  }

  /** Has an object made at a server, and resolves to its proxy. */
  async create(type: AnyClass, url: string, args: readonly unknown[]): Promise<unknown> {
    const { endpoint, scheme, objectUri } = parseChannelUrl(url);
    const described = this.#contracts.learn(type);
    const { uri, name, mode } = described;
    if (mode !== undefined && mode !== "ClientActivated") {
      throw new TypeError(`${name} is a well-known object: use getObject(${name}, "${endpoint}/${uri}")`);
    }
    if (objectUri !== "")
      throw new TypeError(`"${url}" names an object: expected the server's endpoint, ${endpoint}`);
    const channel = this.#channels.channelFor({ scheme, endpoint });
    checkCapabilities({ ...described, mode: "ClientActivated" }, channel);
    const call: MethodCall = {
      kind: "construct",
      target: uri ?? name,
      method: "",
      args,
      oneWay: false,
      options: {},
    };
    return sendInFlow(this.#channels.senderFor(endpoint), call);
  }

  /** The proxy of an object or function that a peer has lent. */
  referenceProxy(target: ProxyTarget): object {
    const { typeName } = target;
    const kind: ProxyKind =
      typeName === undefined ? { kind: "function" } : kindOf(this.#contracts.named(typeName));
    return this.#proxies.create(target, kind);
  }
}

/** Checks what was stored or mailed meanwhile, and may have come back as something else. */
function checkMarshaled(reference: unknown): void {
  const example = "unmarshal takes what marshal has returned, { uri, typeName, urls }";
  if (typeof reference !== "object" || reference === null) {
    throw new TypeError(
      `${example}, not ${describeValue(reference)}: for a URL use getObject, for a text that holds it JSON.parse`,
    );
  }
  const { uri, typeName, urls }: Readonly<Record<keyof MarshaledObject, unknown>> = Object(reference);
  for (const [name, value] of Object.entries({ uri, typeName })) {
    if (typeof value !== "string") {
      throw new TypeError(`${example}: ${name} must be a string, not ${describeValue(value)}`);
    }
  }
  if (!Array.isArray(urls) || !urls.every((url) => typeof url === "string")) {
    throw new TypeError(`${example}: urls must be a list of URLs, not ${describeValue(urls)}`);
  }
}

/**
 * Which kind of proxy stands for objects of a type. One without activation may be an abstract contract, whose methods
 * leave no trace at run time: then the server knows them, and any name is passed on.
 */
function kindOf(type: ServiceType | undefined): ProxyKind {
  return type?.mode === undefined ? { kind: "dynamic" } : { kind: "typed", type };
}
