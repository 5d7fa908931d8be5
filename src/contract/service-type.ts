// Says which methods of a class can be called from another process. Dispatch looks names up in the map made
// here and nowhere else, so what is not in it does not exist for callers.

import { type ActivationMode, activationOf } from "./activation.ts";
import { type AccessRule, accessRuleOf, checkAccessRule } from "./authorize.ts";
import type { AnyClass } from "./class.ts";
import { localMark } from "./local.ts";
import { MarshalByRefObject } from "./marshal-by-ref-object.ts";
import { oneWayMark } from "./one-way.ts";
import { remoteMark } from "./remote.ts";
import { isUncallable } from "./uncallable-names.ts";

/** What a domain lets others call: every public method, or only what is marked `@Remote()`. */
export type Exposure = "public" | "marked";

/** One callable method. */
export interface MethodDescriptor {
  readonly name: string;
  /** Whether callers go on without waiting for the method to end. */
  readonly oneWay: boolean;
  /** Whom it lets in: all of these must hold. None for everybody. */
  readonly access: readonly AccessRule[];
}

/**
 * What a decorator would say of a method, for contracts that cannot be decorated: abstract methods do not
 * exist at run time. An option that is given has the last word over the decorator.
 */
export interface MethodOptions {
  /** As `@OneWay()` does; `false` takes it back. */
  readonly oneWay?: boolean;
  /**
   * `true` hides the method as `@Local()` does; `false` exposes it, as `@Remote()` does, even if it is
   * hidden.
   */
  readonly local?: boolean;
  /** As `@Authorize()` does, in place of all rules that the method and its class have. */
  readonly authorize?: AccessRule;
}

/** A class as the other side may use it. */
export interface ServiceType {
  /** The class's name, for messages and tracing. */
  readonly name: string;
  /**
   * `undefined` for a class without an activation attribute, whose objects are only ever passed or
   * marshalled.
   */
  readonly mode: ActivationMode | undefined;
  /** Where objects are published or asked for, if the class says so. */
  readonly uri: string | undefined;
  /** Who may make objects of it, if it is client-activated: all of these must hold. */
  readonly access: readonly AccessRule[];
  readonly methods: ReadonlyMap<string, MethodDescriptor>;
}

/** What is said of a class where it is registered, beside what its decorators say. */
export interface DescribeOptions {
  /** Default: `"public"`, as in .NET Remoting, so that a contract needs no attribute on each method. */
  readonly exposure?: Exposure;
  /** By method name. Default: what the decorators say. */
  readonly methods?: Readonly<Record<string, MethodOptions>>;
}

// A cache, and so no state: describing a class again gives the same.
const described: Record<Exposure, WeakMap<AnyClass, ServiceType>> = {
  public: new WeakMap(),
  marked: new WeakMap(),
};

/**
 * Works out what of a class is callable: own and inherited public methods up to `MarshalByRefObject`, less
 * `constructor`, accessors, symbols, `_underscore` names, what every object has (`toString`…), `toJSON`,
 * lifetime hooks, and what `@Local()` hides; under `"marked"` exposure only what `@Remote()` marks.
 *
 * Functions that the constructor assigns to fields are not callable: the map is made from prototypes.
 *
 * @throws TypeError when a callable method is named `then`, since a proxy that has one cannot be awaited; or
 * when `methods` names what is no method of the class
 */
export function describeType(type: AnyClass, options: DescribeOptions = {}): ServiceType {
  const { exposure = "public", methods } = options;
  if (methods !== undefined) return makeServiceType(type, exposure, methods);
  let serviceType = described[exposure].get(type);
  if (serviceType === undefined) {
    serviceType = makeServiceType(type, exposure, {});
    described[exposure].set(type, serviceType);
  }
  return serviceType;
}

function makeServiceType(
  type: AnyClass,
  exposure: Exposure,
  options: Readonly<Record<string, MethodOptions>>,
): ServiceType {
  const optionsByName = new Map(Object.entries(options));
  const names = methodNames(type);
  for (const name of optionsByName.keys()) {
    if (!names.includes(name)) {
      throw new TypeError(
        `The options for ${type.name} name "${name}", which is no callable method of it. ` +
          `Its methods are: ${names.join(", ") || "none"}.`,
      );
    }
  }
  const methods = new Map<string, MethodDescriptor>();
  for (const name of names) {
    const { local, oneWay, authorize } = optionsByName.get(name) ?? {};
    if (local ?? !isExposed(type, name, exposure)) continue;
    const rule =
      authorize === undefined ? accessRuleOf(type, name) : checkAccessRule(authorize, `${type.name}.${name}`);
    methods.set(
      name,
      Object.freeze({ name, oneWay: oneWay ?? oneWayMark.isOn(type, name), access: rulesOf(rule) }),
    );
  }
  if (methods.has("then")) {
    throw new TypeError(
      `${type.name} has a public method named "then". Awaiting a proxy of it would call that method: ` +
        "rename it, or hide it with @Local().",
    );
  }
  const activation = activationOf(type);
  return Object.freeze({
    name: type.name,
    mode: activation?.mode,
    uri: activation?.uri,
    access: rulesOf(accessRuleOf(type)),
    methods,
  });
}

function rulesOf(...rules: readonly (AccessRule | undefined)[]): readonly AccessRule[] {
  return Object.freeze([...new Set(rules.filter((rule) => rule !== undefined))]);
}

/**
 * An implementation as callers of its contract may use it: it does not have to extend the contract, so the contract's
 * rules about who may call are added to its own.
 *
 * @param options Those with which `implemented` was described: they have the last word.
 */
export function withRulesOf(
  contract: AnyClass,
  implemented: ServiceType,
  options: Readonly<Record<string, MethodOptions>> = {},
): ServiceType {
  const methods = new Map(
    [...implemented.methods].map(([name, method]) => {
      const isGiven = Object.hasOwn(options, name) && options[name]?.authorize !== undefined;
      const access = isGiven ? method.access : rulesOf(...method.access, accessRuleOf(contract, name));
      return [name, Object.freeze({ ...method, access })];
    }),
  );
  return Object.freeze({
    ...implemented,
    access: rulesOf(...implemented.access, accessRuleOf(contract)),
    methods,
  });
}

function isExposed(type: AnyClass, name: string, exposure: Exposure): boolean {
  if (localMark.isOn(type, name)) return false;
  return exposure === "public" || remoteMark.isOn(type, name);
}

/** The names that may be exposed at all, base class first, so that a subclass has the last word. */
function methodNames(type: AnyClass): string[] {
  const methods = new Map<string, boolean>();
  for (const prototype of prototypesOf(type)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      // An accessor or a value that overrides a method takes the method away.
      methods.set(name, typeof value === "function" && !isUncallable(name));
    }
  }
  return [...methods].filter(([, callable]) => callable).map(([name]) => name);
}

/** From the class that directly extends `MarshalByRefObject` down to `type`. */
function prototypesOf(type: AnyClass): object[] {
  const prototypes: object[] = [];
  let prototype: object | null = type.prototype;
  while (prototype && prototype !== MarshalByRefObject.prototype && prototype !== Object.prototype) {
    prototypes.unshift(prototype);
    prototype = Object.getPrototypeOf(prototype);
  }
  return prototypes;
}
