/**
 * The local stand-ins of remote objects. For a class, a stub class is made once, with a method for each of
 * the contract's: calling one is an ordinary method call, nothing is trapped.
 */
import { inspect } from "node:util";
import { callFlows, sendInFlow } from "../channels/call-flow.ts";
import type { MethodDescriptor, ServiceType } from "../contract/service-type.ts";
import type { CallOptions, MethodCall } from "../messages/method-call.ts";
import type { ProxyTarget } from "./proxy-target.ts";

const noOptions: CallOptions = {};

/** Base of all stubs (the TransparentProxy and RealProxy in one). Has no enumerable or callable member of its own. */
export class RemoteStub {
  readonly #target: ProxyTarget;
  readonly #options: CallOptions;

  constructor(target: ProxyTarget, options: CallOptions = noOptions) {
    this.#target = target;
    this.#options = options;
  }

  /** The way to the object behind a stub; `undefined` for anything else. */
  static targetOf(value: object): ProxyTarget | undefined {
    return #target in value ? value.#target : undefined;
  }

  static optionsOf(stub: RemoteStub): CallOptions {
    return stub.#options;
  }

  /**
   * Makes a call.
   *
   * @throws TypeError when `stub` is none: a method was taken off its proxy.
   */
  static invoke(
    stub: RemoteStub,
    method: string,
    oneWay: boolean,
    args: readonly unknown[],
  ): Promise<unknown> {
    let target: ProxyTarget;
    try {
      target = stub.#target;
    } catch {
      // Found out here and not by looking first: this is in the way of every call.
      throw new TypeError(
        `${method} was called without its proxy: write proxy.${method}(…), and where a function is to be passed, (...args) => proxy.${method}(...args)`,
      );
    }
    const { uri } = target;
    const call: MethodCall = { kind: "call", target: uri, method, args, oneWay, options: stub.#options };
    return callFlows.isTracked ? sendInFlow(target, call) : target.send(call);
  }

  /** Lets go of the remote object: calls through any proxy of it fail afterwards. Nothing to do for a well-known one. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#target.release();
  }

  [inspect.custom](): string {
    return `Remote<${this.#target.typeName ?? "unknown"}> { ${this.#target.url} }`;
  }
}

/** A stub class for one contract. */
export type StubClass = new (target: ProxyTarget, options?: CallOptions) => RemoteStub;

/** Makes the stub class of a contract. */
export function createStubClass(type: ServiceType): StubClass {
  class Stub extends RemoteStub {}
  for (const method of type.methods.values()) defineMethod(Stub.prototype, method);
  return Stub;
}

function defineMethod(prototype: RemoteStub, { name, oneWay }: MethodDescriptor): void {
  const method = {
    [name](this: RemoteStub, ...args: unknown[]) {
      return RemoteStub.invoke(this, name, oneWay, args);
    },
  };
  Object.defineProperty(prototype, name, { value: method[name], writable: true, configurable: true });
}
