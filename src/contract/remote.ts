// What a remote object looks like to its callers: the type `Remote<T>`, the types that carry its rules into
// results and parameters, and the decorator of the same name that opts methods in.

import type { AbstractClass } from "./class.ts";
import { expectParentheses, methodSite, type RemotableMethodDecorator } from "./decoration.ts";
import type { MarshalByRefObject } from "./marshal-by-ref-object.ts";
import { MemberMark } from "./metadata.ts";
import type {
  AnyFunction,
  ByValue,
  IsAny,
  IsBehavior,
  IsMethod,
  Nothing,
  ReferencesIn,
} from "./references-in.ts";
import type { RemoteReference } from "./remote-reference.ts";
import type { UncallableName } from "./uncallable-names.ts";

/** Methods that may be called under `exposure: "marked"`. Holds for overriding methods too. */
export const remoteMark = new MemberMark("remoting:remote");

/**
 * Marks a method as callable from other processes, for domains with `exposure: "marked"`, in which nothing
 * else is. Where exposure is `"public"`, the default, the mark changes nothing.
 *
 * Has no counterpart in .NET Remoting. The type {@link Remote} shares the name: one import gives both.
 *
 * @throws TypeError when put on anything but a public instance method, such as a static one
 *
 * @example
 * ```ts
 * export class Account extends MarshalByRefObject {
 *   @Remote()
 *   balance(): number {
 *     return this.#balance;
 *   }
 * }
 * ```
 */
export function Remote(): RemotableMethodDecorator;
export function Remote(...misplaced: readonly unknown[]): RemotableMethodDecorator {
  expectParentheses("@Remote", misplaced);
  return (
    target: unknown,
    context: ClassMethodDecoratorContext | string,
    descriptor?: PropertyDescriptor,
  ): void => {
    const { holder, name } = methodSite("@Remote()", target, context, descriptor);
    remoteMark.record(holder, name);
  };
}

/**
 * A by-reference object as its callers see it: the proxy of a `T`.
 *
 * - Public methods become functions that return promises; fields, accessors, `_underscore` names, symbols and
 *   the names of `Object.prototype` are not there.
 * - By-reference objects in results are `Remote`, functions are `RemoteFunction`: see {@link Received}.
 * - Where a parameter travels by reference, the object or a proxy of it may be passed: see {@link Accepted}.
 *
 * TypeScript cannot carry type parameters and overloads through such a change: of overloads the last remains,
 * and type parameters become their constraints. So a method that callers can use as it is declared (it
 * returns a promise, and nothing in it travels by reference) keeps its declaration.
 *
 * Decorators change no types: what `@Local()` hides, or `"marked"` exposure leaves out, is still here, and a
 * call of it is refused by the server.
 *
 * @example
 * ```ts
 * export class Counter extends MarshalByRefObject {
 *   increment(by = 1): number { … }            // becomes (by?: number) => RemotePromise<number>
 *   clone(): Counter { … }                     // becomes () => RemotePromise<Remote<Counter>>
 *   merge(other: Remote<Counter>): void { … }  // becomes (other: Counter | Remote<Counter>) => …
 * }
 * ```
 */
// biome-ignore lint/suspicious/noRedeclare: the type and the decorator share the name
export type Remote<T> = {
  [Name in keyof T as CallableName<T, Name>]: RemoteMethod<NonNullable<T[Name]>>;
} & RemoteReference<T>;

/**
 * What a remote call returns: a promise of the result. A type of its own, so that pipelining can be added to
 * it.
 */
export type RemotePromise<R> = Promise<R>;

/** A function of the other process as its receiver sees it. */
export type RemoteFunction<F extends AnyFunction> = RemoteMethod<F> & RemoteReference<F>;

/**
 * The arguments of `createInstance`: those of `static create` where a class has it, else of the constructor.
 */
export type ConstructorArguments<C extends AbstractClass> = C extends {
  create(...parameters: infer Parameters): InstanceType<C> | Promise<InstanceType<C>>;
}
  ? ChangedItems<Parameters, "accepted">
  : C extends abstract new (
        ...parameters: infer Parameters
      ) => unknown
    ? ChangedItems<Parameters, "accepted">
    : never;

/**
 * A value as its receiver gets it: by-reference objects in it have become `Remote`, functions
 * {@link RemoteFunction}. Callers receive results and the arguments of their callbacks.
 *
 * Objects of `@Serializable` classes arrive as they were sent. The compiler sees no decorators: it leaves
 * alone what has private members, and in other object types the methods that stand beside data.
 */
export type Received<T> = Changed<T, "received">;

/**
 * What callers may pass where a `T` is declared: for a by-reference object or a `Remote` of one, both the
 * object and a proxy of it; for a function, one whose result may be a promise.
 */
export type Accepted<T> = Changed<T, "accepted">;

