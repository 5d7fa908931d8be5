/** How calls find their method in an object that was lent out: one of ours, a function, or a proxy to be relayed. */

import { createMethodTable, type MethodTable } from "../activation/remote-method.ts";
import type { CallTarget } from "../channels/call-dispatcher.ts";
import type { AnyClass } from "../contract/class.ts";
import type { ServiceType } from "../contract/service-type.ts";
import { isUncallable } from "../contract/uncallable-names.ts";
import type { ObjectDescription } from "../lifetime/object-table.ts";
import type { ProxyTarget } from "../proxies/proxy-target.ts";

/** Describes objects. Keeps what is the same for all objects of a class. */
export class ObjectDescriber {
  readonly #methodTables = new WeakMap<ServiceType, MethodTable>();

  /** An object of a remotable class. */
  object(object: object, type: ServiceType, implementation: AnyClass): ObjectDescription {
    let methods = this.#methodTables.get(type);
    if (methods === undefined) {
      methods = createMethodTable(type, implementation);
      this.#methodTables.set(type, methods);
    }
    return { typeName: type.name, targetOf: targetsOf(object, methods) };
  }

  /** A function: it has no methods, and is called by the empty name. */
  function(callback: (...args: readonly unknown[]) => unknown): ObjectDescription {
    const target: CallTarget = { oneWay: false, cacheable: false, invoke: (args) => callback(...args) };
    return { typeName: undefined, targetOf: (method) => (method === "" ? target : undefined) };
  }

  /**
   * A proxy of an object that is elsewhere: whoever passes it on relays its calls. Which methods there are,
   * the object's own process decides.
   */
  relay(proxied: ProxyTarget): ObjectDescription {
    return {
      typeName: proxied.typeName,
      targetOf: (method) => {
        if (method !== "" && (method === "then" || isUncallable(method))) return undefined;
        return {
          oneWay: false,
          cacheable: false,
          invoke: (args, call) => {
            // The method is elsewhere: a refusal from there knows whether it ran.
            call.methodReached = false;
            const { timeout, signal } = call;
            return proxied.send({
              kind: "call",
              target: proxied.uri,
              method,
              args,
              oneWay: false,
              options: { timeout, signal },
            });
          },
        };
      },
    };
  }
}

function targetsOf(object: object, methods: MethodTable): ObjectDescription["targetOf"] {
  const targets = new Map<string, CallTarget>();
  return (name) => {
    let target = targets.get(name);
    const method = methods.get(name);
    if (target === undefined && method !== undefined) {
      const { oneWay, call } = method;
      target = { oneWay, cacheable: false, invoke: (args) => Reflect.apply(call, object, args) };
      targets.set(name, target);
    }
    return target;
  };
}
