/**
 * The one walk that every message makes before formatting: what may travel by value is left as it is, what
 * travels by reference becomes a token, and what may not travel at all is refused with the path to it.
 */
import type {
  ArrivingMessage,
  CountedReferences,
  UnmarshalContext,
  ValueMarshaler,
} from "../channels/peer-host.ts";
import { maxObjectKeys, Tagged, type WireValue } from "../channels/wire-value.ts";
import type { AnyClass } from "../contract/class.ts";
import { serializableTypeOf } from "../contract/type-registry.ts";
import { describeThrown, RemotingError, SerializationError } from "../errors.ts";
import { binaryKindOf, bytesOf } from "./binary-kinds.ts";
import { errorProperties, thrownFromWire, thrownOn } from "./error-values.ts";
import { locate, MarshalingFailure, shortened } from "./marshaling-failure.ts";
import type { ReferenceHost, ReferenceScope } from "./reference-host.ts";
import { refusalOf } from "./refusal.ts";
import { framesOf } from "./remote-stack.ts";
import { tag } from "./tags.ts";
import { Unmarshaler } from "./unmarshaler.ts";

/**
 * Binaries from this size on travel beside the body: below it, copying them through the formatter is cheaper
 * than a frame of their own.
 */
const attachmentThreshold = 4096;

type PlainObject = { readonly [key: string]: unknown };

/** Most of what is in objects and arrays: seen at a glance, without a further step of the walk. */
function goesAsItIs(value: unknown): value is string | number | boolean | undefined {
  const type = typeof value;
  // Zero may be negative, which is not seen at a glance.
  return (
    type === "string" || (type === "number" && value !== 0) || type === "boolean" || type === "undefined"
  );
}

/** What belongs to the walk of one value. */
class MarshalState {
  readonly attachments: Uint8Array[];
  readonly scope: ReferenceScope;
  /** Whether it is what a method threw, for a peer that may see where. */
  readonly withStacks: boolean;
  /** The ids that were counted for the peer, in the order of the walk. */
  readonly counted: string[] = [];
  /** Those of them that end with the call. */
  scoped: string[] | undefined;
  /** The errors being walked, each the cause of the one before: a cause that comes again is left out. */
  readonly errors: Error[] = [];

  constructor(attachments: Uint8Array[], scope: ReferenceScope, withStacks: boolean) {
    this.attachments = attachments;
    this.scope = scope;
    this.withStacks = withStacks;
  }
}

/** While nothing is marshaled. One for all: it is never written to, and most peers never need another. */
const noMarshal = new MarshalState([], "argument", false);

/** Marshals for one peer. */
export class Marshaler implements ValueMarshaler {
  readonly #references: ReferenceHost;
  readonly #maxDepth: number;
  /** The marshal under way. */
  #state = noMarshal;
  /** What the last one that succeeded has counted. */
  counted: CountedReferences | undefined;
  /** Made when the first tagged value comes: many peers send none. */
  #unmarshaler: Unmarshaler | undefined;

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
    const scope = root === "args" ? "argument" : "result";
    const state = new MarshalState(attachments, scope, root === "error" && this.#references.showsStacks);
    this.#state = state;
    try {
      const wire = this.#walk(value, this.#maxDepth);
      this.counted = state.counted.length === 0 ? undefined : countedBy(state);
      return wire;
    } catch (error) {
      this.#rollbackTo(state, 0, 0);
      throw this.#explain(error, value, root);
    } finally {
      this.#state = outer;
    }
  }

  rollback(counted: CountedReferences): void {
    for (const id of counted.ids.splice(0)) this.#references.unexport(id);
    counted.scoped.length = 0;
  }

  endScope(counted: CountedReferences): void {
    for (const id of counted.scoped.splice(0)) this.#references.unexport(id);
  }

  dropScoped(ids: readonly string[]): void {
    for (const id of ids) this.#references.unimport(id);
  }

