// The attribute of classes of which all callers share one object.

import { recordActivation } from "./activation.ts";
import { expectParentheses } from "./decoration.ts";
import type { MarshalByRefObject } from "./marshal-by-ref-object.ts";

/**
 * Publishes a class so that all callers share one object, which is made at the first call. For what belongs
 * to the server as a whole: a cache, a counter, a directory, a chat room.
 *
 * Accepted on classes that extend `MarshalByRefObject` and can be constructed without arguments, because it
 * is the server that constructs them.
 *
 * Mirrors `WellKnownObjectMode.Singleton`.
 *
 * @param uri the URI behind the channel's address. Default: the class's name, so that the URL can be guessed
 * from the contract. Give one if a minifier renames classes.
 * @throws TypeError when put on something else, together with another activation attribute, or with an
 * illegal URI
 *
 * @example
 * ```ts
 * @Singleton("Counter")
 * export class Counter extends MarshalByRefObject {
 *   #value = 0;
 *   increment(by = 1): number {
 *     return (this.#value += by);
 *   }
 * }
 * ```
 */
export function Singleton(
  uri?: string,
): <C extends new () => MarshalByRefObject>(type: C, context?: ClassDecoratorContext<C>) => void;
export function Singleton(uri?: string, ...misplaced: readonly unknown[]) {
  expectParentheses("@Singleton", [uri, ...misplaced]);
  return <C extends new () => MarshalByRefObject>(type: C, context?: ClassDecoratorContext<C>): void =>
    recordActivation("Singleton", uri, type, context);
}
