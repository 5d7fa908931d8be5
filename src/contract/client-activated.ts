// The attribute of classes of which each client makes objects of its own.

import { recordActivation } from "./activation.ts";
import type { Class } from "./class.ts";
import { expectParentheses } from "./decoration.ts";
import type { MarshalByRefObject } from "./marshal-by-ref-object.ts";

/**
 * Publishes a class so that clients make objects of it with `createInstance`, each for itself and with
 * constructor arguments. For state that belongs to one client: a shopping cart, an editing session, a cursor.
 *
 * Accepted on classes that extend `MarshalByRefObject` and are not abstract.
 *
 * Mirrors `RemotingConfiguration.RegisterActivatedServiceType`.
 *
 * @param name what the class is called on the wire. Default: the class's name, which both sides know when
 * they share the contract. Give one if a minifier renames classes.
 * @throws TypeError when put on something else, together with another activation attribute, or with an
 * illegal name
 *
 * @example
 * ```ts
 * @ClientActivated()
 * export class Cart extends MarshalByRefObject {
 *   constructor(readonly owner: string) {
 *     super();
 *   }
 * }
 * ```
 */
export function ClientActivated(
  name?: string,
): <C extends Class<MarshalByRefObject>>(type: C, context?: ClassDecoratorContext<C>) => void;
export function ClientActivated(name?: string, ...misplaced: readonly unknown[]) {
  expectParentheses("@ClientActivated", [name, ...misplaced]);
  return <C extends Class<MarshalByRefObject>>(type: C, context?: ClassDecoratorContext<C>): void =>
    recordActivation("ClientActivated", name, type, context);
}
