/**
 * The one walk that every message makes before formatting: what may travel by value is left as it is, what
 * travels by reference becomes a token, and what may not travel at all is refused with the path to it.
 */
import type { UnmarshalContext, ValueMarshaler } from "../channels/peer-host.ts";
import { maxObjectKeys, Tagged, type WireValue } from "../channels/wire-value.ts";
import type { AnyClass } from "../contract/class.ts";
import { serializableTypeNamed, serializableTypeOf } from "../contract/type-registry.ts";
import { SerializationError } from "../errors.ts";
import { binaryKindOf, bufferKind, bytesOf, createBinary } from "./binary-kinds.ts";
import { errorFromWire, errorProperties, thrownFromWire } from "./error-values.ts";
import { locate, MarshalingFailure } from "./marshaling-failure.ts";
import { maxNameLength } from "./obj-ref.ts";
import type { ReferenceHost, ReferenceScope } from "./reference-host.ts";
import { tag } from "./tags.ts";

/**
 * Binaries from this size on travel beside the body: below it, copying them through the formatter is cheaper
 * than a frame of their own.
 */
const attachmentThreshold = 4096;

type PlainObject = { readonly [key: string]: unknown };

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** What belongs to the walk of one value. */
class MarshalState {
  readonly attachments: Uint8Array[];
  readonly scope: ReferenceScope;
  /** The ids that were counted for the peer. */
  readonly counted: string[] = [];
  /** The errors being walked, each the cause of the one before: a cause that comes again is left out. */
  readonly errors: Error[] = [];

  constructor(attachments: Uint8Array[], scope: ReferenceScope) {
    this.attachments = attachments;
    this.scope = scope;
  }
}

/** Marshals for one peer. */
export class Marshaler implements ValueMarshaler {
  readonly #references: ReferenceHost;
  readonly #maxDepth: number;
  /** The marshal under way. */
  #state = new MarshalState([], "argument");
  /** The last one that succeeded, for {@link rollback}. */
  #last: MarshalState | undefined;

  /**
   * @param references Knows the objects of this domain and the peer's.
   * @param maxDepth How deep arrays and objects may nest in what is sent: what peers accept.
   */
  constructor(references: ReferenceHost, maxDepth: number) {
    this.#references = references;
    this.#maxDepth = maxDepth;
  }

  marshal(value: unknown, root: string, attachments: Uint8Array[]): WireValue {
    // A getter or a `serialize` hook may make a call of its own in the middle of this one: keep what belongs to it.
    const outer = this.#state;
    const state = new MarshalState(attachments, root === "args" ? "argument" : "result");
    this.#state = state;
    try {
      const wire = this.#walk(value, this.#maxDepth);
      this.#last = state;
      return wire;
    } catch (error) {
      this.#rollbackTo(state, 0, 0);
      throw this.#explain(error, value, root);
    } finally {
      this.#state = outer;
    }
  }

  rollback(): void {
    if (this.#last !== undefined) this.#rollbackTo(this.#last, 0, 0);
    this.#last = undefined;
  }

  /** Forgets what was counted and attached since there were so many. */
  #rollbackTo(state: MarshalState, counted: number, attached: number): void {
    for (const id of state.counted.splice(counted)) this.#references.unexport(id);
    state.attachments.length = attached;
  }