/** Results change as they are received, parameters as they are accepted. */
type Direction = "received" | "accepted";

/** A type with its references replaced, at any depth. What holds none is exactly what it was. */
type Changed<T, As extends Direction> =
  IsAny<T> extends true
    ? T
    : T extends RemoteReference | MarshalByRefObject | AnyFunction
      ? ChangedReference<T, As>
      : T extends ByValue
        ? T
        : [ChangingIn<T, As>] extends [never]
          ? T
          : T extends readonly unknown[]
            ? ChangedItems<T, As>
            : T extends Map<infer Key, infer Value>
              ? Map<Changed<Key, As>, Changed<Value, As>>
              : T extends Set<infer Item>
                ? Set<Changed<Item, As>>
                : T extends ReadonlyMap<infer Key, infer Value>
                  ? ReadonlyMap<Changed<Key, As>, Changed<Value, As>>
                  : T extends ReadonlySet<infer Item>
                    ? ReadonlySet<Changed<Item, As>>
                    : {
                        [Name in keyof T]: IsBehavior<T, Name> extends true ? T[Name] : Changed<T[Name], As>;
                      };

type ChangedItems<Items extends readonly unknown[], As extends Direction> = {
  [Index in keyof Items]: Changed<Items[Index], As>;
};

type ChangedReference<T, As extends Direction> = As extends "received"
  ? T extends RemoteReference
    ? T
    : T extends AnyFunction
      ? RemoteFunction<T>
      : Remote<T>
  : T extends RemoteReference<infer Referent>
    ? T | (Referent extends AnyFunction ? AcceptedFunction<Referent> : Referent)
    : T extends AnyFunction
      ? AcceptedFunction<T>
      : T | Remote<T>;

/** The references in a type that are not right as they are. */
type ChangingIn<T, As extends Direction> =
  ReferencesIn<T> extends infer Reference
    ? Reference extends RemoteReference
      ? As extends "received"
        ? never
        : Reference
      : Reference extends AnyFunction
        ? As extends "received"
          ? Reference
          : IsAcceptedAsDeclared<Reference> extends true
            ? never
            : Reference
        : Reference
    : never;

type AcceptedFunction<F extends AnyFunction> =
  IsAcceptedAsDeclared<F> extends true
    ? F
    : F extends (...parameters: infer Parameters) => infer Result
      ? (...parameters: ChangedItems<Parameters, "received">) => AcceptedResult<Result>
      : never;

type IsAcceptedAsDeclared<F extends AnyFunction> = F extends (...parameters: infer Parameters) => infer Result
  ? [ChangingIn<Parameters, "received"> | ReferencesIn<Awaited<Result>>] extends [never]
    ? AcceptedResult<Result> extends Result
      ? true
      : false
    : false
  : false;

/** Where nobody uses the result, `void` lets callers return what they like, promises included. */
type AcceptedResult<Result> = [Nothing] extends [Awaited<Result>]
  ? Nothing
  : Accepted<Awaited<Result>> | Promise<Accepted<Awaited<Result>>>;

/**
 * Written as a method, so that proxies of a subclass fit where those of its base class do, as the objects do.
 */
type RemoteMethod<F> =
  IsCallableAsDeclared<F> extends true
    ? F
    : F extends (...parameters: infer Parameters) => infer Result
      ? {
          call(...parameters: ChangedItems<Parameters, "accepted">): RemotePromise<Received<Awaited<Result>>>;
        }["call"]
      : never;

type IsCallableAsDeclared<F> = [ChangingSignature<Signatures<F>>] extends [never] ? true : false;

type ChangingSignature<Signature> = Signature extends [infer Parameters, infer Result]
  ? IsPromise<Result> extends true
    ? [ChangingIn<Parameters, "accepted"> | ChangingIn<Awaited<Result>, "received">] extends [never]
      ? never
      : Signature
    : Signature
  : never;

type IsPromise<T> =
  IsAny<T> extends true ? false : [T] extends [never] ? false : [T] extends [Promise<unknown>] ? true : false;

/**
 * The last five overloads, each as a pair of parameters and result. Where there are fewer, the first fills
 * up.
 */
type Signatures<F> = F extends {
  (...parameters: infer P1): infer R1;
  (...parameters: infer P2): infer R2;
  (...parameters: infer P3): infer R3;
  (...parameters: infer P4): infer R4;
  (...parameters: infer P5): infer R5;
}
  ? [P1, R1] | [P2, R2] | [P3, R3] | [P4, R4] | [P5, R5]
  : never;

/**
 * The names under which something is callable from outside: the rule of `describeType`, as far as types can
 * tell.
 */
type CallableName<T, Name extends keyof T> = Name extends string
  ? Name extends `_${string}` | UncallableName | "then"
    ? never
    : IsMethod<NonNullable<T[Name]>> extends true
      ? Name
      : never
  : never;
