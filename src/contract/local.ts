// The attribute that keeps a public method at home.

import { expectParentheses, methodSite, type RemotableMethodDecorator } from "./decoration.ts";
import { MemberMark } from "./metadata.ts";

/** Methods that no other process may call. Holds for overriding methods too. */
export const localMark = new MemberMark("remoting:local");

/**
 * Hides a public method from callers in other processes. TypeScript's `private` and `protected` are erased
 * when the code is compiled and hide nothing at run time: a method that only the own process may call is
 * `#private`, begins with an underscore, or is `@Local()`.
 *
 * A method that overrides a hidden one stays hidden, even if it is marked `@Remote()`.
 *
 * Has no counterpart in .NET Remoting, where every public method is callable.
 *
 * @throws TypeError when put on anything but a public instance method, such as a static one
 *
 * @example
 * ```ts
 * export class Account extends MarshalByRefObject {
 *   balance(): number {
 *     return this.#balance;
 *   }
 *   @Local()
 *   correct(balance: number): void {
 *     this.#balance = balance;
 *   }
 * }
 * ```
 */
export function Local(): RemotableMethodDecorator;
export function Local(...misplaced: readonly unknown[]): RemotableMethodDecorator {
  expectParentheses("@Local", misplaced);
  return (
    target: unknown,
    context: ClassMethodDecoratorContext | string,
    descriptor?: PropertyDescriptor,
  ): void => {
    const { holder, name } = methodSite("@Local()", target, context, descriptor);
    localMark.record(holder, name);
  };
}