  #explain(error: unknown, value: unknown, root: string): unknown {
    if (!(error instanceof MarshalingFailure)) {
      if (error instanceof SerializationError) return error;
      return new SerializationError(`${root} cannot be read: ${String(error)}`, { cause: error, path: root });
    }
    const { path, cycleOf } = locate(value, root, error.culprit);
    const message =
      cycleOf === undefined
        ? `${path} ${error.reason}`
        : `${path} is ${cycleOf} again: a cycle cannot travel by value`;
    return new SerializationError(message, { path });
  }

  #walk(value: unknown, depth: number): WireValue {
    if (typeof value === "function") return this.#reference(value) ?? this.#unknownInstance(value);
    switch (typeof value) {
      case "number":
        return value === 0 && Object.is(value, -0) ? new Tagged([tag.negativeZero]) : value;
      case "string":
      case "boolean":
      case "undefined":
        return value;
      case "bigint":
        return new Tagged([tag.bigint, value.toString(16)]);
      case "symbol":
        throw new MarshalingFailure(value, "is a symbol, which means nothing in another process");
      case "object":
        return value === null ? null : this.#walkObject(value, depth);
    }
  }

  #walkObject(value: object, depth: number): WireValue {
    if (depth <= 0) {
      throw new MarshalingFailure(value, `is nested deeper than ${this.#maxDepth} levels`);
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Array.prototype) return this.#walkArray(value as readonly unknown[], depth - 1);
    if (prototype === Object.prototype || prototype === null)
      return this.#walkPlain(value as PlainObject, depth - 1);
    return this.#walkInstance(value, prototype as object, depth);
  }

  #walkArray(array: readonly unknown[], depth: number): WireValue {
    let copy: WireValue[] | undefined;
    for (let index = 0; index < array.length; index++) {
      const item = array[index];
      const type = typeof item;
      if (
        type === "string" ||
        (type === "number" && item !== 0) ||
        type === "boolean" ||
        type === "undefined"
      ) {
        if (copy !== undefined) copy[index] = item as WireValue;
        continue;
      }
      const marshaled = this.#walk(item, depth);
      if (copy !== undefined) {
        copy[index] = marshaled;
      } else if (marshaled !== item) {
        copy = array.slice(0, index) as WireValue[];
        copy[index] = marshaled;
      }
    }
    return copy ?? (array as readonly WireValue[]);
  }

  #walkPlain(object: PlainObject, depth: number): WireValue {
    let copy: { [key: string]: WireValue } | undefined;
    let keys = 0;
    const counted = this.#state.counted.length;
    const attached = this.#state.attachments.length;
    for (const key in object) {
      if (++keys > maxObjectKeys) {
        this.#rollbackTo(this.#state, counted, attached);
        return this.#walkDictionary(object, depth);
      }
      const item = object[key];
      if (key === "__proto__") {
        throw new MarshalingFailure(object, 'has a key "__proto__", which no peer accepts');
      }
      const type = typeof item;
      if (
        type === "string" ||
        (type === "number" && item !== 0) ||
        type === "boolean" ||
        type === "undefined"
      ) {
        if (copy !== undefined) copy[key] = item as WireValue;
        continue;
      }
      const marshaled = this.#walk(item, depth);
      if (copy !== undefined) {
        copy[key] = marshaled;
      } else if (marshaled !== item) {
        copy = {};
        // What came before this key needed no replacing.
        for (const earlier in object) {
          if (earlier === key) break;
          copy[earlier] = object[earlier] as WireValue;
        }
        copy[key] = marshaled;
      }
    }
    return copy ?? (object as { readonly [key: string]: WireValue });
  }

  #walkDictionary(object: PlainObject, depth: number): WireValue {
    const items: [number, ...WireValue[]] = [tag.dictionary];
    for (const [key, item] of Object.entries(object)) {
      if (key === "__proto__") {
        throw new MarshalingFailure(object, 'has a key "__proto__", which no peer accepts');
      }
      items.push(key, this.#walk(item, depth));
    }
    return new Tagged(items);
  }

  #walkInstance(value: object, prototype: object, depth: number): WireValue {
    const binary = binaryKindOf(prototype);
    if (binary !== undefined) return this.#binary(binary, value as ArrayBuffer | ArrayBufferView);
    if (prototype === Date.prototype) return new Tagged([tag.date, (value as Date).getTime()]);
    if (prototype === Map.prototype) {
      const items: [number, ...WireValue[]] = [tag.map];
      for (const [key, item] of value as Map<unknown, unknown>) {
        items.push(this.#walk(key, depth - 1), this.#walk(item, depth - 1));
      }
      return new Tagged(items);
    }
    if (prototype === Set.prototype) {
      const items: [number, ...WireValue[]] = [tag.set];
      for (const item of value as Set<unknown>) items.push(this.#walk(item, depth - 1));
      return new Tagged(items);
    }
    const reference = this.#reference(value);
    if (reference !== undefined) return reference;
    if (value instanceof AbortSignal) return this.#signal(value);
    const type =
      typeof value.constructor === "function" ? serializableTypeOf(value.constructor as AnyClass) : undefined;
    if (type !== undefined) {
      this.#expectRoom(value, depth);
      const fields = type.serialize === undefined ? ownFields(value) : type.serialize(value);
      return new Tagged([tag.object, type.name, this.#walk(fields, depth - 1)]);
    }
    if (value instanceof Error) return this.#error(value, depth);
    // A plain object or array of another realm (a vm context): its prototype is the last of its chain.
    if (Array.isArray(value)) throw new MarshalingFailure(value, this.#unknownReason(value));
    if (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "hasOwnProperty")) {
      return this.#walkPlain(value as PlainObject, depth - 1);
    }
    return this.#unknownInstance(value);
  }

  /** A tagged value with fields takes two levels on the wire. */
  #expectRoom(value: object, depth: number): void {
    if (depth < 2) throw new MarshalingFailure(value, `is nested deeper than ${this.#maxDepth} levels`);
  }

  #binary(kind: number, value: ArrayBuffer | ArrayBufferView): WireValue {
    const bytes = bytesOf(value);
    if (bytes.length < attachmentThreshold) return new Tagged([tag.binary, kind, bytes]);
    this.#state.attachments.push(bytes);
    return new Tagged([tag.binary, kind, this.#state.attachments.length - 1]);
  }

  #reference(value: object): WireValue | undefined {
    const outgoing = this.#references.export(value, this.#state.scope);
    if (outgoing === undefined) return undefined;
    if (outgoing.kind === "home") return new Tagged([tag.home, outgoing.id]);
    const { id, typeName } = outgoing.reference;
    this.#state.counted.push(id);
    return typeName === undefined
      ? new Tagged([tag.function, id])
      : new Tagged([tag.reference, id, typeName]);
  }

  #signal(signal: AbortSignal): WireValue {
    return new Tagged([
      tag.signal,
      signal.aborted ? 0 : this.#references.exportSignal(signal),
      signal.aborted,
    ]);
  }

  #error(error: Error, depth: number): WireValue {
    this.#expectRoom(error, depth);
    if (this.#state.errors.includes(error)) throw new MarshalingFailure(error, "is its own cause");
    this.#state.errors.push(error);
    const properties: { [key: string]: WireValue } = {};
    for (const [key, item] of errorProperties(error)) {
      // An error must always get through: what of it cannot travel stays behind.
      const counted = this.#state.counted.length;
      const attached = this.#state.attachments.length;
      try {
        properties[key] = this.#walk(item, depth - 2);
      } catch (failure) {
        if (!(failure instanceof MarshalingFailure)) throw failure;
        this.#rollbackTo(this.#state, counted, attached);
      }
    }
    this.#state.errors.pop();
    return new Tagged([tag.error, String(error.name), String(error.message), properties]);
  }

  #unknownInstance(value: unknown): never {
    throw new MarshalingFailure(value, this.#unknownReason(value));
  }

  #unknownReason(value: unknown): string {
    if (value instanceof Promise) return "is a promise: await it before it is passed";
    const name = isObject(value) ? value.constructor?.name || "an unnamed class" : typeof value;
    if (isBuiltIn(value)) return `is a ${name}, which cannot travel: pass what it is made of instead`;
    return `is an instance of ${name}, which cannot travel: mark the class @Serializable() to send it by value, or let it extend MarshalByRefObject to send a reference`;
  }

  thrownError(thrown: unknown): unknown {
    return thrownFromWire(thrown);
  }

  unmarshal(items: readonly unknown[], context: UnmarshalContext): unknown {
    switch (items[0]) {
      case tag.bigint:
        return bigintFromWire(items[1]);
      case tag.date:
        return new Date(expectNumber(items[1], "a date"));
      case tag.map:
        return mapFromWire(items);
      case tag.set:
        return new Set(items.slice(1));
      case tag.dictionary:
        return dictionaryFromWire(items);
      case tag.negativeZero:
        return -0;
      case tag.binary:
        return binaryFromWire(items, context);
      case tag.error:
        return errorFromWire(items);
      case tag.object:
        return serializableFromWire(items);
      case tag.reference:
        return this.#references.import({ id: expectName(items[1]), typeName: expectName(items[2]) });
      case tag.function:
        return this.#references.import({ id: expectName(items[1]), typeName: undefined });
      case tag.home:
        return this.#home(expectName(items[1]));
      case tag.signal:
        return this.#signalFromWire(items, context);
      default:
        throw new SerializationError(`The peer sent a value with the unknown tag ${String(items[0])}`);
    }
  }

  #home(id: string): unknown {
    const object = this.#references.home(id);
    if (object === undefined) {
      throw new SerializationError(
        "The peer passed back a reference to an object that it was not given or has released",
      );
    }
    return object;
  }

  #signalFromWire(items: readonly unknown[], context: UnmarshalContext): AbortSignal {
    if (items[2] === true) return AbortSignal.abort();
    const id = expectNumber(items[1], "a signal");
    if (!Number.isInteger(id) || id < 1 || id > 0xffff_ffff) malformed("a signal");
    const controller = this.#references.importSignal(id);
    context.adoptSignal?.(controller);
    return controller.signal;
  }
}

