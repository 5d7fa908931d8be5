/**
 * One side of a remoting boundary: its channels, what it has published, the objects it has lent out, and the
 * connections it has open. Two domains in one process are as far apart as two processes.
 */
import { EventEmitter } from "node:events";
import { dispose } from "../activation/disposal.ts";
import { createMethodTable } from "../activation/remote-method.ts";
import { ServiceTable } from "../activation/service-table.ts";
import { PublishedObject, SingleCallService, SingletonService } from "../activation/well-known-service.ts";
import type { Channel, ChannelHost, ChannelListener } from "../channels/channel.ts";
import { parseChannelUrl } from "../channels/channel-url.ts";
import { MemoryBudget } from "../channels/memory-budget.ts";
import type { AbstractClass, AnyClass, Class } from "../contract/class.ts";
import { MarshalByRefObject } from "../contract/marshal-by-ref-object.ts";
import { checkObjectUri } from "../contract/object-uri.ts";
import type { ConstructorArguments, Remote } from "../contract/remote.ts";
import type { RemoteReference } from "../contract/remote-reference.ts";
import { describeType, type ServiceType } from "../contract/service-type.ts";
import { ObjectTable } from "../lifetime/object-table.ts";
import type { CallOptions, MethodCall } from "../messages/method-call.ts";
import { ProxyFactory, type ProxyKind, proxyTargetOf } from "../proxies/proxy-factory.ts";
import type { ProxyTarget } from "../proxies/proxy-target.ts";
import { checkLimits } from "../session/session-channel.ts";
import { checkCapabilities } from "./capability-check.ts";
import { createConfiguredChannel } from "./channel-factories.ts";
import { ChannelRegistry } from "./channel-registry.ts";
import { type RemotingConfiguration, readConfiguration } from "./configuration.ts";
import type {
  MarshaledObject,
  RegisteredClass,
  RegisterOptions,
  RemotingDomainEvents,
  RemotingDomainOptions,
} from "./domain-options.ts";
import { DomainPeer } from "./domain-peer.ts";
import { ObjectDescriber } from "./object-description.ts";
import { checkRemotable } from "./remotable-class.ts";
import { ServiceHost } from "./service-host.ts";

const activationMissing =
  "mark it @SingleCall(), @Singleton() or @ClientActivated(), or publish an object with marshal()";

