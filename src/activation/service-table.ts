/** What a domain has published: services by URI, and types that clients may activate. */
import type { CallTarget, IncomingCall, TargetAccess } from "../channels/call-dispatcher.ts";
import type { Class } from "../contract/class.ts";
import { MethodNotFoundError, ServiceNotFoundError } from "../errors.ts";
import { construct } from "./construction.ts";
import type { WellKnownService } from "./well-known-service.ts";

/** What is done with objects that were made for a client. */
export interface ActivationListener {
  /** One was made, and goes to the client next. */
  activated(object: object): void;
  /** What could be done to give it to the client was done: whether the client has it can be seen now. */
  handedOver(object: object): void;
}

/** Finds what calls name. A lookup in a map and nothing else. */
export class ServiceTable {
  readonly #services = new Map<string, WellKnownService>();
  readonly #activated = new Map<string, { readonly type: Class<object>; readonly target: CallTarget }>();
  readonly #listener: ActivationListener;

  /** Grows with every change, so that earlier answers can be told from present ones. */
  revision = 0;

  constructor(listener: ActivationListener) {
    this.#listener = listener;
  }

  /**
   * Publishes a service. The same class or object at the same URI again changes nothing: what lives there lives on.
   *
   * @throws TypeError if something else is published there.
   */
  publish(uri: string, service: WellKnownService): void {
    const present = this.#services.get(uri);
    if (present?.source === service.source) return;
    if (present !== undefined) {
      throw new TypeError(
        `Something is published at "${uri}" already: choose another URI, or disconnect the other first`,
      );
    }
    this.#services.set(uri, service);
    this.revision++;
  }

  /** Withdraws what is at a URI. Returns whether there was something. */
  withdraw(uri: string): boolean {
    this.revision++;
    const service = this.#services.get(uri);
    this.#services.delete(uri);
    service?.withdrawn();
    return service !== undefined;
  }

  /** What is at a URI. Throws ServiceNotFoundError if there is nothing. */
  service(uri: string): WellKnownService {
    const service = this.#services.get(uri);
    if (service !== undefined) return service;
    throw new ServiceNotFoundError(
      `Nothing is published at "${uri}": is the URI right, and is the class registered with the server?`,
    );
  }

  /** Whether something is published at a URI. */
  has(uri: string): boolean {
    return this.#services.has(uri);
  }

  /** Allows clients to make objects of a type. Throws TypeError if the name is taken by another type. */
  allowActivation(name: string, type: Class<object>, access: TargetAccess): void {
    const present = this.#activated.get(name);
    if (present?.type === type) return;
    if (present !== undefined) {
      throw new TypeError(`Another client-activated type is registered as "${name}" already`);
    }
    const target: CallTarget = {
      oneWay: false,
      access,
      cacheable: true,
      invoke: (args: readonly unknown[], call: IncomingCall) => {
        const created = construct(type, args);
        return created instanceof Promise
          ? created.then((object) => this.#hand(object, call))
          : this.#hand(created, call);
      },
    };
    this.#activated.set(name, { type, target });
  }

  #hand(object: object, call: IncomingCall): object {
    this.#listener.activated(object);
    // The client may be gone, or the answer be refused.
    call.onCompleted = () => this.#listener.handedOver(object);
    return object;
  }

  /** The URIs of everything that is published, and what is there. */
  entries(): IterableIterator<[uri: string, service: WellKnownService]> {
    return this.#services.entries();
  }

  /** The method of a service. */
  resolveCall(uri: string, method: string): CallTarget {
    const target = this.service(uri).targets.get(method);
    if (target === undefined) throw methodNotFound(uri, method);
    return target;
  }

  /** The construction of a client-activated type. */
  resolveConstruction(name: string): CallTarget {
    const target = this.#activated.get(name)?.target;
    if (target === undefined) {
      throw new ServiceNotFoundError(
        `"${name}" cannot be activated: is it registered with the server, and marked @ClientActivated()?`,
      );
    }
    return target;
  }
}

/** The same answer for a method that does not exist, is private, or is hidden. */
export function methodNotFound(target: string, method: string): MethodNotFoundError {
  return new MethodNotFoundError(`"${target}" has no remote method "${method}"`);
}