/** Whether a value is of a class of the platform's, which nobody can decorate. */
function isBuiltIn(value: unknown): boolean {
  const type: unknown = isObject(value) ? value.constructor : undefined;
  return (
    typeof type === "function" &&
    (Function.prototype.toString.call(type).includes("[native code]") ||
      Reflect.get(globalThis, type.name) === type)
  );
}

function malformed(what: string): never {
  throw new SerializationError(`The peer sent ${what} in a form that is not allowed`);
}

function expectNumber(value: unknown, what: string): number {
  return typeof value === "number" ? value : malformed(what);
}

function expectName(value: unknown): string {
  return typeof value === "string" && value.length > 0 && value.length <= maxNameLength
    ? value
    : malformed("a reference");
}

/** Whether a class has a method or accessor of this name: data must not take its place. */
function hasCode(prototype: object, key: string): boolean {
  for (let level: object | null = prototype; level !== null; level = Object.getPrototypeOf(level)) {
    const member = Object.getOwnPropertyDescriptor(level, key);
    if (member !== undefined)
      return typeof member.value === "function" || member.get !== undefined || member.set !== undefined;
  }
  return false;
}

function ownFields(value: object): PlainObject {
  const fields: { [key: string]: unknown } = { ...value };
  // An error's message is an own property that is not enumerable; without it an error says nothing.
  if (value instanceof Error) {
    fields.message = value.message;
    if (value.cause !== undefined) fields.cause = value.cause;
  }
  return fields;
}

