// Keeps what decorators say about classes. The only file that imports `reflect-metadata`, and the first one
// that every decorator imports: the output of tsc looks for `Symbol.metadata` while it defines a class, and
// leaves `context.metadata` undefined if nobody has set it.

import "reflect-metadata";
import { type AnyClass, isClass } from "./class.ts";

// Node.js has no `Symbol.metadata` yet. This is the value that esbuild's output falls back to as well.
const wellKnownSymbols: { metadata?: symbol } = Symbol;
wellKnownSymbols.metadata ??= Symbol.for("Symbol.metadata");

/**
 * The object that metadata of one class is attached to: `context.metadata` for standard decorators, which
 * outlives a replacement of the class by another decorator; the class itself for those of
 * `experimentalDecorators`.
 */
export type MetadataHolder = object;

/**
 * A fact about a class that its subclasses do not inherit.
 *
 * The `key` is a name, not a symbol: two copies of this package in one process then understand each other's
 * classes.
 */
export class ClassMark<Value> {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  record(holder: MetadataHolder, value: Value): void {
    Reflect.defineMetadata(this.#key, value, holder);
  }

  recordedOn(holder: MetadataHolder): Value | undefined {
    return Reflect.getOwnMetadata(this.#key, holder);
  }

  /** What was recorded for exactly this class. */
  of(type: AnyClass): Value | undefined {
    for (const holder of holdersOf(type)) {
      const value = this.recordedOn(holder);
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

/** A fact about a class or one of its methods that holds for subclasses too, until one says otherwise. */
export class InheritedMark<Value> {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  /** @param member The method; none for the class itself. */
  record(holder: MetadataHolder, member: string | undefined, value: Value): void {
    if (member === undefined) Reflect.defineMetadata(this.#key, value, holder);
    else Reflect.defineMetadata(this.#key, value, holder, member);
  }

  recordedOn(holder: MetadataHolder, member: string | undefined): Value | undefined {
    return member === undefined
      ? Reflect.getOwnMetadata(this.#key, holder)
      : Reflect.getOwnMetadata(this.#key, holder, member);
  }

  /** What was recorded for the class, or for the one closest to it that it inherits from. */
  of(type: AnyClass, member?: string): Value | undefined {
    for (let current: unknown = type; isClass(current); current = Object.getPrototypeOf(current)) {
      for (const holder of holdersOf(current)) {
        const value = this.recordedOn(holder, member);
        if (value !== undefined) return value;
      }
    }
    return undefined;
  }
}

/** A fact about a method that also holds for the method that overrides it. */
export class MemberMark {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  record(holder: MetadataHolder, member: string): void {
    Reflect.defineMetadata(this.#key, true, holder, member);
  }

  recordedOn(holder: MetadataHolder, member: string): boolean {
    return Reflect.hasOwnMetadata(this.#key, holder, member);
  }

  /** Whether the method bears the mark in this class or in one that it inherits from. */
  isOn(type: AnyClass, member: string): boolean {
    // Classes are walked instead of metadata objects: base and subclass may be compiled in different
    // decorator modes.
    for (let current: unknown = type; isClass(current); current = Object.getPrototypeOf(current)) {
      if (holdersOf(current).some((holder) => this.recordedOn(holder, member))) return true;
    }
    return false;
  }
}

function holdersOf(type: AnyClass): MetadataHolder[] {
  const metadata = Object.hasOwn(type, Symbol.metadata) ? type[Symbol.metadata] : undefined;
  return metadata ? [type, metadata] : [type];
}
