/**
 * One side of a remoting boundary: its channels, what it has published, the objects it has lent out, and the
 * connections it has open. Two domains in one process are as far apart as two processes.
 */
import { EventEmitter } from "node:events";
import { dispose } from "../activation/disposal.ts";
import { ServiceTable } from "../activation/service-table.ts";
import type { Channel, ChannelHost, ChannelListener } from "../channels/channel.ts";
import { MemoryBudget } from "../channels/memory-budget.ts";
import type { AbstractClass, AnyClass, Class } from "../contract/class.ts";
import { MarshalByRefObject } from "../contract/marshal-by-ref-object.ts";
import type { ConstructorArguments, Remote } from "../contract/remote.ts";
import type { RemoteReference } from "../contract/remote-reference.ts";
import type { ServiceType } from "../contract/service-type.ts";
import { Lease } from "../lifetime/lease.ts";
import { ObjectTable } from "../lifetime/object-table.ts";
import type { ErrorOrigin } from "../messages/error-origin.ts";
import type { CallOptions } from "../messages/method-call.ts";
import { ProxyFactory, proxyTargetOf } from "../proxies/proxy-factory.ts";
import type { ProxyTarget } from "../proxies/proxy-target.ts";
import { checkLimits } from "../session/channel-limits.ts";
import { Authorization } from "./authorization.ts";
import { checkCallOptions } from "./call-option-rules.ts";
import { checkChannel } from "./channel-check.ts";
import { createConfiguredChannel } from "./channel-factories.ts";
import { ChannelRegistry } from "./channel-registry.ts";
import { securityKeys } from "./channel-security.ts";
import { type RemotingConfiguration, readConfiguration } from "./configuration.ts";
import { Contracts } from "./contracts.ts";
import { defaultDomainLimits } from "./domain-limits.ts";
import { checkDomainOptions } from "./domain-option-rules.ts";
import type {
  MarshaledObject,
  RegisteredClass,
  RegisterOptions,
  RemotingDomainEvents,
  RemotingDomainOptions,
} from "./domain-options.ts";
import { DomainPeer } from "./domain-peer.ts";
import { type CountedPeer, type DomainStatistics, sumOfPeers } from "./domain-statistics.ts";
import { leaseTypeName, requestLease } from "./lifetime-call.ts";
import { LifetimeServices } from "./lifetime-services.ts";
import { ObjectDescriber } from "./object-description.ts";
import type { PeerDomain } from "./peer-domain.ts";
import { Publications } from "./publications.ts";
import { checkRemotable } from "./remotable-class.ts";
import { RemoteObjects } from "./remote-objects.ts";
import { ServiceHost } from "./service-host.ts";
import { Shortcuts } from "./shortcuts.ts";
import { warnOfUnobserved } from "./unobserved-warning.ts";

/** Destructured and not spread: one that is `undefined` takes its default, too. */
function withDefaults({
  defaultTimeout = 30_000,
  inheritDeadline = true,
  exposure = "public",
  authorizer,
  customErrors = "remote-only",
  closeGrace = 5_000,
  limits = {},
  lifetime = "held",
  leases = {},
  dialable = [],
}: RemotingDomainOptions): Required<RemotingDomainOptions> {
  return {
    defaultTimeout,
    inheritDeadline,
    exposure,
    authorizer,
    customErrors,
    closeGrace,
    limits,
    lifetime,
    leases,
    dialable,
  };
}

/** Where to listen, and with which of the configured channels. */
interface PlaceToListen {
  readonly url: string;
  readonly channel?: string;
}

