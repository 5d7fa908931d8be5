// The base class that decides "by reference": what extends it stays where it was made, and others hold
// proxies.

declare const byReference: unique symbol;

/**
 * Base class of every object that is used from another process without leaving its own. Passed as an argument
 * or returned as a result, it travels as a reference, and the other side gets a {@link Remote} of it.
 *
 * The class has no members at run time, so it costs nothing and reserves no method names but
 * `initializeLifetimeService`, which is the owner's business and never callable from outside.
 *
 * Mirrors `System.MarshalByRefObject`.
 *
 * @example
 * ```ts
 * export class Counter extends MarshalByRefObject {
 *   #value = 0;
 *   increment(by = 1): number {
 *     return (this.#value += by);
 *   }
 * }
 * ```
 */
export abstract class MarshalByRefObject {
  /** Exists for the compiler only: without it every object would look like a `MarshalByRefObject`. */
  declare protected readonly [byReference]: true;
}
