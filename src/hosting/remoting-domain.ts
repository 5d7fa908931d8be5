/**
 * One side of a remoting boundary: its channels, what it has published, the objects it has lent out, and the
 * connections it has open. Two domains in one process are as far apart as two processes.
 */
import { EventEmitter } from "node:events";
import { dispose } from "../activation/disposal.ts";
import { createMethodTable } from "../activation/remote-method.ts";
import { ServiceTable } from "../activation/service-table.ts";
import { PublishedObject, SingleCallService, SingletonService } from "../activation/well-known-service.ts";
import type { Channel, ChannelHost, ChannelListener, ChannelSender, PeerInfo } from "../channels/channel.ts";
import { parseChannelUrl } from "../channels/channel-url.ts";
import { defaultPayloadLimits } from "../channels/formatter.ts";
import type { AbstractClass, AnyClass, Class } from "../contract/class.ts";
import { MarshalByRefObject } from "../contract/marshal-by-ref-object.ts";
import { checkObjectUri } from "../contract/object-uri.ts";
import type { ConstructorArguments, Remote } from "../contract/remote.ts";
import type { RemoteReference } from "../contract/remote-reference.ts";
import {
  describeType,
  type Exposure,
  type MethodOptions,
  type ServiceType,
} from "../contract/service-type.ts";
import { RemotingError } from "../errors.ts";
import { ObjectTable } from "../lifetime/object-table.ts";
import type { CallOptions, MethodCall } from "../messages/method-call.ts";
import { ProxyFactory, type ProxyKind, proxyTargetOf } from "../proxies/proxy-factory.ts";
import type { ProxyTarget } from "../proxies/proxy-target.ts";
import { checkCapabilities } from "./capability-check.ts";
import { createConfiguredChannel, memoryChannel, tcpChannel } from "./channel-factories.ts";
import { type RemotingConfiguration, readConfiguration } from "./configuration.ts";
import { DomainPeer } from "./domain-peer.ts";
import { ObjectDescriber } from "./object-description.ts";
import { ServiceHost } from "./service-host.ts";

/** What a domain can be told. */
export interface RemotingDomainOptions {
  /**
   * Milliseconds a call may take when it does not say; 0 for no limit. Default 30,000: long enough for any healthy
   * call, short enough that a lost one is noticed the same minute.
   */
  readonly defaultTimeout?: number;
  /**
   * What of a class can be called: every public method, or only what is marked `@Remote()`. Default
   * `"public"`, as in .NET Remoting.
   */
  readonly exposure?: Exposure;
  /** Milliseconds that {@link RemotingDomain.close} lets calls under way finish. Default 5,000. */
  readonly closeGrace?: number;
}

/** How a type is registered. */
export interface RegisterOptions {
  /** Where it is published, or the name under which it is activated. Default: what its decorator says. */
  readonly uri?: string;
  /** Options of methods, for contracts that cannot be decorated. */
  readonly methods?: Readonly<Record<string, MethodOptions>>;
}

/** A published object as others can be told of it (System.Runtime.Remoting.ObjRef). Plain data: it can be stored and mailed. */
export interface MarshaledObject {
  readonly uri: string;
  readonly typeName: string;
  /** Where it can be reached: one for each address that the domain listens on. */
  readonly urls: readonly string[];
}

/** What a domain tells those who listen. */
export interface RemotingDomainEvents {
  /** A connection was opened, by either side. */
  connected: [peer: PeerInfo];
  /** A connection has ended; `error` is missing if it ended in good order. */
  disconnected: [peer: PeerInfo, error: Error | undefined];
  /** A peer takes no new calls. */
  draining: [peer: PeerInfo];
  /**
   * An error that no call could report: of a one-way call, of a callback whose result nobody looked at, of a peer
   * that broke the protocol. With no listener it becomes a process warning, so that it is not lost.
   */
  unobservedError: [error: unknown];
}

/** A class as `register` and `serve` take it: its activation comes from its decorator. */
export type RegisteredClass = Class<MarshalByRefObject>;

const activationMissing =
  "mark it @SingleCall(), @Singleton() or @ClientActivated(), or publish an object with marshal()";