/** See the head of this file. Most applications use the default domain's functions instead. */
export class RemotingDomain extends EventEmitter<RemotingDomainEvents> {
  readonly #options: Required<RemotingDomainOptions>;
  readonly #lifetimes: LifetimeServices;
  readonly #channels: ChannelRegistry;
  readonly #contracts: Contracts;
  readonly #objects: ObjectTable;
  readonly #describer = new ObjectDescriber();
  readonly #services: ServiceTable;
  readonly #proxies = new ProxyFactory((error) => this.#unobserved(error));
  readonly #publications: Publications;
  readonly #remote: RemoteObjects;
  readonly #host: ChannelHost;
  readonly #peers = new Set<CountedPeer>();
  #connections = 0;
  readonly #shortcuts: Shortcuts;
  #configuration: RemotingConfiguration | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: RemotingDomainOptions = {}) {
    super();
    checkDomainOptions(options);
    this.#options = withDefaults(options);
    const { limits, lifetime, leases } = this.#options;
    checkLimits(limits, defaultDomainLimits);
    const unobserved = (error: unknown) => this.#unobserved(error);
    const disconnected = (object: object) => {
      if (this.listenerCount("objectDisconnected") > 0)
        this.#tell(() => this.emit("objectDisconnected", object));
    };
    this.#lifetimes = new LifetimeServices({ disconnected, unobserved }, lifetime, leases);
    this.#objects = new ObjectTable(this.#lifetimes, limits.maxObjects ?? defaultDomainLimits.maxObjects);
    this.#services = new ServiceTable({
      activated: (object) => {
        this.#objects.whenGone(object, () => void dispose(object).catch(unobserved));
      },
      handedOver: (object) => this.#objects.abandon(object),
    });
    this.#contracts = new Contracts(this.#options.exposure);
    this.#host = this.#createHost();
    this.#channels = new ChannelRegistry(this.#host, this.#options.closeGrace);
    this.#publications = new Publications({
      contracts: this.#contracts,
      services: this.#services,
      objects: this.#objects,
      channels: this.#channels,
      lifetimes: this.#lifetimes,
      describe: (object) => this.#describe(object),
      unobserved,
    });
    this.#remote = new RemoteObjects(this.#channels, this.#contracts, this.#proxies);
    this.#shortcuts = new Shortcuts(this.#channels, this.#services, this.#remote, this.#options.dialable);
  }

  #createHost(): ChannelHost {
    const peerDomain: PeerDomain = {
      peers: this.#peers,
      services: this.#services,
      objects: this.#objects,
      customErrors: this.#options.customErrors,
      authorization: new Authorization(this.#options.authorizer, (error) => this.#unobserved(error)),
      travelsByReference: (value: object) =>
        value instanceof MarshalByRefObject || typeof value === "function",
      describe: (object: object) => this.#describe(object),
      createProxy: (target: ProxyTarget) => this.#remote.referenceProxy(target),
      presentLease: (object) => this.#lifetimes.presentLease(object),
      shortcut: (origin, typeName, peer) => this.#shortcuts.find(origin, typeName, peer),
      marshaled: (object, { id, typeName }) => {
        if (this.listenerCount("objectMarshaled") > 0)
          this.#tell(() => this.emit("objectMarshaled", object, { uri: id, typeName }));
      },
      unmarshaled: (proxy, { uri, typeName }) => {
        if (this.listenerCount("objectUnmarshaled") > 0)
          this.#tell(() => this.emit("objectUnmarshaled", proxy, { uri, typeName }));
      },
    };
    const { maxTotalQueuedBytes, maxTotalReassemblyBytes } = {
      ...defaultDomainLimits,
      ...this.#options.limits,
    };
    return {
      defaultTimeout: this.#options.defaultTimeout,
      inheritsDeadline: this.#options.inheritDeadline,
      limits: this.#options.limits,
      budgets: {
        queued: new MemoryBudget(maxTotalQueuedBytes),
        incomplete: new MemoryBudget(maxTotalReassemblyBytes),
      },
      openPeer: (conversation) => new DomainPeer(peerDomain, conversation),
      events: {
        connected: (peer) => {
          this.#connections++;
          this.#tell(() => this.emit("connected", peer));
        },
        disconnected: (peer, error) => {
          this.#connections--;
          this.#tell(() => this.emit("disconnected", peer, error));
        },
        draining: (peer) => this.#tell(() => this.emit("draining", peer)),
        unobservedError: (error, origin) => this.#unobserved(error, origin),
      },
    };
  }

  /**
   * Tells listeners of an event. What one of them throws is an uncaught exception, as with any other emitter; but not
   * here, in the middle of a session's beginning or end, which has to come to its own end whatever a listener does.
   */
  #tell(emit: () => boolean): boolean {
    try {
      return emit();
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
      return true;
    }
  }

  #unobserved(error: unknown, origin: ErrorOrigin = {}): void {
    if (!this.#tell(() => this.emit("unobservedError", error, origin))) warnOfUnobserved(error, origin);
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
    this.#channels.assertOpen();
    if (this.#configuration !== undefined) throw new TypeError("The domain is configured already");
    const configuration = await readConfiguration(file, environment);
    for (const [name, channel] of configuration.channels) {
      const isSecured = securityKeys.some((key) => channel[key] !== undefined);
      this.#channels.registerAt(channel.url, createConfiguredChannel(name, channel), isSecured);
    }
    this.#lifetimes.configure(configuration.lifetime, this.#options.leases);
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
   * Adds a channel (ChannelServices.RegisterChannel). The built-in channels need not be registered unless they
   * are to differ from their defaults.
   *
   * @throws TypeError if a channel of the same name is registered, or it is none.
   */
  registerChannel(channel: Channel): void {
    checkChannel(channel);
    this.#channels.register(channel);
  }

  /**
   * Removes a channel: stops what listens on it and closes its connections, as {@link close} does.
   *
   * @throws TypeError if no such channel is registered.
   */
  async unregisterChannel(channel: Channel | string): Promise<void> {
    await this.#channels.unregister(typeof channel === "string" ? channel : channel.name);
  }

  /** The channels that are registered (ChannelServices.RegisteredChannels), those with the highest priority first. */
  get registeredChannels(): readonly Channel[] {
    return this.#channels.channels;
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
    const { places, types } = this.#whatToServe(first, second);
    for (const type of types) {
      checkRemotable(type, "serve");
      const uri = this.#configuration?.services.get(type.name)?.uri;
      this.register(type, uri === undefined ? {} : { uri });
    }
    const listeners: ChannelListener[] = [];
    const stop = async () => {
      await Promise.all(listeners.map((listener) => this.#channels.stop(listener)));
    };
    try {
      for (const place of places) listeners.push(await this.#listen(place));
    } catch (error) {
      await stop();
      throw error;
    }
    return new ServiceHost(
      listeners.map(({ url }) => url),
      stop,
    );
  }

  #whatToServe(
    first: string | readonly string[] | readonly RegisteredClass[],
    second: readonly RegisteredClass[],
  ): { readonly places: readonly PlaceToListen[]; readonly types: readonly RegisteredClass[] } {
    if (!Array.isArray(second)) {
      throw new TypeError("serve takes a list of classes: serve(url, [Counter])");
    }
    if (typeof first === "string") return { places: [{ url: first }], types: second };
    if (!Array.isArray(first)) {
      throw new TypeError('serve takes a URL or a list of URLs, for example "tcp://127.0.0.1:6100"');
    }
    const urls = first.filter((entry) => typeof entry === "string");
    if (urls.length > 0 || first.length === 0) return { places: urls.map((url) => ({ url })), types: second };
    if (this.#configuration === undefined) {
      throw new TypeError(
        'serve needs an address, for example serve("tcp://127.0.0.1:6100", [Counter]), unless configure() was called',
      );
    }
    return {
      places: [...this.#configuration.channels].map(([channel, { url }]) => ({ url, channel })),
      types: first.filter((entry) => typeof entry !== "string"),
    };
  }

  async #listen({ url, channel: name }: PlaceToListen): Promise<ChannelListener> {
    const channel = this.#channels.channelToListen(url, name);
    this.#publications.checkChannel(channel);
    return this.#channels.listen(url, channel);
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
    this.#channels.assertOpen();
    this.#publications.register(contract, second, third);
  }

  /**
   * Publishes an object (RemotingServices.Marshal).
   *
   * @param object An object of a class that extends `MarshalByRefObject`.
   * @param uri Where. Default: an id that cannot be guessed, so that only those can call it who are told.
   * @returns How others can reach it. It stays until {@link disconnect}.
   */
  marshal(object: MarshalByRefObject, uri?: string): MarshaledObject {
    this.#channels.assertOpen();
    const { uri: published, typeName } = this.#publications.marshal(object, uri);
    return {
      uri: published,
      typeName,
      urls: this.#channels.listenerUrls.map((url) => `${url}/${published}`),
    };
  }

  /**
   * The proxy of an object that another domain has published with {@link marshal} (RemotingServices.Unmarshal).
   *
   * @throws TypeError if none of its URLs has a scheme that this domain serves.
   */
  unmarshal<T extends MarshalByRefObject>(reference: MarshaledObject, type?: AbstractClass<T>): Remote<T> {
    if (type !== undefined) checkRemotable(type, "unmarshal");
    return this.#remote.unmarshal(reference, type) as Remote<T>;
  }

  /**
   * Makes an object or a URI unreachable (RemotingServices.Disconnect). Calls under way finish.
   *
   * @returns Whether it was reachable.
   */
  disconnect(target: MarshalByRefObject | string): boolean {
    return this.#publications.disconnect(target);
  }

  /** The URI of a published object, or of the object behind a proxy (RemotingServices.GetObjectUri); `undefined` if it has none. */
  getObjectUri(object: object): string | undefined {
    return proxyTargetOf(object)?.uri ?? this.#publications.uriOf(object);
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
    if (typeof first === "string" && second === undefined) return this.#remote.connect(first, undefined);
    checkRemotable(first, "getObject");
    if (second !== undefined) return this.#remote.connect(second, first);
    const { url, uri } = this.#configured(this.#contracts.learn(first));
    return this.#remote.connect(uri === undefined ? url : `${url}/${uri}`, first);
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
    checkRemotable(type, "createInstance");
    return (await this.#remote.create(type, url, args)) as Remote<InstanceType<C>>;
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
    checkCallOptions(options);
    return this.#proxies.withOptions(proxy, options) as P;
  }

  /** Whether a value is a proxy of a remote object or function (RemotingServices.IsTransparentProxy). Sends nothing. */
  isProxy(value: unknown): boolean {
    return (
      ((typeof value === "object" && value !== null) || typeof value === "function") &&
      proxyTargetOf(value) !== undefined
    );
  }

  // --- lifetime -------------------------------------------------------------------------------------

  /**
   * The lease of an object (RemotingServices.GetLifetimeService): how long it lives, and the means to change that.
   *
   * @param target A proxy, or an object of this domain that is lent or published.
   * @returns `null` for what has no lease: SingleCall objects, Singletons and published objects that want none, functions and
   *   objects that were passed as arguments, and what is to live for ever.
   * @throws ObjectDisconnectedError if the object is gone.
   *
   * @example
   * ```ts
   * const lease = await getLifetimeService(cart);
   * await lease?.renew(60 * 60_000);
   * ```
   */
  getLifetimeService(proxy: RemoteReference): Promise<Remote<Lease> | null>;
  getLifetimeService(object: MarshalByRefObject): Promise<Lease | null>;
  async getLifetimeService(
    target: RemoteReference | MarshalByRefObject,
  ): Promise<Remote<Lease> | Lease | null> {
    const proxied = proxyTargetOf(target);
    if (proxied !== undefined) return requestLease(proxied);
    const lent = this.#objects.lentObject(target);
    const lease = (lent && this.#objects.leaseOf(lent)) ?? this.#lifetimes.presentLease(target);
    return lease === undefined ? null : this.#lifetimes.view(lease);
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

  /** What the domain is busy with at this moment, in numbers. */
  get statistics(): DomainStatistics {
    return {
      connections: this.#connections,
      ...sumOfPeers(this.#peers),
      lentObjects: this.#objects.size,
      queuedBytes: this.#host.budgets.queued.used,
    };
  }

  // --- what peers need ------------------------------------------------------------------------------

  #describe(object: object) {
    const proxied = proxyTargetOf(object);
    if (proxied !== undefined) return this.#describer.relay(proxied, typeof object === "function");
    if (typeof object === "function")
      return this.#describer.function((...args) => Reflect.apply(object, undefined, args));
    const type = object.constructor as AnyClass;
    const description = this.#describer.object(object, this.#contracts.describe(type), type);
    // No class of an application's may be taken for a lease, nor a lease for one of those.
    return object instanceof Lease ? { ...description, typeName: leaseTypeName } : description;
  }

  // --- the end --------------------------------------------------------------------------------------

  /**
   * Ends everything in good order: refuses new calls, lets those under way finish for `closeGrace`
   * milliseconds, then closes all connections and listeners. Safe to call twice.
   */
  close(): Promise<void> {
    this.#closed ??= this.#channels.close().then(() => {
      this.#objects.clear();
      this.#lifetimes.close();
    });
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
