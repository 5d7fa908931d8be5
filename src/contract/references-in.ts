// Finds, in the compiler, what in a type travels by reference. Types without any are left alone as a whole:
// rebuilding one member by member would take its private members from a class, and its meaning from a `Date`.

import type { MarshalByRefObject } from "./marshal-by-ref-object.ts";
import type { RemoteReference } from "./remote-reference.ts";

/** Every function type. */
export type AnyFunction = (...parameters: never) => unknown;

/** Whether a type is `any`, in which everything is found and nothing is known. */
export type IsAny<T> = 0 extends 1 & T ? true : false;

/** What a function returns that returns nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: it is the result of functions that is spoken of
export type Nothing = void;

/** What travels by value, or in a way of its own, and never contains a reference. */
export type ByValue =
  | string
  | number
  | bigint
  | boolean
  | symbol
  | null
  | undefined
  | Nothing
  | Date
  | RegExp
  | Error
  | ArrayBufferLike
  | ArrayBufferView
  | AbortSignal
  | AsyncIterable<unknown>;

/**
 * Whether a function type comes from a method (`read(at: number): string`) and not from a property that holds
 * a function (`read: (at: number) => string`). The compiler knows: it compares parameters of methods both
 * ways and those of other functions one way. Without parameters there is nothing to compare, and the answer
 * is `true`.
 */
export type IsMethod<F> =
  IsAny<F> extends true
    ? false
    : [F] extends [never]
      ? false
      : [F] extends [AnyFunction]
        ? FitsEveryMethod extends F
          ? true
          : false
        : false;

interface FitsEveryMethod {
  (...parameters: never[]): never;
  /** Type guards are satisfied by nothing but a type guard. */
  (value: never, ...parameters: never[]): value is never;
}

/**
 * Whether a member of a plain object type is a method of a class that travels by value, which arrives with
 * the class, and not a function that is sent along. Objects of such a class have data besides; where all
 * members are functions, it is the functions that are sent.
 */
export type IsBehavior<T, Name extends keyof T> =
  HasData<T> extends true ? IsMethod<NonNullable<T[Name]>> : false;

/**
 * The union of all types in `T` that travel by reference: by-reference objects, proxies, functions. Looked
 * for in arrays, tuples, maps, sets, unions and plain object types, eight levels down, which ends recursive
 * types. Classes with private members are not looked into: nothing but themselves can take their place.
 */
export type ReferencesIn<T, Depth extends 0[] = []> =
  IsAny<T> extends true
    ? never
    : Depth["length"] extends Deepest
      ? never
      : T extends RemoteReference | MarshalByRefObject | AnyFunction
        ? T
        : T extends ByValue
          ? never
          : T extends readonly (infer Item)[] | ReadonlySet<infer Item>
            ? ReferencesIn<Item, [...Depth, 0]>
            : T extends ReadonlyMap<infer Key, infer Value>
              ? ReferencesIn<Key | Value, [...Depth, 0]>
              : HasHiddenMembers<T> extends true
                ? never
                : { [Name in keyof T]-?: ReferencesInMember<T, Name, [...Depth, 0]> }[keyof T];

type Deepest = 8;

type ReferencesInMember<T, Name extends keyof T, Depth extends 0[]> =
  IsBehavior<T, Name> extends true ? never : ReferencesIn<T[Name], Depth>;

type HasData<T> = [
  { [Name in keyof T]-?: T[Name] extends AnyFunction | undefined ? never : Name }[keyof T],
] extends [never]
  ? false
  : true;

/** A copy of a type made of its public members fits in its place, unless it has others. */
type HasHiddenMembers<T> = { [Name in keyof T]: T[Name] } extends T ? false : true;
