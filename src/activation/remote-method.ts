/** Finds the function behind a method name once, when a type is published, so that a call evaluates nothing. */
import type { TargetAccess } from "../channels/call-dispatcher.ts";
import type { AccessRule } from "../contract/authorize.ts";
import type { AnyClass } from "../contract/class.ts";
import type { ServiceType } from "../contract/service-type.ts";

/** A method as it is called on an object of its class. */
export type RemoteMethod = (this: object, ...args: readonly unknown[]) => unknown;

/** The functions of a type by name, taken from the prototypes of the class that implements it. */
export type MethodTable = ReadonlyMap<string, TabledMethod>;

/** One of them. */
export interface TabledMethod {
  readonly oneWay: boolean;
  readonly access: TargetAccess;
  readonly call: RemoteMethod;
}

/**
 * Looks up each method of the contract in its implementation.
 *
 * @throws TypeError if the implementation lacks one.
 */
export function createMethodTable(type: ServiceType, implementation: AnyClass): MethodTable {
  const table = new Map<string, TabledMethod>();
  const prototype: object = implementation.prototype;
  for (const { name, oneWay, access: rules } of type.methods.values()) {
    const method: unknown = Reflect.get(prototype, name);
    if (!isMethod(method)) {
      throw new TypeError(`${implementation.name} does not implement ${type.name}.${name}`);
    }
    table.set(name, { oneWay, access: { typeName: type.name, rules }, call: method });
  }
  return table;
}

/** What the methods of a type demand of callers, each rule once. */
export function rulesOf(
  methods: Iterable<{ readonly access?: TargetAccess | undefined }>,
): readonly AccessRule[] {
  const rules = new Set<AccessRule>();
  for (const { access } of methods) for (const rule of access?.rules ?? []) rules.add(rule);
  return [...rules];
}

function isMethod(value: unknown): value is RemoteMethod {
  return typeof value === "function";
}
