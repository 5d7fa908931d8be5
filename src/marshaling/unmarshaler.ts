/**
 * The way back: what arrives as a token becomes what it stands for, innermost first. Whatever a peer sends is checked
 * before it is believed.
 */
import type { ArrivingMessage, UnmarshalContext } from "../channels/peer-host.ts";
import { serializableTypeNamed } from "../contract/type-registry.ts";
import { SerializationError } from "../errors.ts";
import { bufferKind, createBinary } from "./binary-kinds.ts";
import { errorFromWire, rememberFrames } from "./error-values.ts";
import { maxNameLength, maxOriginLength } from "./obj-ref.ts";
import type { ReferenceHost } from "./reference-host.ts";
import { tag } from "./tags.ts";

/** Unmarshals what one peer sends. */
export class Unmarshaler {
  readonly #references: ReferenceHost;
  /** What the message that is being unmarshaled has brought; `undefined` as long as that is nothing. */
  #message: ArrivingMessage | undefined;

  constructor(references: ReferenceHost) {
    this.#references = references;
  }

  /** Begins a message. Returns what is known of the one in whose middle it begins. */
  begin(): ArrivingMessage | undefined {
    const interrupted = this.#message;
    this.#message = undefined;
    return interrupted;
  }

  /** Gives back the references of a message that cannot be read to its end. */
  undo(): void {
    const references = this.#message?.references ?? [];
    this.#message = undefined;
    for (const id of references) this.#references.unimport(id);
  }

  /** Goes on with the message that was interrupted. */
  end(interrupted: ArrivingMessage | undefined): void {
    this.#message = interrupted;
  }

  /** What a token stands for; what is in it was unmarshaled before. */
  unmarshal(items: readonly unknown[], context: UnmarshalContext): unknown {
    if (context.discarded !== undefined) return discard(items, context.discarded);
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
        return this.#binary(items, context);
      case tag.error:
        return errorFromWire(items);
      case tag.object: {
        const value = serializableFromWire(items);
        if (value instanceof Error) rememberFrames(value, items[3]);
        return value;
      }
      case tag.reference:
        return this.#import(items, expectName(items[2]));
      case tag.function:
        return this.#import(items, undefined);
      case tag.scopedFunction:
        return this.#importScoped(expectName(items[1]), context);
      case tag.home:
        return this.#home(expectName(items[1]));
      case tag.signal:
        return this.#signalFromWire(items, context);
      default:
        throw new SerializationError(`The peer sent a value with the unknown tag ${String(items[0])}`);
    }
  }

  #import(items: readonly unknown[], typeName: string | undefined): unknown {
    const id = expectName(items[1]);
    const origin = typeName === undefined ? undefined : originFromWire(items[3]);
    const proxy = this.#references.import({ id, typeName, origin });
    this.#count(id);
    return proxy;
  }

  #count(id: string): void {
    this.#arriving().references.push(id);
  }

  #arriving(): ArrivingMessage {
    this.#message ??= { references: [], attachments: new Set() };
    return this.#message;
  }

  #binary(items: readonly unknown[], context: UnmarshalContext): unknown {
    const kind = expectNumber(items[1], "binary data");
    const content = items[2];
    if (content instanceof Uint8Array) return binaryOf(kind, copyOf(content));
    const index = expectNumber(content, "binary data");
    const attachment = context.attachments[index];
    if (attachment === undefined) malformed("binary data");
    const { attachments } = this.#arriving();
    if (attachments.has(index))
      throw new SerializationError("The peer sent two values with one attachment, which belongs to one");
    attachments.add(index);
    if (kind === bufferKind) return bufferOf(attachment);
    return binaryOf(kind, isWhole(attachment) ? attachment.buffer : copyOf(attachment));
  }

  #importScoped(id: string, context: UnmarshalContext): unknown {
    if (context.adoptScoped === undefined) malformed("a scoped function outside of the arguments of a call");
    const proxy = this.#references.importScoped(id);
    this.#count(id);
    context.adoptScoped(id);
    return proxy;
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

/** Of a message that nobody waits for, takes the references. */
function discard(items: readonly unknown[], discarded: string[]): undefined {
  if (items[0] === tag.reference || items[0] === tag.function) discarded.push(expectName(items[1]));
}

function originFromWire(origin: unknown): string | undefined {
  return typeof origin === "string" && origin.length <= maxOriginLength ? origin : undefined;
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

function dictionaryFromWire(items: readonly unknown[]): { readonly [key: string]: unknown } {
  if (items.length % 2 === 0) malformed("an object");
  const object: { [key: string]: unknown } = {};
  for (let index = 1; index < items.length; index += 2) {
    const key = items[index];
    if (typeof key !== "string" || key === "__proto__") malformed("an object");
    object[key] = items[index + 1];
  }
  return object;
}

/** Attachments of one message may be windows on the same memory. A Buffer may be one, as Buffers often are. */
function bufferOf(attachment: Uint8Array): Buffer {
  return attachment instanceof Buffer
    ? attachment
    : Buffer.from(attachment.buffer, attachment.byteOffset, attachment.byteLength);
}

/** Whether an attachment has all of its memory, as every other type needs it, which begins where its memory begins. */
function isWhole(attachment: Uint8Array): attachment is Uint8Array<ArrayBuffer> {
  return attachment.byteLength === attachment.buffer.byteLength && attachment.buffer instanceof ArrayBuffer;
}

/** What a formatter has decoded may be a window on the connection's memory. */
function copyOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

function binaryOf(kind: number, memory: ArrayBuffer): unknown {
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
  if (typeof fields !== "object" || fields === null) malformed("an object");
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