  /** Forgets what was counted and attached since there were so many. */
  #rollbackTo(state: MarshalState, counted: number, attached: number): void {
    for (const id of state.counted.splice(counted)) {
      this.#references.unexport(id);
      const scoped = state.scoped?.lastIndexOf(id) ?? -1;
      if (scoped >= 0) state.scoped?.splice(scoped, 1);
    }
    state.attachments.length = attached;
  }

  #explain(error: unknown, value: unknown, root: string): unknown {
    if (!(error instanceof MarshalingFailure)) {
      if (error instanceof RemotingError) return error;
      return new SerializationError(`${root} cannot be read: ${describeThrown(error)}`, {
        cause: error,
        path: root,
      });
    }
    const { path, cycleOf } = locate(value, root, error.culprit, this.#maxDepth);
    const message =
      cycleOf === undefined
        ? `${shortened(path)} ${error.reason}`
        : `${shortened(path)} is ${shortened(cycleOf)} again: a cycle cannot travel by value`;
    return new SerializationError(message, { path });
  }

  #walk(value: unknown, depth: number): WireValue {
    if (typeof value === "function") return this.#reference(value) ?? refuse(value);
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
      if (goesAsItIs(item)) {
        if (copy !== undefined) copy[index] = item;
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
      if (goesAsItIs(item)) {
        if (copy !== undefined) copy[key] = item;
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
      const wire = this.#walk(fields, depth - 1);
      const stack = value instanceof Error ? this.#stackOf(value) : undefined;
      return new Tagged([tag.object, type.name, wire, ...(stack === undefined ? [] : [stack])]);
    }
    if (value instanceof Error) return this.#error(value, depth);
    // A plain object or array of another realm (a vm context): its prototype is the last of its chain.
    if (Array.isArray(value)) refuse(value);
    if (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "hasOwnProperty")) {
      return this.#walkPlain(value as PlainObject, depth - 1);
    }
    return refuse(value);
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
    if (outgoing.kind === "scoped") return this.#scoped(value, outgoing.id);
    const { id, typeName, origin } = outgoing.reference;
    this.#state.counted.push(id);
    if (typeName === undefined) return new Tagged([tag.function, id]);
    return new Tagged(
      origin === undefined ? [tag.reference, id, typeName] : [tag.reference, id, typeName, origin],
    );
  }

  #scoped(value: object, id: string): WireValue {
    this.#state.counted.push(id);
    if (this.#state.scope === "result") {
      throw new MarshalingFailure(
        value,
        "is a scoped function, which ends with the call among whose arguments it is: it cannot be returned",
      );
    }
    this.#state.scoped ??= [];
    this.#state.scoped.push(id);
    return new Tagged([tag.scopedFunction, id]);
  }

  #signal(signal: AbortSignal): WireValue {
    return new Tagged([
      tag.signal,
      signal.aborted ? 0 : this.#references.exportSignal(signal),
      signal.aborted,
    ]);
  }

  /** Where an error was thrown, if the peer may see it. */
  #stackOf(error: Error): string | undefined {
    return this.#state.withStacks ? framesOf(error) : undefined;
  }

  #error(thrown: Error, depth: number): WireValue {
    this.#expectRoom(thrown, depth);
    const error = thrownOn(thrown);
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
    const stack = this.#stackOf(thrown);
    return new Tagged([
      tag.error,
      String(error.name),
      String(error.message),
      properties,
      ...(stack === undefined ? [] : [stack]),
    ]);
  }

  thrownError(thrown: unknown): Error {
    return thrownFromWire(thrown);
  }

  begin(): ArrivingMessage | undefined {
    return this.#unmarshaler?.begin();
  }

  undo(): void {
    this.#unmarshaler?.undo();
  }

  end(interrupted: ArrivingMessage | undefined): void {
    this.#unmarshaler?.end(interrupted);
  }

  refuse(ids: readonly string[]): void {
    for (const id of ids) this.#references.refuse(id);
  }

  unmarshal(items: readonly unknown[], context: UnmarshalContext): unknown {
    this.#unmarshaler ??= new Unmarshaler(this.#references);
    return this.#unmarshaler.unmarshal(items, context);
  }
}

function refuse(value: unknown): never {
  throw new MarshalingFailure(value, refusalOf(value));
}

function countedBy({ counted, scoped }: MarshalState): CountedReferences {
  return { ids: counted, scoped: scoped ?? [] };
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