/** See the head of this file. Most applications use the default domain's functions instead. */
export class RemotingDomain extends EventEmitter<RemotingDomainEvents> {
  readonly #options: Required<RemotingDomainOptions>;
  readonly #channels: ChannelRegistry;
  readonly #objects = new ObjectTable(() => performance.now());
  readonly #describer = new ObjectDescriber();
  readonly #services: ServiceTable;
  readonly #proxies = new ProxyFactory((error) => this.#unobserved(error));
  /** The contracts that this domain knows, by the name that references carry. */
  readonly #contracts = new Map<string, ServiceType>();
  #configuration: RemotingConfiguration | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: RemotingDomainOptions = {}) {
    super();
    this.#options = { defaultTimeout: 30_000, exposure: "public", closeGrace: 5_000, limits: {}, ...options };
    checkLimits(this.#options.limits);
    this.#services = new ServiceTable((object) => {
      this.#objects.whenGone(
        object,
        () => void dispose(object).catch((error: unknown) => this.#unobserved(error)),
      );
    });
    this.#channels = new ChannelRegistry(this.#createHost(), this.#options.closeGrace);
  }

  #createHost(): ChannelHost {
    const peerDomain = {
      services: this.#services,
      objects: this.#objects,
      travelsByReference: (value: object) =>
        value instanceof MarshalByRefObject || typeof value === "function",
      describe: (object: object) => this.#describe(object),
      createProxy: (target: ProxyTarget) => this.#createReferenceProxy(target),
    };
    return {
      defaultTimeout: this.#options.defaultTimeout,
      limits: this.#options.limits,
      budget: new MemoryBudget(256 * 1024 * 1024),
      openPeer: (conversation) => new DomainPeer(peerDomain, conversation),
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
    // Given an error, Node takes no code: the warning is one of its own, with the error as its cause.
    const warning = new Error(`Nobody listens for unobservedError: ${String(error)}`, { cause: error });
    warning.name = "Warning";
    process.emitWarning(Object.assign(warning, { code: "REMOTING_UNOBSERVED_ERROR" }));
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
   * Adds a channel (ChannelServices.RegisterChannel). The built-in channels need not be registered unless they
   * are to differ from their defaults.
   *
   * @throws TypeError if a channel of the same name is registered.
   */
  registerChannel(channel: Channel): void {
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
    const { urls, types } = this.#whatToServe(first, second);
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
      for (const url of urls) listeners.push(await this.#listen(url));
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
  ): { readonly urls: readonly string[]; readonly types: readonly RegisteredClass[] } {
    if (!Array.isArray(second)) {
      throw new TypeError("serve takes a list of classes: serve(url, [Counter])");
    }
    if (typeof first === "string") return { urls: [first], types: second };
    if (!Array.isArray(first)) {
      throw new TypeError('serve takes a URL or a list of URLs, for example "tcp://127.0.0.1:6100"');
    }
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
    const channel = this.#channels.channelFor(parseChannelUrl(url).scheme);
    for (const type of this.#contracts.values()) checkCapabilities(type, channel);
    return this.#channels.listen(url);
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
    const separate = typeof second === "function";
    const implementation = separate ? second : contract;
    const { uri, methods } = (separate ? third : second) ?? {};
    checkRemotable(contract, "register");
    checkRemotable(implementation, "register");
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
    for (const channel of this.#channels.listening) checkCapabilities(type, channel);
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
    this.#channels.assertOpen();
    if (!(object instanceof MarshalByRefObject)) {
      throw new TypeError("marshal takes an object of a class that extends MarshalByRefObject");
    }
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
    const url = reference.urls.find((candidate) => this.#channels.serves(parseChannelUrl(candidate).scheme));
    if (url === undefined) {
      const reason =
        reference.urls.length === 0
          ? "was marshaled by a domain that listened nowhere"
          : `can be reached at ${reference.urls.join(", ")}, for which there is no channel`;
      throw new TypeError(`${reference.typeName} ${reason}`);
    }
    return this.#connect(url, type) as Remote<T>;
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
    if (typeof first === "string" && second === undefined) return this.#connect(first, undefined);
    checkRemotable(first, "getObject");
    if (second !== undefined) return this.#connect(second, first);
    const { url, uri } = this.#configured(this.#contract(first));
    return this.#connect(uri === undefined ? url : `${url}/${uri}`, first);
  }

  #connect(url: string, type: AnyClass | undefined): object {
    const { endpoint, scheme, objectUri } = parseChannelUrl(url);
    const described = type === undefined ? undefined : this.#contract(type);
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
    if (described !== undefined) checkCapabilities(described, this.#channels.channelFor(scheme));
    const sender = this.#channels.senderFor(endpoint);
    const target: ProxyTarget = {
      uri,
      url: `${endpoint}/${uri}`,
      typeName: described?.name,
      owner: undefined,
      send: (call) => sender.send(call),
      whenDisconnected: () => sender.whenDisconnected(),
      release: () => {},
    };
    return this.#proxies.create(target, kindOf(described));
  }

  /** What is known of a class; remembers it for references that come to it. */
  #contract(type: AnyClass): ServiceType {
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
    checkRemotable(type, "createInstance");
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
    const proxy = await this.#channels.senderFor(endpoint).send(call);
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
      kind = kindOf(type);
    }
    return this.#proxies.create(target, kind);
  }

  // --- the end --------------------------------------------------------------------------------------

  /**
   * Ends everything in good order: refuses new calls, lets those under way finish for `closeGrace`
   * milliseconds, then closes all connections and listeners. Safe to call twice.
   */
  close(): Promise<void> {
    this.#closed ??= this.#channels.close().then(() => this.#objects.clear());
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Which kind of proxy stands for objects of a type. One without activation may be an abstract contract, whose methods
 * leave no trace at run time: then the server knows them, and any name is passed on.
 */
function kindOf(type: ServiceType | undefined): ProxyKind {
  return type?.mode === undefined ? { kind: "dynamic" } : { kind: "typed", type };
}
