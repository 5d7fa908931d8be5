/** What a domain offers to others: registered classes, and objects that it has published itself. */
import { createMethodTable } from "../activation/remote-method.ts";
import type { ServiceTable } from "../activation/service-table.ts";
import { PublishedObject, SingleCallService, SingletonService } from "../activation/well-known-service.ts";
import type { Channel } from "../channels/channel.ts";
import type { AnyClass, Class } from "../contract/class.ts";
import { MarshalByRefObject } from "../contract/marshal-by-ref-object.ts";
import { checkObjectUri } from "../contract/object-uri.ts";
import { type ServiceType, withRulesOf } from "../contract/service-type.ts";
import type { ObjectDescription, ObjectTable } from "../lifetime/object-table.ts";
import { checkCapabilities } from "./capability-check.ts";
import type { ChannelRegistry } from "./channel-registry.ts";
import type { Contracts } from "./contracts.ts";
import type { RegisterOptions } from "./domain-options.ts";
import type { LifetimeServices } from "./lifetime-services.ts";
import { checkRegisterOptions } from "./register-option-rules.ts";
import { checkRemotable } from "./remotable-class.ts";

const activationMissing =
  "mark it @SingleCall(), @Singleton() or @ClientActivated(), or publish an object with marshal()";

/** What publications need of their domain. */
export interface PublishingDomain {
  readonly contracts: Contracts;
  readonly services: ServiceTable;
  readonly objects: ObjectTable;
  readonly channels: Pick<ChannelRegistry, "listening">;
  readonly lifetimes: LifetimeServices;
  /** How an object is called that is about to be lent. Needs no `this`. */
  readonly describe: (object: object) => ObjectDescription;
  /** Takes an error that no call can report. */
  unobserved(error: unknown): void;
}

/** See the head of this file. */
export class Publications {
  readonly #domain: PublishingDomain;
  readonly #types = new Set<ServiceType>();

  constructor(domain: PublishingDomain) {
    this.#domain = domain;
  }

  /** Throws TypeError if a channel cannot carry what is published. */
  checkChannel(channel: Channel): void {
    for (const type of this.#types) checkCapabilities(type, channel);
  }

  /** See `RemotingDomain.register`. */
  register(contract: AnyClass, second?: Class<object> | RegisterOptions, third?: RegisterOptions): void {
    const { contracts, channels } = this.#domain;
    const separate = typeof second === "function";
    const implementation = separate ? second : contract;
    const options = (separate ? third : second) ?? {};
    checkRemotable(contract, "register");
    checkRemotable(implementation, "register");
    checkRegisterOptions(options);
    const { uri, methods } = options;
    const described = contracts.describe(contract);
    // Abstract methods leave no trace at run time: what can be called is what the implementation has.
    const implemented = contracts.describe(implementation, methods);
    const callable = separate ? withRulesOf(contract, implemented, methods) : implemented;
    const type: ServiceType = {
      ...callable,
      name: described.name,
      mode: described.mode ?? callable.mode,
      uri: uri ?? described.uri ?? callable.uri,
    };
    if (type.mode === undefined)
      throw new TypeError(`${contract.name} cannot be registered: ${activationMissing}`);
    const published = checkObjectUri(type.uri ?? type.name, contract.name);
    for (const channel of channels.listening) checkCapabilities(type, channel);
    this.#publish(published, type, implementation as Class<object>);
    this.#types.add(type);
    contracts.remember(type);
  }

  #publish(uri: string, type: ServiceType, implementation: Class<object>): void {
    const { services } = this.#domain;
    const methods = createMethodTable(type, implementation);
    switch (type.mode) {
      case "SingleCall":
        services.publish(
          uri,
          new SingleCallService(implementation, methods, (error) => this.#domain.unobserved(error)),
        );
        break;
      case "Singleton":
        services.publish(
          uri,
          new SingletonService(implementation, methods, this.#domain.lifetimes.beginSingleton),
        );
        break;
      default:
        services.allowActivation(uri, implementation, { typeName: type.name, rules: type.access });
    }
  }

  /** Publishes an object, see `RemotingDomain.marshal`. Returns its URI and the name of its type. */
  marshal(object: MarshalByRefObject, uri?: string): { readonly uri: string; readonly typeName: string } {
    if (!(object instanceof MarshalByRefObject)) {
      throw new TypeError("marshal takes an object of a class that extends MarshalByRefObject");
    }
    const { channels, contracts, lifetimes, objects, services } = this.#domain;
    const implementation = object.constructor as AnyClass;
    const type = contracts.describe(implementation);
    if (uri === undefined) {
      const { id } = objects.publish(object, this.#domain.describe, lifetimes.settingsOfPublished(object));
      return { uri: id, typeName: type.name };
    }
    checkObjectUri(uri, type.name);
    // Published there already: what lives there lives on, with all of its initial time.
    if (services.has(uri) && services.service(uri).object === object) {
      lifetimes.presentLease(object)?.renewOnMarshal();
      return { uri, typeName: type.name };
    }
    for (const channel of channels.listening) checkCapabilities(type, channel);
    const service = new PublishedObject(object, createMethodTable(type, implementation));
    services.publish(uri, service);
    this.#types.add(type);
    service.begin(lifetimes.beginPublished(object, () => void services.withdraw(uri)));
    return { uri, typeName: type.name };
  }

  /** See `RemotingDomain.disconnect`. */
  disconnect(target: MarshalByRefObject | string): boolean {
    const { objects, services } = this.#domain;
    if (typeof target === "string") return this.#withdraw(target);
    const uris = [...services.entries()].filter(([, { object }]) => object === target).map(([uri]) => uri);
    for (const uri of uris) this.#withdraw(uri);
    return objects.disconnect(target) || uris.length > 0;
  }

  #withdraw(uri: string): boolean {
    const { services, lifetimes } = this.#domain;
    if (!services.has(uri)) return false;
    const { object } = services.service(uri);
    services.withdraw(uri);
    if (object !== undefined) lifetimes.disconnected(object);
    return true;
  }

  /** The URI of an object of this domain, if others can reach it. */
  uriOf(object: object): string | undefined {
    const { objects, services } = this.#domain;
    for (const [uri, service] of services.entries()) if (service.object === object) return uri;
    return objects.idOf(object);
  }
}