/** See the head of this file. Most applications use the default domain's functions instead. */
export class RemotingDomain extends EventEmitter<RemotingDomainEvents> {
  readonly #options: Required<RemotingDomainOptions>;
  readonly #channels = new Map<string, Channel>();
  readonly #listeners = new Map<ChannelListener, Channel>();
  readonly #senders = new Map<string, ChannelSender>();
  readonly #senderChannels = new WeakMap<ChannelSender, Channel>();
  readonly #objects = new ObjectTable(() => performance.now());
  readonly #describer = new ObjectDescriber();
  readonly #services: ServiceTable;
  readonly #proxies = new ProxyFactory((error) => this.#unobserved(error));
  /** The contracts that this domain knows, by the name that references carry. */
  readonly #contracts = new Map<string, ServiceType>();
  readonly #host: ChannelHost;
  #configuration: RemotingConfiguration | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: RemotingDomainOptions = {}) {
    super();
    this.#options = { defaultTimeout: 30_000, exposure: "public", closeGrace: 5_000, ...options };
    this.#services = new ServiceTable((object) => {
      this.#objects.whenGone(
        object,
        () => void dispose(object).catch((error: unknown) => this.#unobserved(error)),
      );
    });
    this.#host = this.#createHost();
  }

  #createHost(): ChannelHost {
    const peerDomain = {
      services: this.#services,
      objects: this.#objects,
      maxDepth: defaultPayloadLimits.maxDepth,
      travelsByReference: (value: object) =>
        value instanceof MarshalByRefObject || typeof value === "function",
      describe: (object: object) => this.#describe(object),
      createProxy: (target: ProxyTarget) => this.#createReferenceProxy(target),
    };
    return {
      defaultTimeout: this.#options.defaultTimeout,
      openPeer: (peer, link, sender) => new DomainPeer(peerDomain, peer.url, link, sender),
      events: {
        connected: (peer) => void this.emit("connected", peer),
        disconnected: (peer, error) => void this.emit("disconnected", peer, error),
        draining: (peer) => void this.emit("draining", peer),
        unobservedError: (error) => this.#unobserved(error),
      },
    };
  }

  #unobserved(error: unknown): void {
    if (this.emit("unobservedError", error)) return;
    process.emitWarning(error instanceof Error ? error : String(error), {
      code: "REMOTING_UNOBSERVED_ERROR",
    });
  }

  /**
   * Takes channels and services from a file (RemotingConfiguration.Configure). Afterwards `serve(types)` and
   * `getObject(type)` need no URL.
   *
   * @param file Default `"remoting.json"` in the working directory.
   * @param environment Where `REMOTING_CHANNEL` and `REMOTING_CHANNEL_<NAME>` are looked up, which override URLs.
   * @throws TypeError that says what is wrong in the file and where; or if the domain was configured before.
   */
  async configure(file = "remoting.json", environment: NodeJS.ProcessEnv = process.env): Promise<void> {
    this.#assertOpen();
    if (this.#configuration !== undefined) throw new TypeError("The domain is configured already");
    const configuration = await readConfiguration(file, environment);
    for (const [name, channel] of configuration.channels) {
      this.registerChannel(createConfiguredChannel(name, channel));
    }
    this.#configuration = configuration;
  }

  /** What the configuration says of a type: the endpoint and URI of its service. */
  #configured(type: ServiceType): { readonly url: string; readonly uri: string | undefined } {
    const configuration = this.#configuration;
    const service = configuration?.services.get(type.name);
    const channel = service?.channel ?? configuration?.channels.keys().next().value;
    const url = channel === undefined ? undefined : configuration?.channels.get(channel)?.url;
    if (url === undefined) {
      throw new TypeError(
        `No URL was given for ${type.name}, and the domain is not configured: pass one, or call configure() first`,
      );
    }
    return { url, uri: service?.uri };
  }

  // --- channels -------------------------------------------------------------------------------------

  /**
   * Adds a channel (ChannelServices.RegisterChannel). The built-in channels need not be registered unless they are
   * to differ from their defaults.
   *
   * @throws TypeError if a channel of the same name is registered.
   */
  registerChannel(channel: Channel): void {
    this.#assertOpen();
    if (this.#channels.has(channel.name)) {
      throw new TypeError(
        `A channel named "${channel.name}" is registered already: give this one another name`,
      );
    }
    this.#channels.set(channel.name, channel);
  }

  /**
   * Removes a channel: stops what listens on it and closes its connections, as {@link close} does.
   *
   * @throws TypeError if no such channel is registered.
   */
  async unregisterChannel(channel: Channel | string): Promise<void> {
    const name = typeof channel === "string" ? channel : channel.name;
    const removed = this.#channels.get(name);
    if (removed === undefined) throw new TypeError(`No channel named "${name}" is registered`);
    this.#channels.delete(name);
    await this.#closeWhere((candidate) => candidate === removed);
  }

  /** The channels that are registered (ChannelServices.RegisteredChannels), those with the highest priority first. */
  get registeredChannels(): readonly Channel[] {
    return [...this.#channels.values()].sort((a, b) => b.priority - a.priority);
  }

  #channelFor(scheme: string): Channel {
    const registered = this.registeredChannels.find((channel) => channel.scheme === scheme);
    if (registered !== undefined) return registered;
    const channel = scheme === "tcp" ? tcpChannel() : scheme === "memory" ? memoryChannel() : undefined;
    if (channel === undefined) {
      const known = [
        ...new Set(["tcp", "memory", ...this.registeredChannels.map(({ scheme: other }) => other)]),
      ];
      throw new TypeError(
        `No channel serves ${scheme}:// (there are ${known.join(", ")}): register one with registerChannel()`,
      );
    }
    this.#channels.set(channel.name, channel);
    return channel;
  }

  #senderFor(endpoint: string): ChannelSender {
    this.#assertOpen();
    let sender = this.#senders.get(endpoint);
    if (sender === undefined) {
      const { scheme, address } = parseChannelUrl(endpoint);
      const channel = this.#channelFor(scheme);
      sender = channel.createSender(address, this.#host);
      this.#senders.set(endpoint, sender);
      this.#senderChannels.set(sender, channel);
    }
    return sender;
  }

  // --- serving --------------------------------------------------------------------------------------

  /**
   * Publishes classes and listens, in this order, so that nobody finds an empty server.
   *
   * @param urls Where to listen: `"tcp://127.0.0.1:6100"`; port 0 picks a free one, see `urls` of the result.
   * @param types What to publish: classes with an activation decorator.
   * @throws TypeError for a class that cannot be published or a URL that cannot be listened on; the system's error, in a
   *   `RemotingError`, if an address is taken. Nothing is listened on then.
   *
   * @example
   * ```ts
   * const host = await serve(["tcp://127.0.0.1:6100"], [Calculator, Counter]);
   * ```
   */
  serve(urls: string | readonly string[], types?: readonly RegisteredClass[]): Promise<ServiceHost>;
  /** The same, at the addresses and URIs that {@link configure} has read. */
  serve(types: readonly RegisteredClass[]): Promise<ServiceHost>;
  async serve(
    first: string | readonly string[] | readonly RegisteredClass[],
    second: readonly RegisteredClass[] = [],
  ): Promise<ServiceHost> {
    const { urls, types } = this.#whatToServe(first, second);
    for (const type of types) {
      const uri = this.#configuration?.services.get(type.name)?.uri;
      this.register(type, uri === undefined ? {} : { uri });
    }
    const listeners: ChannelListener[] = [];
    try {
      for (const url of urls) listeners.push(await this.#listen(url));
    } catch (error) {
      await Promise.all(listeners.map((listener) => this.#stop(listener)));
      throw error;
    }
    return new ServiceHost(
      listeners.map(({ url }) => url),
      () => Promise.all(listeners.map((listener) => this.#stop(listener))).then(() => {}),
    );
  }

  #whatToServe(
    first: string | readonly string[] | readonly RegisteredClass[],
    second: readonly RegisteredClass[],
  ): { readonly urls: readonly string[]; readonly types: readonly RegisteredClass[] } {
    if (typeof first === "string") return { urls: [first], types: second };
    const urls = first.filter((entry) => typeof entry === "string");
    if (urls.length > 0 || first.length === 0) return { urls, types: second };
    if (this.#configuration === undefined) {
      throw new TypeError(
        'serve needs an address, for example serve("tcp://127.0.0.1:6100", [Counter]), unless configure() was called',
      );
    }
    return {
      urls: [...this.#configuration.channels.values()].map(({ url }) => url),
      types: first.filter((entry) => typeof entry !== "string"),
    };
  }

  async #listen(url: string): Promise<ChannelListener> {
    this.#assertOpen();
    const { scheme, address, objectUri } = parseChannelUrl(url);
    if (objectUri !== "") throw new TypeError(`"${url}" names an object: listen on ${scheme}://${address}`);
    const channel = this.#channelFor(scheme);
    for (const type of this.#contracts.values()) checkCapabilities(type, channel);
    let listener: ChannelListener;
    try {
      listener = await channel.listen(address, this.#host);
    } catch (cause) {
      if (cause instanceof RemotingError || cause instanceof TypeError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new RemotingError(`Cannot listen on ${url}: ${reason}`, { cause });
    }
    this.#listeners.set(listener, channel);
    return listener;
  }

  async #stop(listener: ChannelListener): Promise<void> {
    this.#listeners.delete(listener);
    await listener.close(this.#options.closeGrace);
  }

  /**
   * Publishes a class at its URI, or allows clients to activate it (RegisterWellKnownServiceType,
   * RegisterActivatedServiceType).
   *
   * @param contract What callers see; may be abstract if an implementation is given.
   * @param implementation The class whose objects are made. Default: the contract itself.
   * @throws TypeError if the class is not remotable or its URI is taken.
   */
  register(type: RegisteredClass, options?: RegisterOptions): void;
  register<T extends MarshalByRefObject>(
    contract: AbstractClass<T>,
    implementation: new () => T,
    options?: RegisterOptions,
  ): void;
  register(contract: AnyClass, second?: Class<object> | RegisterOptions, third?: RegisterOptions): void {
    this.#assertOpen();
    const separate = typeof second === "function";
    const implementation = separate ? second : contract;
    const { uri, methods } = (separate ? third : second) ?? {};
    for (const type of [contract, implementation]) this.#checkRemotable(type);
    const described = describeType(contract, { exposure: this.#options.exposure });
    // Abstract methods leave no trace at run time: what can be called is what the implementation has.
    const callable = separate
      ? describeType(implementation, {
          exposure: this.#options.exposure,
          ...(methods === undefined ? {} : { methods }),
        })
      : describeType(contract, {
          exposure: this.#options.exposure,
          ...(methods === undefined ? {} : { methods }),
        });
    const type: ServiceType = {
      ...callable,
      name: described.name,
      mode: described.mode ?? callable.mode,
      uri: uri ?? described.uri ?? callable.uri,
    };
    if (type.mode === undefined)
      throw new TypeError(`${contract.name} cannot be registered: ${activationMissing}`);
    const published = checkObjectUri(type.uri ?? type.name, contract.name);
    for (const channel of this.#listeners.values()) checkCapabilities(type, channel);
    this.#publish(published, type, implementation as Class<object>);
    this.#contracts.set(type.name, type);
  }

  #publish(uri: string, type: ServiceType, implementation: Class<object>): void {
    const methods = createMethodTable(type, implementation);
    switch (type.mode) {
      case "SingleCall":
        this.#services.publish(
          uri,
          new SingleCallService(implementation, methods, (error) => this.#unobserved(error)),
        );
        break;
      case "Singleton":
        this.#services.publish(uri, new SingletonService(implementation, methods));
        break;
      default:
        this.#services.allowActivation(uri, implementation);
    }
  }

  #checkRemotable(type: AnyClass): void {
    if (typeof type !== "function" || !(type.prototype instanceof MarshalByRefObject)) {
      const name = typeof type === "function" ? type.name : String(type);
      throw new TypeError(`${name} is not remotable: it must extend MarshalByRefObject`);
    }
  }

  #describeClassOf(object: object): ServiceType {
    const type = object.constructor as AnyClass;
    return describeType(type, { exposure: this.#options.exposure });
  }

  /**
   * Publishes an object (RemotingServices.Marshal).
   *
   * @param object An object of a class that extends `MarshalByRefObject`.
   * @param uri Where. Default: an id that cannot be guessed, so that only those can call it who are told.
   * @returns How others can reach it. It stays until {@link disconnect}.
   */
  marshal(object: MarshalByRefObject, uri?: string): MarshaledObject {
    this.#assertOpen();
    this.#checkRemotable(object?.constructor as AnyClass);
    const type = this.#describeClassOf(object);
    let published = uri;
    if (published === undefined) {
      published = this.#objects.publish(object, (described) => this.#describe(described)).id;
    } else {
      checkObjectUri(published, type.name);
      const methods = createMethodTable(type, object.constructor as AnyClass);
      this.#services.publish(published, new PublishedObject(object, methods));
    }
    return {
      uri: published,
      typeName: type.name,
      urls: [...this.#listeners.keys()].map((listener) => `${listener.url}/${published}`),
    };
  }

  /**
   * The proxy of an object that another domain has published with {@link marshal} (RemotingServices.Unmarshal).
   *
   * @throws TypeError if none of its URLs has a scheme that this domain serves.
   */
  unmarshal<T extends MarshalByRefObject>(reference: MarshaledObject, type?: AbstractClass<T>): Remote<T> {
    const url = reference.urls[0];
    if (url === undefined)
      throw new TypeError(`${reference.typeName} was marshaled by a domain that listens nowhere`);
    const proxy: object = type === undefined ? this.#connect(url, undefined) : this.#connect(url, type);
    return proxy as Remote<T>;
  }

  /**
   * Makes an object or a URI unreachable (RemotingServices.Disconnect). Calls under way finish.
   *
   * @returns Whether it was reachable.
   */
  disconnect(target: MarshalByRefObject | string): boolean {
    if (typeof target === "string") return this.#services.withdraw(target);
    const uris = [...this.#services.entries()]
      .filter(([, { object }]) => object === target)
      .map(([uri]) => uri);
    for (const uri of uris) this.#services.withdraw(uri);
    return this.#objects.disconnect(target) || uris.length > 0;
  }

  /** The URI of a published object, or of the object behind a proxy (RemotingServices.GetObjectUri); `undefined` if it has none. */
  getObjectUri(object: object): string | undefined {
    const target = proxyTargetOf(object);
    if (target !== undefined) return target.uri;
    for (const [uri, service] of this.#services.entries()) if (service.object === object) return uri;
    return this.#objects.idOf(object);
  }

  // --- calling --------------------------------------------------------------------------------------

  /**
   * The proxy of a well-known object (Activator.GetObject). Connects with the first call.
   *
   * @param type The contract, from which the methods are known. Without it, as with `import type`, any method is passed on.
   * @param url `scheme://address/uri`. With a type, the URI may be left out: then it is the type's own. Default: what
   *   {@link configure} has read.
   *
   * @example
   * ```ts
   * const counter = getObject(Counter, "tcp://127.0.0.1:6100/Counter");
   * await counter.increment();
   * ```
   */
  getObject<T extends MarshalByRefObject>(type: AbstractClass<T>, url?: string): Remote<T>;
  getObject<T extends MarshalByRefObject = never>(url: [T] extends [never] ? never : string): Remote<T>;
  getObject(first: AnyClass | string, second?: string): object {
    if (typeof first === "string") return this.#connect(first, undefined);
    if (second !== undefined) return this.#connect(second, first);
    const { url, uri } = this.#configured(this.#contract(first));
    return this.#connect(uri === undefined ? url : `${url}/${uri}`, first);
  }

  #connect(url: string, type: AnyClass | undefined): object {
    const { endpoint, scheme, objectUri } = parseChannelUrl(url);
    const described = type === undefined ? undefined : this.#contract(type);
    const uri = objectUri === "" ? described?.uri : objectUri;
    if (uri === undefined) throw new TypeError(`"${url}" names no object: expected ${endpoint}/object`);
    if (described?.mode === "ClientActivated" && !uri.startsWith("~")) {
      throw new TypeError(
        `${described.name} is client-activated: use createInstance(${described.name}, "${endpoint}")`,
      );
    }
    if (described !== undefined) checkCapabilities(described, this.#channelFor(scheme));
    const sender = this.#senderFor(endpoint);
    const target: ProxyTarget = {
      uri,
      url: `${endpoint}/${uri}`,
      typeName: described?.name,
      owner: undefined,
      send: (call) => sender.send(call),
      whenDisconnected: () => sender.whenDisconnected(),
      release: () => {},
    };
    return this.#proxies.create(
      target,
      described === undefined ? { kind: "dynamic" } : { kind: "typed", type: described },
    );
  }

  #contract(type: AnyClass): ServiceType {
    this.#checkRemotable(type);
    const described = describeType(type, { exposure: this.#options.exposure });
    if (!this.#contracts.has(described.name)) this.#contracts.set(described.name, described);
    return described;
  }

  /**
   * Makes an object at a server, for this client alone (Activator.CreateInstance with a UrlAttribute). One round trip.
   *
   * @param url The server's endpoint, `scheme://address`.
   * @param args What the constructor, or the class's `static create`, takes.
   * @returns Its proxy. Dispose of it (`await using`) when it is no longer needed.
   */
  async createInstance<C extends Class<MarshalByRefObject>>(
    type: C,
    url: string,
    ...args: ConstructorArguments<C>
  ): Promise<Remote<InstanceType<C>>> {
    const { endpoint, objectUri } = parseChannelUrl(url);
    const { uri, name, mode } = this.#contract(type);
    if (mode !== undefined && mode !== "ClientActivated") {
      throw new TypeError(`${name} is a well-known object: use getObject(${name}, "${endpoint}/${uri}")`);
    }
    if (objectUri !== "")
      throw new TypeError(`"${url}" names an object: expected the server's endpoint, ${endpoint}`);
    const call: MethodCall = {
      kind: "construct",
      target: uri ?? name,
      method: "",
      args,
      oneWay: false,
      options: {},
    };
    const proxy = await this.#senderFor(endpoint).send(call);
    return proxy as Remote<InstanceType<C>>;
  }

  /**
   * The same remote object, seen with other call options; those that are not given stay as they are.
   *
   * @example
   * ```ts
   * await withOptions(counter, { timeout: 500, signal }).increment();
   * ```
   */
  withOptions<P extends RemoteReference>(proxy: P, options: CallOptions): P {
    const { timeout } = options;
    if (timeout !== undefined && !(timeout >= 0)) {
      throw new TypeError(`A timeout must be a number of milliseconds, or 0 for none, not ${timeout}`);
    }
    return this.#proxies.withOptions(proxy, options) as P;
  }

  /** Whether a value is a proxy of a remote object or function (RemotingServices.IsTransparentProxy). Sends nothing. */
  isProxy(value: unknown): boolean {
    return (
      ((typeof value === "object" && value !== null) || typeof value === "function") &&
      proxyTargetOf(value) !== undefined
    );
  }

  /**
   * Resolves, with the reason, when the connection is lost that a proxy is using now; at once if it uses none.
   *
   * @throws TypeError if it is not a proxy.
   */
  async whenDisconnected(proxy: RemoteReference): Promise<Error | undefined> {
    const target = proxyTargetOf(proxy);
    if (target === undefined) throw new TypeError("whenDisconnected takes a proxy, as getObject returns it");
    return target.whenDisconnected();
  }

  // --- what peers need ------------------------------------------------------------------------------

  #describe(object: object) {
    const proxied = proxyTargetOf(object);
    if (proxied !== undefined) return this.#describer.relay(proxied);
    if (typeof object === "function")
      return this.#describer.function((...args) => Reflect.apply(object, undefined, args));
    return this.#describer.object(object, this.#describeClassOf(object), object.constructor as AnyClass);
  }

  #createReferenceProxy(target: ProxyTarget): object {
    const { typeName } = target;
    let kind: ProxyKind = { kind: "function" };
    if (typeName !== undefined) {
      const type = this.#contracts.get(typeName);
      kind = type === undefined ? { kind: "dynamic" } : { kind: "typed", type };
    }
    return this.#proxies.create(target, kind);
  }

  // --- the end --------------------------------------------------------------------------------------

  #assertOpen(): void {
    if (this.#closed !== undefined) throw new RemotingError("The domain is closed");
  }

  async #closeWhere(matches: (channel: Channel) => boolean): Promise<void> {
    const grace = this.#options.closeGrace;
    const listeners = [...this.#listeners]
      .filter(([, channel]) => matches(channel))
      .map(([listener]) => listener);
    const senders = [...this.#senders].filter(([, sender]) => {
      const channel = this.#senderChannels.get(sender);
      return channel !== undefined && matches(channel);
    });
    for (const [endpoint] of senders) this.#senders.delete(endpoint);
    await Promise.all([
      ...listeners.map((listener) => this.#stop(listener)),
      ...senders.map(([, sender]) => sender.close(grace)),
    ]);
  }

  /**
   * Ends everything in good order: refuses new calls, lets those under way finish for `closeGrace`
   * milliseconds, then closes all connections and listeners. Safe to call twice.
   */
  close(): Promise<void> {
    this.#closed ??= this.#closeWhere(() => true).then(() => {
      this.#objects.clear();
      this.#channels.clear();
    });
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
