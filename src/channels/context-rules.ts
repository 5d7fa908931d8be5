/**
 * What may flow with calls, and how much. It crosses every boundary on the way of a call, also those whose formatters
 * and classes its author has never heard of: so it is plain data, by value, and little of it.
 */
import { LimitExceededError, SerializationError } from "../errors.ts";
import type { LogicalValue } from "../messages/logical-data.ts";

/** The most values that flow with a call: far more than identities, locales and trace ids need. */
export const maxContextEntries = 64;

/** The longest name of a value, in characters. */
export const maxContextNameLength = 128;

/** The most that flows with a call, in bytes of the wire: it is paid for with every call, so it is no place for much. */
export const maxContextBytes = 4096;

/** How deep arrays and objects may nest in a value. */
const maxContextDepth = 8;

/** Throws TypeError for a name that cannot be one. */
export function checkContextName(name: unknown): asserts name is string {
  const problem = problemOfName(name);
  if (problem !== undefined) throw new TypeError(problem);
}

function problemOfName(name: unknown): string | undefined {
  if (typeof name !== "string")
    return `The name of a value in the call context must be a string, not ${typeof name}`;
  if (!/^[\x21-\x7e]+$/.test(name) || name.length > maxContextNameLength) {
    return `The call context takes names of 1 to ${maxContextNameLength} printable ASCII characters without spaces, not ${JSON.stringify(name.slice(0, 200))}`;
  }
  return name === "__proto__" ? "__proto__ cannot be a name in the call context" : undefined;
}

/**
 * A frozen copy of a value that is to flow with calls.
 *
 * @param path What to call the value in the message of an error.
 * @throws SerializationError with the path to what cannot flow.
 */
export function copyLogicalValue(value: unknown, path: string, depth = 0): LogicalValue {
  if (value === null) return null;
  switch (typeof value) {
    case "boolean":
    case "string":
      return value;
    case "number":
      if (Number.isFinite(value)) return value;
      break;
    case "object":
      if (depth === maxContextDepth) {
        throw refused(path, `nests deeper than ${maxContextDepth} levels`);
      }
      if (Array.isArray(value)) {
        return Object.freeze(
          value.map((item, index) => copyLogicalValue(item, `${path}[${index}]`, depth + 1)),
        );
      }
      if (isPlain(value)) return copyObject(value, path, depth);
      break;
    default:
      break;
  }
  throw refused(path, `is ${describe(value)}`);
}

function copyObject(value: object, path: string, depth: number): LogicalValue {
  const copy: Record<string, LogicalValue> = {};
  for (const [key, item] of Object.entries(value)) {
    if (key === "__proto__") throw refused(path, "has a key __proto__");
    copy[key] = copyLogicalValue(item, `${path}.${key}`, depth + 1);
  }
  if (Object.getOwnPropertySymbols(value).length > 0) throw refused(path, "has a symbol for a key");
  return Object.freeze(copy);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function describe(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (typeof value !== "object" || value === null) return `of type ${typeof value}`;
  const maker: unknown = Reflect.get(value, "constructor");
  return typeof maker === "function" ? `a ${maker.name}` : "an object of a class";
}

function refused(path: string, reason: string): SerializationError {
  return new SerializationError(
    `${path} ${reason}: what flows in the call context is null, booleans, finite numbers, strings, and arrays and plain objects of these`,
    { path },
  );
}

/** Throws LimitExceededError if more flows than may. */
export function checkContextSize(entries: number, bytes: number): void {
  if (entries > maxContextEntries) {
    throw new LimitExceededError(
      "maxContextEntries",
      `The call context has ${entries} values, and at most ${maxContextEntries} flow with a call`,
    );
  }
  if (bytes > maxContextBytes) {
    throw new LimitExceededError(
      "maxContextBytes",
      `The call context has ${bytes} bytes, and at most ${maxContextBytes} flow with a call: pass larger data as an argument`,
    );
  }
}
