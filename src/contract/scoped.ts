// Functions that are passed for the time of one call.

import type { AnyFunction } from "./references-in.ts";

/** Marks the functions that {@link scoped} has made. */
const scopedMark: unique symbol = Symbol("remoting:scoped");

/**
 * Makes of a function one that is lent for a single call: when the call among whose arguments it is has settled, neither
 * side keeps anything of it, without a message and without waiting for a garbage collector. For callbacks that the
 * method only needs while it runs, and above all for those that are made anew for each call.
 *
 * Afterwards the receiver's proxy of it fails with `ObjectDisconnectedError`. It cannot be returned, and not be passed to
 * a one-way call, whose end nobody knows. Has no counterpart in .NET Remoting.
 *
 * @returns A new function that calls `callback`. May be passed to several calls, also at the same time.
 *
 * @example
 * ```ts
 * await library.search(query, scoped((found) => console.log(found)));
 * ```
 */
export function scoped<F extends AnyFunction>(callback: F): F {
  const bound = (...args: readonly unknown[]) => Reflect.apply(callback, undefined, args);
  Object.defineProperties(bound, { [scopedMark]: { value: true }, name: { value: callback.name } });
  return bound as AnyFunction as F;
}

/** Whether a value was made by {@link scoped}. */
export function isScoped(value: object): boolean {
  return typeof value === "function" && Object.hasOwn(value, scopedMark);
}
