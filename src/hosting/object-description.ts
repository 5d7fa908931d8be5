/** How calls find their method in an object that was lent out: one of ours, a function, or a proxy to be relayed. */

import { createMethodTable, type MethodTable, rulesOf } from "../activation/remote-method.ts";
import type { CallTarget } from "../channels/call-dispatcher.ts";
import { sendInFlow } from "../channels/call-flow.ts";
import type { AccessRule } from "../contract/authorize.ts";
import type { AnyClass } from "../contract/class.ts";
import type { ServiceType } from "../contract/service-type.ts";
import { isUncallable } from "../contract/uncallable-names.ts";
import type { ObjectDescription } from "../lifetime/object-table.ts";
import { ObjectUse } from "../lifetime/object-use.ts";
import type { ProxyTarget } from "../proxies/proxy-target.ts";

/** Describes objects. Keeps what is the same for all objects of a class. */
export class ObjectDescriber {
  readonly #tables = new WeakMap<ServiceType, DescribedMethods>();

  /** An object of a remotable class. */
  object(object: object, type: ServiceType, implementation: AnyClass): ObjectDescription {
    let table = this.#tables.get(type);
    if (table === undefined) {
      const methods = createMethodTable(type, implementation);
      table = { methods, rules: rulesOf(methods.values()) };
      this.#tables.set(type, table);
    }
    const { methods, rules } = table;
    const use = new ObjectUse();
    return { typeName: type.name, targetOf: targetsOf(object, methods, use), rules, use };
  }

  /** A function: it has no methods, and is called by the empty name. */
  function(callback: (...args: readonly unknown[]) => unknown): ObjectDescription {
    const use = new ObjectUse();
    const target: CallTarget = {
      oneWay: false,
      cacheable: false,
      invoke: (args, call) => use.observe(callback(...args), call),
    };
    const targetOf = (method: string) => (method === "" ? target : undefined);
    return { typeName: undefined, targetOf, rules: noRules, use };
  }

  /**
   * A proxy of an object that is elsewhere: whoever passes it on relays its calls. Which methods there are,
   * the object's own process decides.
   */
  relay(proxied: ProxyTarget, isFunction: boolean): ObjectDescription {
    const use = new ObjectUse();
    // Of an object whose class is not known here, the receiver is told as much as there is to tell.
    const typeName = isFunction ? undefined : (proxied.typeName ?? "Object");
    // Its own process decides who may call: it asks about this one, whose call it will be. What is here stands for
    // somebody who has passed it, and whoever gets it from there needs that one's permission and its own.
    const passedOn = typeName === undefined ? undefined : { typeName, rules: [] };
    return {
      use,
      typeName,
      rules: noRules,
      targetOf: (method) => {
        if (method !== "" && (method === "then" || isUncallable(method))) return undefined;
        return {
          oneWay: false,
          access: proxied.accessTo?.(method) ?? passedOn,
          cacheable: false,
          invoke: (args, call) => {
            // The method is elsewhere: a refusal from there knows whether it ran.
            call.methodReached = false;
            const { timeout, signal } = call;
            const result = sendInFlow(proxied, {
              kind: "call",
              target: proxied.uri,
              method,
              args,
              oneWay: false,
              options: { timeout, signal },
            });
            return use.observe(result, call);
          },
        };
      },
    };
  }
}

/** What is the same for all objects of a class. */
interface DescribedMethods {
  readonly methods: MethodTable;
  readonly rules: readonly AccessRule[];
}

const noRules: readonly AccessRule[] = [];

function targetsOf(object: object, methods: MethodTable, use: ObjectUse): ObjectDescription["targetOf"] {
  const targets = new Map<string, CallTarget>();
  return (name) => {
    let target = targets.get(name);
    const method = methods.get(name);
    if (target === undefined && method !== undefined) {
      const { oneWay, access, call } = method;
      target = {
        oneWay,
        access,
        cacheable: false,
        invoke: (args, incoming) => use.observe(Reflect.apply(call, object, args), incoming),
      };
      targets.set(name, target);
    }
    return target;
  };
}
