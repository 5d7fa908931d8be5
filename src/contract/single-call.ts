// The attribute of classes that serve every call with a fresh object.

import { recordActivation } from "./activation.ts";
import { expectParentheses } from "./decoration.ts";
import type { MarshalByRefObject } from "./marshal-by-ref-object.ts";

/**
 * Publishes a class so that each call makes an object of its own, which is disposed of once its result has
 * been sent. For stateless services: no call sees another's state, and nothing has to be locked or kept
 * alive.
 *
 * Accepted on classes that extend `MarshalByRefObject` and can be constructed without arguments, because it
 * is the server that constructs them.
 *
 * Mirrors `WellKnownObjectMode.SingleCall`.
 *
 * @param uri the URI behind the channel's address. Default: the class's name, so that the URL can be guessed
 * from the contract. Give one if a minifier renames classes.
 * @throws TypeError when put on something else, together with another activation attribute, or with an
 * illegal URI
 *
 * @example
 * ```ts
 * @SingleCall("Calculator")
 * export class Calculator extends MarshalByRefObject {
 *   add(a: number, b: number): number {
 *     return a + b;
 *   }
 * }
 * ```
 */
export function SingleCall(
  uri?: string,
): <C extends new () => MarshalByRefObject>(type: C, context?: ClassDecoratorContext<C>) => void;
export function SingleCall(uri?: string, ...misplaced: readonly unknown[]) {
  expectParentheses("@SingleCall", [uri, ...misplaced]);
  return <C extends new () => MarshalByRefObject>(type: C, context?: ClassDecoratorContext<C>): void =>
    recordActivation("SingleCall", uri, type, context);
}
