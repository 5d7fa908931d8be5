// The constructor types that signatures all over the package speak of: one place, because TypeScript can only
// write "a class with whatever parameters" with `any`.

/** A class whose instances are `T`s and which can be constructed. */
// biome-ignore lint/suspicious/noExplicitAny: only `any` accepts every parameter list, in both directions
export type Class<T = object> = new (...args: any) => T;

/** A class whose instances are `T`s; it may be abstract. A contract apart from its implementation is one. */
// biome-ignore lint/suspicious/noExplicitAny: only `any` accepts every parameter list, in both directions
export type AbstractClass<T = object> = abstract new (...args: any) => T;

/** Any class at all, abstract or not. */
export type AnyClass = AbstractClass;

/** Tells classes (and plain functions, which JavaScript cannot tell from them) from everything else. */
export function isClass(value: unknown): value is AnyClass {
  return typeof value === "function" && value !== Function.prototype;
}
