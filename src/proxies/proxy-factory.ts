/** Makes proxies of the right kind, and finds the way back from a proxy to what it stands for. */
import type { ServiceType } from "../contract/service-type.ts";
import type { CallOptions } from "../messages/method-call.ts";
import { createDynamicProxy, stubOfDynamicProxy } from "./dynamic-proxy.ts";
import type { ProxyTarget } from "./proxy-target.ts";
import { createRemoteFunction, stubOfRemoteFunction } from "./remote-function.ts";
import { createStubClass, RemoteStub, type StubClass } from "./remote-stub.ts";

/** What kind of proxy to make. */
export type ProxyKind =
  | { readonly kind: "typed"; readonly type: ServiceType }
  | { readonly kind: "dynamic" }
  | { readonly kind: "function" };

function stubOf(value: object): RemoteStub | undefined {
  // Dynamic ones first: they are instances of RemoteStub for `instanceof`, but have none of its private members.
  return (
    stubOfDynamicProxy(value) ??
    stubOfRemoteFunction(value) ??
    (value instanceof RemoteStub ? value : undefined)
  );
}

/** What a proxy stands for; `undefined` for anything that is not a proxy. */
export function proxyTargetOf(value: object): ProxyTarget | undefined {
  const stub = stubOf(value);
  return stub === undefined ? undefined : RemoteStub.targetOf(stub);
}

/** Makes the proxies of one domain. */
export class ProxyFactory {
  readonly #onUnobserved: (error: unknown) => void;
  readonly #stubClasses = new WeakMap<ServiceType, StubClass>();
  readonly #kinds = new WeakMap<ProxyTarget, ProxyKind>();

  /** @param onUnobserved Takes the errors of callbacks whose results nobody looked at. */
  constructor(onUnobserved: (error: unknown) => void) {
    this.#onUnobserved = onUnobserved;
  }

  /** A new proxy. */
  create(target: ProxyTarget, kind: ProxyKind, options?: CallOptions): object {
    this.#kinds.set(target, kind);
    switch (kind.kind) {
      case "typed":
        // Frozen: an assignment is a mistake that would otherwise only be seen here and never there.
        return Object.freeze(new (this.#stubClass(kind.type))(target, options));
      case "dynamic":
        return createDynamicProxy(target, options);
      case "function":
        return createRemoteFunction(target, this.#onUnobserved, options);
    }
  }

  /** The same object seen with other options, which are added to those that the proxy has. */
  withOptions(proxy: object, options: CallOptions): object {
    const stub = stubOf(proxy);
    const target = stub && RemoteStub.targetOf(stub);
    const kind = target && this.#kinds.get(target);
    if (stub === undefined || target === undefined || kind === undefined) {
      throw new TypeError("withOptions takes a proxy of this domain, as getObject returns it");
    }
    return this.create(target, kind, { ...RemoteStub.optionsOf(stub), ...options });
  }

  #stubClass(type: ServiceType): StubClass {
    let stubClass = this.#stubClasses.get(type);
    if (stubClass === undefined) {
      stubClass = createStubClass(type);
      this.#stubClasses.set(type, stubClass);
    }
    return stubClass;
  }
}
