/** Finds out where in a value the trouble is. Only called when there is some, so it may be slow. */

import type { AnyClass } from "../contract/class.ts";
import { serializableNameOf } from "../contract/type-registry.ts";

/** Thrown inside the marshaler; becomes a `SerializationError` with a path. */
export class MarshalingFailure {
  /** What cannot travel. */
  readonly culprit: unknown;
  readonly reason: string;

  constructor(culprit: unknown, reason: string) {
    this.culprit = culprit;
    this.reason = reason;
  }
}

const identifier = /^[A-Za-z_$][\w$]*$/;

/** Whether the fields of an object travel: those of references do not, whatever is in them. */
function travelsByValue(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null || value instanceof Error) return true;
  return (
    typeof value.constructor === "function" && serializableNameOf(value.constructor as AnyClass) !== undefined
  );
}

function* childrenOf(value: unknown): Generator<[step: string, child: unknown]> {
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) yield [`[${index}]`, value[index]];
  } else if (value instanceof Map) {
    let index = 0;
    for (const [key, item] of value) {
      yield [`.keys()[${index}]`, key];
      yield [typeof key === "string" ? `.get(${JSON.stringify(key)})` : `.values()[${index}]`, item];
      index++;
    }
  } else if (value instanceof Set) {
    let index = 0;
    for (const item of value) yield [`.values()[${index++}]`, item];
  } else if (typeof value === "object" && value !== null && travelsByValue(value)) {
    for (const [key, child] of Object.entries(value)) {
      yield [identifier.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`, child];
    }
  }
}

/** Paths that are longer are shortened in messages. */
const longestInMessage = 200;

/** A path as a message shows it: of a very long one the beginning and the end. */
export function shortened(path: string): string {
  if (path.length <= longestInMessage) return path;
  // Cut between two steps, where there are any.
  const head = path.slice(0, 100).replace(/(?<=.)[.[][^.[]*$/, "");
  const tail = path.slice(-60).replace(/^[^.[]*/, "");
  return `${head} … ${tail}`;
}

/** What {@link locate} found. */
export interface Location {
  readonly path: string;
  /** Where the value that contains itself is, if the trouble is a cycle. */
  readonly cycleOf: string | undefined;
}

/** How many levels below the deepest that may travel are searched for a cycle, to call it one. */
const levelsBelow = 64;

/** How often the search may come to its lowest level: getters that make new objects have no end, and branch. */
const mostDeadEnds = 1_000;

/**
 * The path from `root` to the culprit. If the culprit lies inside a value that contains itself, the path is
 * that of the first repetition.
 *
 * @param maxDepth How deep a culprit may be.
 */
export function locate(root: unknown, rootName: string, culprit: unknown, maxDepth: number): Location {
  const ancestors = new Map<unknown, string>();
  /** With their levels: what was out of reach below an object may not be where it occurs higher up. */
  const finished = new Map<unknown, number>();
  let deadEnds = 0;

  const visit = (value: unknown, path: string): Location | undefined => {
    const ancestor = ancestors.get(value);
    if (ancestor !== undefined) return { path, cycleOf: ancestor };
    if (Object.is(value, culprit)) {
      // A culprit for its depth may still be part of a cycle: look on below it before settling for it.
      const below = typeof value === "object" && value !== null ? cycleThrough(value, path) : undefined;
      return below ?? { path, cycleOf: undefined };
    }
    return typeof value === "object" && value !== null ? descend(value, path) : undefined;
  };

  const descend = (value: object, path: string): Location | undefined => {
    const level = ancestors.size;
    if (deadEnds > mostDeadEnds || level >= (finished.get(value) ?? Infinity)) return undefined;
    if (level >= maxDepth + levelsBelow) {
      deadEnds++;
      return undefined;
    }
    ancestors.set(value, path);
    for (const [step, child] of childrenOf(value)) {
      const found = visit(child, path + step);
      if (found !== undefined) return found;
    }
    ancestors.delete(value);
    finished.set(value, level);
    return undefined;
  };

  const cycleThrough = (value: object, path: string): Location | undefined => {
    try {
      const found = descend(value, path);
      return found?.cycleOf === undefined ? undefined : found;
    } catch {
      // A getter that the marshaler never came to. It is not what went wrong.
      return undefined;
    }
  };

  return visit(root, rootName) ?? { path: rootName, cycleOf: undefined };
}
