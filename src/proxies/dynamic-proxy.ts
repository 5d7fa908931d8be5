/** The stand-in of a remote object whose class this process does not have: any method name is a call. */
import { inspect } from "node:util";
import { isUncallable } from "../contract/uncallable-names.ts";
import type { CallOptions } from "../messages/method-call.ts";
import type { ProxyTarget } from "./proxy-target.ts";
import { RemoteStub } from "./remote-stub.ts";

/** The stubs behind dynamic proxies: a `Proxy` cannot be asked for its target. */
const stubs = new WeakMap<object, RemoteStub>();

/** The stub behind a dynamic proxy. */
export function stubOfDynamicProxy(value: object): RemoteStub | undefined {
  return stubs.get(value);
}

/**
 * Makes a dynamic proxy. Its methods are made when they are first asked for and kept. Whether a method is
 * one-way only the server knows, so the caller waits for it as for any other.
 */
export function createDynamicProxy(target: ProxyTarget, options?: CallOptions): object {
  const stub = new RemoteStub(target, options);
  // Inspection looks at the stub but calls this on the proxy, which has none of the stub's private members.
  const text = inspect(stub);
  Object.defineProperty(stub, inspect.custom, { value: () => text });
  const methods = new Map<string, unknown>();
  const proxy = new Proxy(stub, {
    get(_stub, key) {
      // `then`, `toJSON`, `constructor`, symbols…: what await, JSON and debuggers look at stays local.
      if (typeof key === "symbol" || key === "then" || isUncallable(key)) {
        const own: unknown = Reflect.get(stub, key);
        return typeof own === "function" && typeof key === "symbol" ? own.bind(stub) : own;
      }
      let method = methods.get(key);
      if (method === undefined) {
        method = (...args: unknown[]) => RemoteStub.invoke(stub, key, false, args);
        methods.set(key, method);
      }
      return method;
    },
    set(_stub, key) {
      throw new TypeError(`Cannot set ${String(key)}: a remote object has only methods`);
    },
    defineProperty(_stub, key) {
      throw new TypeError(`Cannot define ${String(key)}: a remote object has only methods`);
    },
    deleteProperty() {
      return false;
    },
  });
  stubs.set(proxy, stub);
  return proxy;
}
