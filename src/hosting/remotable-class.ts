/** Tells somebody who passes the wrong thing for a class what is wrong with it. */
import { type AnyClass, isClass } from "../contract/class.ts";
import { MarshalByRefObject } from "../contract/marshal-by-ref-object.ts";

/**
 * Checks that a value is a class whose objects can be called remotely.
 *
 * @param where The function that it was passed to, for the message.
 * @throws TypeError
 */
export function checkRemotable(type: unknown, where: string): asserts type is AnyClass {
  if (type === undefined || type === null) {
    throw new TypeError(
      `${where} was given ${String(type)} for a class: is the name imported, and do modules import each other in a circle?`,
    );
  }
  if (type instanceof MarshalByRefObject) {
    throw new TypeError(
      `${where} takes the class ${type.constructor.name}, not an object of it: publish an object with marshal()`,
    );
  }
  if (typeof type === "string") {
    throw new TypeError(
      `${where} was given the string "${type}" where a class is expected: the class comes first, then the URL`,
    );
  }
  if (!isClass(type)) throw new TypeError(`${where} takes a class, not ${typeof type}`);
  if (!(type.prototype instanceof MarshalByRefObject)) {
    throw new TypeError(`${type.name || "The class"} is not remotable: it must extend MarshalByRefObject`);
  }
}
