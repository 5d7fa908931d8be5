/** The stand-in of a function in another process. */
import { inspect } from "node:util";
import type { CallOptions } from "../messages/method-call.ts";
import type { ProxyTarget } from "./proxy-target.ts";
import { RemoteStub } from "./remote-stub.ts";

/** The stubs behind function proxies. */
const stubs = new WeakMap<object, RemoteStub>();

/** The stub behind a function proxy. */
export function stubOfRemoteFunction(value: object): RemoteStub | undefined {
  return stubs.get(value);
}

/**
 * A promise whose rejection never goes unhandled: callbacks are often called and forgotten. If nobody has
 * asked for the result by the time it has failed, the error goes to the domain instead.
 */
class CallbackPromise extends Promise<unknown> {
  #observed = false;

  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** Begins to watch. */
  watch(onUnobserved: (error: unknown) => void): this {
    super.then(undefined, (error: unknown) => {
      if (!this.#observed) onUnobserved(error);
    });
    return this;
  }

  // biome-ignore lint/suspicious/noThenProperty: it is a promise, and has to notice that it is awaited
  override then<A = unknown, B = never>(
    onFulfilled?: ((value: unknown) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#observed = true;
    return super.then(onFulfilled, onRejected);
  }
}

/** Makes the proxy of a function. */
export function createRemoteFunction(
  target: ProxyTarget,
  onUnobserved: (error: unknown) => void,
  options?: CallOptions,
): object {
  const stub = new RemoteStub(target, options);
  const call = (...args: unknown[]) =>
    new CallbackPromise((resolve) => resolve(RemoteStub.invoke(stub, "", false, args))).watch(onUnobserved);
  Object.defineProperties(call, {
    name: { value: "remote function" },
    [Symbol.asyncDispose]: { value: () => stub[Symbol.asyncDispose]() },
    [inspect.custom]: { value: () => `RemoteFunction { ${target.url} }` },
  });
  stubs.set(call, stub);
  return call;
}
