// Knows the classes that travel by value, by class for encoders and by name for decoders.

import type { AbstractClass, AnyClass } from "./class.ts";

/** A class that travels by value, as `@Serializable` recorded it. */
export interface SerializableType<T = object, Data = unknown> {
  /** What the class is called on the wire. */
  readonly name: string;
  readonly type: AbstractClass<T>;
  /** Turns an object into plain data. Absent: its own enumerable fields travel. */
  serialize?(value: T): Data;
  /**
   * Makes an object of what `serialize` returned. Absent: the fields are set on a new object of the class.
   */
  deserialize?(data: Data): T;
}

// Process-wide, beside the default domain the one exception to "no mutable state in modules": decorators run
// when a module is loaded and know no domain. A process has these classes as a .NET process has its loaded
// assemblies.
const byClass = new WeakMap<AnyClass, SerializableType>();
const byName = new Map<string, SerializableType[]>();

/**
 * Records a class that travels by value. Registering a class again replaces what was known of it.
 *
 * A second class under a name that is taken does not throw here, because hot reload and modules that are
 * loaded twice do just that without any harm, as long as no such object travels. Looking the name up throws.
 */
export function registerSerializableType(serializable: SerializableType): void {
  const { name, type } = serializable;
  const former = byClass.get(type);
  if (former !== undefined) {
    const others = (byName.get(former.name) ?? []).filter((candidate) => candidate !== former);
    byName.set(former.name, others);
  }
  byClass.set(type, serializable);
  byName.set(name, [...(byName.get(name) ?? []), serializable]);
}

/**
 * What is known of the class of an object, for encoders. Looks at exactly this class: an object of a subclass
 * that has no `@Serializable` of its own would arrive as something less than it was.
 *
 * @param type the object's constructor
 * @throws TypeError when another class bears the same name
 */
export function serializableTypeOf(type: AnyClass): SerializableType | undefined {
  const found = byClass.get(type);
  return found && serializableTypeNamed(found.name);
}

/**
 * What is known of the class with a name, for decoders.
 *
 * @throws TypeError when several classes bear the name
 */
export function serializableTypeNamed(name: string): SerializableType | undefined {
  const [found, ...others] = byName.get(name) ?? [];
  if (others.length > 0) {
    throw new TypeError(
      `${others.length + 1} different classes are @Serializable as ${JSON.stringify(name)}, ` +
        "so the name is ambiguous. " +
        `Pass an explicit name to all but one of them: @Serializable("shop.${name}"). ` +
        "If there is only one in the source, its module was loaded more than once.",
    );
  }
  return found;
}

/**
 * The name under which objects of exactly this class travel; `undefined` when they do not travel by value.
 */
export function serializableNameOf(type: AnyClass): string | undefined {
  return serializableTypeOf(type)?.name;
}

/** The class that a name on the wire stands for; `undefined` when this process knows none. */
export function serializableClass(name: string): AbstractClass | undefined {
  return serializableTypeNamed(name)?.type;
}
