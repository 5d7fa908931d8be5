// The attribute of classes whose objects travel by value.

import { isClass } from "./class.ts";
import { type ClassContext, classSite, expectParentheses } from "./decoration.ts";
import { MarshalByRefObject } from "./marshal-by-ref-object.ts";
import { registerSerializableType } from "./type-registry.ts";

const longestName = 255;

/** How a class travels by value. `serialize` and `deserialize` come together. */
export type SerializableOptions<T extends object, Data> = NamedOptions | SurrogateOptions<T, Data>;

interface NamedOptions {
  /** What the class is called on the wire. Default: the class's name. */
  readonly name?: string;
  readonly serialize?: never;
  readonly deserialize?: never;
}

interface SurrogateOptions<T extends object, Data> {
  /** What the class is called on the wire. Default: the class's name. */
  readonly name?: string;
  /** Turns an object into plain data, or into other values that can travel. */
  readonly serialize: (value: T) => Data;
  /** Makes an object of that data. It comes from the other process: check it as any input. */
  readonly deserialize: (data: Data) => T;
}

/** A class that travels by value. Its constructor may be private, which `Class<T>` would refuse. */
interface SerializableClass<T extends object> {
  readonly prototype: T;
}

/**
 * Lets objects of a class travel by value: the receiver gets a copy that is an instance of the same class,
 * with its methods. Both sides have to have loaded the class; without the attribute sending such an object is
 * an error.
 *
 * The object's own enumerable fields travel and its constructor does not run. A class with `#private` state,
 * or one that must check what it is made of, passes `serialize` and `deserialize`. A subclass needs an
 * attribute of its own.
 *
 * Mirrors `System.SerializableAttribute`; `serialize` and `deserialize` do the work of `ISerializable` and of
 * serialization surrogates.
 *
 * @param options the class's name on the wire, or an object with the name and the two functions. Default: the
 * class's name, which both sides know when they share the contract. Give one if a minifier renames classes or
 * if two classes have the same name.
 * @throws TypeError when put on anything but a class, or on one that travels by reference; when the name is
 * empty, longer than 255 characters or missing on a class without a name; when only one of the two functions
 * is given
 *
 * @example
 * ```ts
 * @Serializable()
 * export class Point {
 *   constructor(public x = 0, public y = 0) {}
 * }
 *
 * @Serializable({
 *   serialize: (money: Money) => money.toString(),
 *   deserialize: (text) => Money.parse(text),
 * })
 * export class Money {
 *   #cents = 0n;
 * }
 * ```
 */
export function Serializable<T extends object, Data = unknown>(
  options?: string | SerializableOptions<T, Data>,
): (type: SerializableClass<T>, context?: ClassContext) => void;
export function Serializable<T extends object, Data>(
  options: string | SerializableOptions<T, Data> = {},
  ...misplaced: readonly unknown[]
) {
  expectParentheses("@Serializable", [options, ...misplaced]);
  return (type: SerializableClass<T>, context?: ClassContext): void => {
    const site = classSite("@Serializable()", type, context);
    const { name = site.className, serialize, deserialize } = optionsFrom(options);
    checkName(name);
    if (type.prototype instanceof MarshalByRefObject) {
      throw new TypeError(
        `${name} is @Serializable, which travels by value, but extends MarshalByRefObject, ` +
          "which travels by reference. Keep one of them.",
      );
    }
    if ((serialize === undefined) !== (deserialize === undefined)) {
      throw new TypeError(
        `@Serializable on ${name} got only one of serialize and deserialize. ` +
          "One undoes the other: pass both.",
      );
    }
    const surrogate = serialize !== undefined && { serialize, deserialize };
    const register = (finished: object) => {
      // Always so; the compiler takes classes with private constructors for something else.
      if (isClass(finished)) registerSerializableType({ name, type: finished, ...surrogate });
    };
    if (context === undefined) {
      register(type);
      return;
    }
    // Another decorator may yet replace the class. Initializers run last and get the one that objects are
    // made of.
    context.addInitializer(function () {
      register(this);
    });
  };
}

function optionsFrom<T extends object, Data>(
  options: string | SerializableOptions<T, Data>,
): SerializableOptions<T, Data> {
  if (typeof options === "string") return { name: options };
  if (typeof options === "object") return options;
  throw new TypeError("@Serializable() takes a name or an options object.");
}

function checkName(name: string | undefined): asserts name is string {
  if (name === undefined) {
    throw new TypeError('@Serializable was put on a class without a name. Pass one: @Serializable("Point").');
  }
  if (typeof name !== "string" || name === "" || name.length > longestName) {
    throw new TypeError(
      `A name for @Serializable is a string of 1 to ${longestName} characters, not ${JSON.stringify(name)}.`,
    );
  }
}
