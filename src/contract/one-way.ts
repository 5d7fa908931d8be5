// The attribute of methods whose callers do not wait for an answer.

import { expectParentheses, methodSite, type RemotableMethodDecorator } from "./decoration.ts";
import { MemberMark } from "./metadata.ts";

/** Methods that callers do not wait for. Holds for overriding methods too. */
export const oneWayMark = new MemberMark("remoting:one-way");

/**
 * Makes calls of a method fire and forget: the caller's promise resolves when the call has been handed to the
 * transport, nothing comes back, and what the method throws stays on the server. For notifications, where an
 * answer would only cost a round trip; and the only kind of method that one-way channels such as mailslots
 * can carry.
 *
 * Accepted on public instance methods that return `void` or `Promise<void>`: other results would be lost. A
 * method that overrides a one-way method is one-way as well.
 *
 * Mirrors `System.Runtime.Remoting.Messaging.OneWayAttribute`.
 *
 * @throws TypeError when put on anything but a public instance method, such as a static one
 *
 * @example
 * ```ts
 * export class Journal extends MarshalByRefObject {
 *   @OneWay()
 *   log(line: string): void {
 *     this.#lines.push(line);
 *   }
 * }
 * ```
 */
export function OneWay(): RemotableMethodDecorator<(...args: never) => void | Promise<void>>;
export function OneWay(
  ...misplaced: readonly unknown[]
): RemotableMethodDecorator<(...args: never) => void | Promise<void>> {
  expectParentheses("@OneWay", misplaced);
  return (
    target: unknown,
    context: ClassMethodDecoratorContext | string,
    descriptor?: PropertyDescriptor,
  ): void => {
    const { holder, name } = methodSite("@OneWay()", target, context, descriptor);
    oneWayMark.record(holder, name);
  };
}