function bigintFromWire(digits: unknown): bigint {
  if (typeof digits !== "string" || !/^-?[0-9a-f]+$/.test(digits)) malformed("a bigint");
  return digits.startsWith("-") ? -BigInt(`0x${digits.slice(1)}`) : BigInt(`0x${digits}`);
}

function mapFromWire(items: readonly unknown[]): Map<unknown, unknown> {
  if (items.length % 2 === 0) malformed("a Map");
  const map = new Map<unknown, unknown>();
  for (let index = 1; index < items.length; index += 2) map.set(items[index], items[index + 1]);
  return map;
}

function dictionaryFromWire(items: readonly unknown[]): PlainObject {
  if (items.length % 2 === 0) malformed("an object");
  const object: { [key: string]: unknown } = {};
  for (let index = 1; index < items.length; index += 2) {
    const key = items[index];
    if (typeof key !== "string" || key === "__proto__") malformed("an object");
    object[key] = items[index + 1];
  }
  return object;
}

function binaryFromWire(items: readonly unknown[], context: UnmarshalContext): unknown {
  const kind = expectNumber(items[1], "binary data");
  const content = typeof items[2] === "number" ? context.attachments[items[2]] : items[2];
  if (!(content instanceof Uint8Array)) malformed("binary data");
  // An attachment is memory of the application's own, but it may share it with what came in the same message: of that,
  // a Buffer may be a part, as Buffers often are. The other types begin where their memory begins, so they get a copy;
  // and so does what the formatter decoded, which may be a window on the connection's memory.
  const isAttachment = typeof items[2] === "number";
  if (isAttachment && kind === bufferKind)
    return Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const exact = isAttachment && content.byteLength === content.buffer.byteLength;
  const memory =
    exact && content.buffer instanceof ArrayBuffer ? content.buffer : new Uint8Array(content).buffer;
  try {
    return createBinary(kind, memory) ?? malformed("binary data of an unknown kind");
  } catch (cause) {
    if (cause instanceof RangeError)
      throw new SerializationError(`The peer sent ${cause.message}`, { cause });
    throw cause;
  }
}

function serializableFromWire(items: readonly unknown[]): object {
  const name = expectName(items[1]);
  const fields = items[2];
  const type = serializableTypeNamed(name);
  if (type === undefined) {
    throw new SerializationError(
      `A value of type "${name}" arrived, but no class of that name is @Serializable in this process: import its module, not just its type`,
    );
  }
  if (type.deserialize !== undefined) return type.deserialize(fields);
  if (!isObject(fields)) malformed("an object");
  const prototype: object = type.type.prototype;
  const value: object = Object.create(prototype);
  const isError = prototype instanceof Error;
  for (const [key, item] of Object.entries(fields)) {
    if (hasCode(prototype, key)) {
      throw new SerializationError(
        `A value of type "${name}" arrived with a field "${key}", which is a method or accessor of its class`,
      );
    }
    const enumerable = !(isError && (key === "message" || key === "cause"));
    Object.defineProperty(value, key, { value: item, writable: true, configurable: true, enumerable });
  }
  return value;
}
