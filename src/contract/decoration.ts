// Tells where a decorator was put. Standard (TC39) decorators and those of `experimentalDecorators` are
// called with different arguments; behind this file nobody needs to know which ones the compiler emitted.

import { isClass } from "./class.ts";
import type { MarshalByRefObject } from "./marshal-by-ref-object.ts";
import type { MetadataHolder } from "./metadata.ts";

/** The second argument of a standard class decorator. TypeScript's own type refuses private constructors. */
export type ClassContext = Omit<ClassDecoratorContext, "addInitializer"> & {
  addInitializer(initializer: (this: { readonly prototype: object }) => void): void;
};

/** The second argument of a standard decorator, whatever it was put on. */
export type StandardContext = ClassContext | ClassMemberDecoratorContext;

/** What a method decorator may be given: every function. */
type AnyMethod = (...args: never) => unknown;

/**
 * A decorator for public instance methods of by-reference classes whose type is `Method`, in both decorator
 * modes. Static, `#private` and symbol-named methods are refused by type, and again at run time.
 */
export interface RemotableMethodDecorator<Method extends AnyMethod = AnyMethod> {
  /** As a standard decorator. */
  <This extends MarshalByRefObject>(
    method: Method,
    context: ClassMethodDecoratorContext<This> & { name: string; static: false; private: false },
  ): void;
  /** Under `experimentalDecorators`. */
  <Decorated extends Method>(
    prototype: MarshalByRefObject,
    name: string,
    descriptor: TypedPropertyDescriptor<Decorated>,
  ): void;
}

/** The class that a class decorator was put on. */
export interface ClassSite {
  readonly holder: MetadataHolder;
  /** The name in the source: bundlers may have given `type.name` an underscore or a number. */
  readonly className: string | undefined;
}

/** The method that a method decorator was put on. */
export interface MethodSite {
  readonly holder: MetadataHolder;
  readonly name: string;
}

/**
 * Written without parentheses, a decorator's factory gets what is for the decorator, and what it makes of that would
 * take the place of the class or method. The compiler refuses it, but not everybody runs the compiler.
 *
 * @param given what the factory was given
 * @throws TypeError when the factory was used as a decorator
 */
export function expectParentheses(decorator: string, given: readonly unknown[]): void {
  const [first, second] = given;
  const isLegacyMember =
    typeof first === "object" && (typeof second === "string" || typeof second === "symbol");
  const isStandard = typeof second === "object" && second !== null && "kind" in second;
  if (typeof first === "function" || isLegacyMember || isStandard) {
    throw new TypeError(`${decorator} needs parentheses: ${decorator}()`);
  }
}

/**
 * @param decorator the decorator's name as users write it, for messages
 * @throws TypeError when the decorator was not put on a class
 */
export function classSite(
  decorator: string,
  type: unknown,
  context: StandardContext | string | symbol | undefined,
): ClassSite {
  if (!isClass(type) || !isClassContext(context)) {
    throw new TypeError(`${decorator} belongs on a class, but was put on ${describe(type, context)}.`);
  }
  if (context === undefined) return { holder: type, className: nonEmpty(type.name) };
  return { holder: metadataOf(decorator, context), className: nonEmpty(context.name) };
}

/**
 * @param decorator the decorator's name as users write it, for messages
 * @throws TypeError when the decorator was not put on a public instance method with a plain name
 */
export function methodSite(
  decorator: string,
  target: unknown,
  context: StandardContext | string | symbol | undefined,
  descriptor: PropertyDescriptor | undefined,
): MethodSite {
  const site =
    typeof context === "object"
      ? standardMethodSite(decorator, context)
      : legacyMethodSite(target, context, descriptor);
  if (site === undefined) {
    throw new TypeError(
      `${decorator} belongs on a public instance method, but was put on ${describe(target, context)}. ` +
        "Nothing else can be called from another process.",
    );
  }
  return site;
}

function standardMethodSite(decorator: string, context: StandardContext): MethodSite | undefined {
  if (context.kind !== "method" || context.static || context.private) return undefined;
  if (typeof context.name === "symbol") return undefined;
  return { holder: metadataOf(decorator, context), name: context.name };
}

function legacyMethodSite(
  prototype: unknown,
  name: string | symbol | undefined,
  descriptor: PropertyDescriptor | undefined,
): MethodSite | undefined {
  // For a static method the first argument is the class instead of its prototype.
  if (typeof prototype !== "object" || prototype === null || typeof name !== "string") return undefined;
  if (typeof descriptor?.value !== "function") return undefined;
  return { holder: prototype.constructor, name };
}

function isClassContext(
  context: StandardContext | string | symbol | undefined,
): context is ClassContext | undefined {
  return context === undefined || (typeof context === "object" && context.kind === "class");
}

function metadataOf(decorator: string, context: StandardContext): MetadataHolder {
  if (context.metadata === undefined) {
    throw new TypeError(
      `${decorator} on ${describe(undefined, context)} found no context.metadata. ` +
        "The compiler that emitted it does not support decorator metadata. " +
        "Use TypeScript 5.2 or newer or a current esbuild, or set experimentalDecorators.",
    );
  }
  return context.metadata;
}

function describe(target: unknown, context: StandardContext | string | symbol | undefined): string {
  if (typeof context === "object") {
    const attributes =
      context.kind === "class"
        ? []
        : [context.static && "static", context.private && "private"].filter((word) => word !== false);
    return [...attributes, context.kind, `"${String(context.name)}"`].join(" ");
  }
  if (context !== undefined) {
    return `${typeof target === "function" ? "static member" : "member"} "${String(context)}"`;
  }
  return typeof target === "function" ? `class "${target.name}"` : String(target);
}

function nonEmpty(name: unknown): string | undefined {
  return typeof name === "string" && name !== "" ? name : undefined;
}
