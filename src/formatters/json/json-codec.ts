/**
 * JSON for one peer. What JSON does not have is written as an object with the single key `$`; keys of the
 * application that begin with `$` get another `$` in front, so the two are never confused.
 */
import {
  type ByteWriter,
  type Codec,
  type PayloadLimits,
  RemotingError,
  SerializationError,
  Tagged,
  type TagResolver,
  type WireValue,
} from "../../spi.ts";
import { checkJsonLimits } from "./json-validator.ts";

/** What may stand under the key `$`: the name of a special value, bytes in Base64, or the items of a tagged value. */
type Escape = string | { readonly b: string } | readonly unknown[];

const specialNumbers: ReadonlyMap<string, number | undefined> = new Map([
  ["undefined", undefined],
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
  ["-0", -0],
]);

/** A tagged value is an array in an object: two levels where MessagePack has one, and the innermost may be one. */
const levelsPerTaggedValue = 2;

/** See the head of this file. */
export class JsonCodec implements Codec {
  readonly #limits: PayloadLimits;

  constructor(limits: PayloadLimits) {
    this.#limits = { ...limits, maxDepth: (limits.maxDepth + 1) * levelsPerTaggedValue };
  }

  encode(value: WireValue, writer: ByteWriter): void {
    const text = JSON.stringify(toJson(value));
    const length = Buffer.byteLength(text);
    writer.reserve(length);
    writer.position += writer.bytes.write(text, writer.position, "utf8");
  }

  decode(bytes: Buffer, start: number, end: number, resolver: TagResolver): unknown {
    checkJsonLimits(bytes, start, end, this.#limits);
    try {
      return fromJson(JSON.parse(bytes.toString("utf8", start, end)), resolver);
    } catch (cause) {
      if (cause instanceof RemotingError) throw cause;
      throw new SerializationError(`The payload is not valid JSON: ${String(cause)}`, { cause });
    }
  }

  receiveDefinition(): void {
    throw new SerializationError("The peer sent a definition, which JSON does not have");
  }
}

function isBytes(value: WireValue): value is Uint8Array {
  return value instanceof Uint8Array;
}

function toJson(value: WireValue): unknown {
  switch (typeof value) {
    case "undefined":
      return { $: "undefined" };
    case "number":
      if (Number.isFinite(value) && !Object.is(value, -0)) return value;
      return { $: Object.is(value, -0) ? "-0" : String(value) };
    case "object":
      if (value === null) return null;
      // Not `map`, which would leave out the holes of a sparse array.
      if (Array.isArray(value)) return Array.from(value, toJson);
      if (value instanceof Tagged) return { $: value.items.map(toJson) };
      if (isBytes(value)) {
        return { $: { b: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") } };
      }
      return objectToJson(value as { readonly [key: string]: WireValue });
    default:
      return value;
  }
}

function objectToJson(value: { readonly [key: string]: WireValue }): object {
  const result: { [key: string]: unknown } = {};
  for (const key of Object.keys(value)) result[key.startsWith("$") ? `$${key}` : key] = toJson(value[key]);
  return result;
}

function fromJson(value: unknown, resolver: TagResolver): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => fromJson(item, resolver));
  const result: { [key: string]: unknown } = {};
  for (const [key, item] of Object.entries(value)) {
    if (key === "$") return decodeEscape(item as Escape, resolver);
    const name = key.startsWith("$") ? key.slice(1) : key;
    if (name === "__proto__") throw new SerializationError('The payload is not valid: a key is "__proto__"');
    result[name] = fromJson(item, resolver);
  }
  return result;
}

function decodeEscape(escaped: Escape, resolver: TagResolver): unknown {
  if (Array.isArray(escaped) && escaped.length > 0) {
    return resolver.resolve(escaped.map((item) => fromJson(item, resolver)));
  }
  if (typeof escaped === "string" && specialNumbers.has(escaped)) return specialNumbers.get(escaped);
  if (typeof escaped === "object" && escaped !== null && "b" in escaped && typeof escaped.b === "string") {
    return Buffer.from(escaped.b, "base64");
  }
  throw new SerializationError('The payload is not valid: an unknown escape under the key "$"');
}
