/**
 * Shapes: the field names of objects that occur again and again. A shape is told to the peer once, in a frame
 * of its own, and from then on its objects travel as a number and their values. That is what makes structured
 * payloads fast (msgpackr calls it records).
 */
import { maxObjectKeys, SerializationError } from "../../spi.ts";

/** How many shapes each side remembers for the other, and how many fields one may have: part of the protocol. */
export const maxShapes = 1024;
export const maxFields = maxObjectKeys;
const maxDefinitionBytes = 8192;

const fieldName = /^[A-Za-z_$][A-Za-z0-9_$]{0,63}$/;

/**
 * Names that mean something to JavaScript itself. An object that has one travels as a plain map, where they
 * are only data.
 */
const refusedNames = new Set([
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "valueOf",
  "hasOwnProperty",
  "toJSON",
  "then",
]);

/** Whether objects with these keys may travel as a shape. */
export function isShape(keys: readonly string[]): boolean {
  return (
    keys.length > 0 &&
    keys.length <= maxFields &&
    keys.every((key) => fieldName.test(key) && !refusedNames.has(key))
  );
}

/** Writes a definition: the first shape's number and the names of the fields of it and of those that follow. */
export function writeDefinition(first: number, shapes: readonly (readonly string[])[]): Buffer {
  return Buffer.from(`${first}\n${shapes.map((keys) => keys.join(" ")).join("\n")}`, "latin1");
}

/** Reads a definition that a peer sent. Throws `SerializationError` unless it is exactly what this side would write. */
export function readDefinition(definition: Buffer, known: number): string[][] {
  if (definition.length > maxDefinitionBytes * 16) throw refused(`it has ${definition.length} bytes`);
  const [first, ...lines] = definition.toString("latin1").split("\n");
  if (first !== String(known)) throw refused("its number is not the next one");
  if (known + lines.length > maxShapes) throw refused(`there would be more than ${maxShapes}`);
  return lines.map((line) => {
    const keys = line.split(" ");
    if (!isShape(keys) || new Set(keys).size !== keys.length)
      throw refused("its field names are not allowed");
    return keys;
  });
}

function refused(reason: string): SerializationError {
  return new SerializationError(`The peer sent a definition of a shape that is refused: ${reason}`);
}

/**
 * Decides which shapes are worth a number: those that are seen a second time. Objects used as dictionaries
 * have different keys each time and must not fill the table.
 */
export class ShapeCandidates {
  #seen = new Set<string>();
  /** Whether any keys were found not worthy since this was last set to `false`. */
  rejected = false;

  /** Whether objects with these keys should get a number now. */
  isWorthy(keys: readonly string[]): boolean {
    this.rejected = true;
    if (!isShape(keys)) return false;
    const text = keys.join(" ");
    if (this.#seen.delete(text)) return true;
    if (this.#seen.size >= maxShapes) this.#seen = new Set();
    this.#seen.add(text);
    return false;
  }
}
