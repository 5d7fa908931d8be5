// The attribute that says who may call.

import type { AbstractClass, AnyClass } from "./class.ts";
import { classSite, expectParentheses, methodSite, type RemotableMethodDecorator } from "./decoration.ts";
import { MarshalByRefObject } from "./marshal-by-ref-object.ts";
import { InheritedMark } from "./metadata.ts";

/** Who may call, see {@link Authorize}. What is given has to hold, all of it. */
export interface AccessRule {
  /** The caller has at least one of these roles. */
  readonly roles?: readonly string[];
  /** The caller's name is one of these. */
  readonly principals?: readonly string[];
  /**
   * `true` lets everybody in, those too who have not proved who they are: for a method of a class that lets in few. Not
   * together with the others.
   */
  readonly anonymous?: boolean;
}

/** {@link Authorize} on a class or on a public method of it, in both decorator modes. */
export interface AuthorizeDecorator extends RemotableMethodDecorator {
  /** On a class. */
  <C extends AbstractClass<MarshalByRefObject>>(type: C, context?: ClassDecoratorContext<C>): void;
}

const accessMark = new InheritedMark<AccessRule>("remoting:authorize");

/**
 * Says who may call the methods of a class, or one method; on a class also, who may make objects of it with
 * `createInstance`. Checked before the arguments of a call are decoded; whoever may not gets an `AccessDeniedError`.
 *
 * Without arguments: whoever has proved who it is. A method's own rule takes the place of its class's. Rules are
 * inherited: a subclass has that of its base class, and an overriding method that of the method that it overrides,
 * until they have one of their own.
 *
 * It holds wherever the object is called from: as a published service, as an object that was returned or passed by
 * reference, and for the client's objects when the server calls back. Calls within the process are not calls of anybody
 * and are not checked.
 *
 * Mirrors `PrincipalPermissionAttribute`, whose name and role must both be right as well.
 *
 * @throws TypeError when put on anything else, twice on the same, or with a rule that makes no sense
 *
 * @example
 * ```ts
 * @Authorize({ roles: ["clerk", "manager"] })
 * @Singleton()
 * export class Ledger extends MarshalByRefObject {
 *   total(): number { … }
 *   @Authorize({ roles: ["manager"] })
 *   close(): void { … }
 *   @Authorize({ anonymous: true })
 *   version(): string { … }
 * }
 * ```
 */
export function Authorize(rule?: AccessRule): AuthorizeDecorator;
export function Authorize(rule: AccessRule = {}, ...misplaced: readonly unknown[]): AuthorizeDecorator {
  expectParentheses("@Authorize", [rule, ...misplaced]);
  const checked = checkAccessRule(rule, "@Authorize()");
  return (
    target: unknown,
    context?: ClassMethodDecoratorContext | ClassDecoratorContext | string,
    descriptor?: PropertyDescriptor,
  ): void => {
    const isOnClass = typeof context === "object" ? context.kind === "class" : context === undefined;
    if (isOnClass && typeof context !== "string") {
      const { holder, className = "the class" } = classSite("@Authorize()", target, context);
      if (typeof target !== "function" || !(target.prototype instanceof MarshalByRefObject)) {
        throw new TypeError(
          `@Authorize() was put on ${className}, which does not extend MarshalByRefObject.`,
        );
      }
      record(holder, undefined, checked, className);
    } else {
      const { holder, name } = methodSite("@Authorize()", target, context, descriptor);
      record(holder, name, checked, `the method "${name}"`);
    }
  };
}

function record(holder: object, member: string | undefined, rule: AccessRule, where: string): void {
  if (accessMark.recordedOn(holder, member) !== undefined) {
    throw new TypeError(`@Authorize() was put on ${where} twice. Say all of it in one.`);
  }
  accessMark.record(holder, member, rule);
}

/** A rule that makes sense, as data of its own. Throws TypeError otherwise. */
export function checkAccessRule(rule: AccessRule, where: string): AccessRule {
  const { roles, principals, anonymous = false, ...others } = rule;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new TypeError(`${where} knows no "${unknown}": expected roles, principals or anonymous.`);
  }
  for (const [name, list] of Object.entries({ roles, principals })) {
    if (list === undefined) continue;
    if (
      !Array.isArray(list) ||
      list.length === 0 ||
      !list.every((item) => typeof item === "string" && item !== "")
    ) {
      throw new TypeError(
        `${where}: ${name} must be a list of at least one name; with none, nobody could call.`,
      );
    }
  }
  if (anonymous && (roles !== undefined || principals !== undefined)) {
    throw new TypeError(
      `${where}: anonymous lets everybody in, so roles and principals mean nothing beside it.`,
    );
  }
  return Object.freeze({
    ...(roles === undefined ? {} : { roles: Object.freeze([...roles]) }),
    ...(principals === undefined ? {} : { principals: Object.freeze([...principals]) }),
    ...(anonymous ? { anonymous } : {}),
  });
}

/**
 * The rule for a method of a class, or without one for making objects of it: the method's own, else the class's;
 * `undefined` if there is none, and everybody may.
 */
export function accessRuleOf(type: AnyClass, method?: string): AccessRule | undefined {
  const ofMethod = method === undefined ? undefined : accessMark.of(type, method);
  return ofMethod ?? accessMark.of(type);
}
