/** Makes objects, in one step or, where a class needs to wait for something, in two. */
import type { Class } from "../contract/class.ts";

interface AsyncConstruction {
  create(...args: readonly unknown[]): unknown;
}

function hasOwnCreate(type: object): type is AsyncConstruction {
  return Object.hasOwn(type, "create") && typeof Reflect.get(type, "create") === "function";
}

/**
 * Makes an object of the class: by its own `static create`, which may be asynchronous, or else by its constructor.
 * A `create` that is inherited does not count: it makes objects of another class.
 */
export function construct(type: Class<object>, args: readonly unknown[]): object | Promise<object> {
  if (!hasOwnCreate(type)) return new type(...args);
  const created = type.create(...args);
  if (created instanceof Promise) return created.then((object: unknown) => expectInstance(type, object));
  return expectInstance(type, created);
}

function expectInstance(type: Class<object>, object: unknown): object {
  if (object instanceof type) return object;
  throw new TypeError(`${type.name}.create must return a ${type.name}`);
}
