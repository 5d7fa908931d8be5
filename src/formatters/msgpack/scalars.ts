/**
 * Encodes and decodes what needs no codec: a scalar, or a short array of scalars and of tagged values made of
 * scalars (a reference, a date, an attachment). Most calls are of this kind, and for them the general way
 * (validate, then decode) costs several times as much. The bytes are the same that msgpackr writes and reads.
 */
import { type ByteWriter, readUint32, Tagged, type TagResolver, writeUint32 } from "../../spi.ts";
import { extension, token } from "./token.ts";

/** Arrays longer than this take the general way. */
const maxArray = 15;
/** Strings longer than this take the general way: beyond it, native code is faster than a loop. */
const maxString = 31;

/** Appends a value if it is simple enough; else appends nothing and returns `false`. */
export function encodeScalars(value: unknown, writer: ByteWriter): boolean {
  const start = writer.position;
  const done = Array.isArray(value) ? encodeItems(value, writer) : encodeItem(value, writer);
  if (!done) writer.position = start;
  return done;
}

function encodeItems(items: readonly unknown[], writer: ByteWriter): boolean {
  if (items.length > maxArray) return false;
  writer.reserve(1);
  writer.bytes[writer.position++] = token.fixArray | items.length;
  for (let index = 0; index < items.length; index++) {
    if (!encodeItem(items[index], writer)) return false;
  }
  return true;
}

function encodeItem(value: unknown, writer: ByteWriter): boolean {
  return value instanceof Tagged ? encodeTagged(value, writer) : encodeScalar(value, writer);
}

function encodeTagged({ items }: Tagged, writer: ByteWriter): boolean {
  if (items.length > maxArray) return false;
  writer.reserve(4);
  writer.bytes[writer.position++] = token.fixExtension1;
  writer.bytes[writer.position++] = extension.tagged;
  writer.bytes[writer.position++] = 0;
  writer.bytes[writer.position++] = token.fixArray | items.length;
  for (let index = 0; index < items.length; index++) {
    if (!encodeScalar(items[index], writer)) return false;
  }
  return true;
}

function encodeScalar(value: unknown, writer: ByteWriter): boolean {
  switch (typeof value) {
    case "number":
      encodeNumber(value, writer);
      return true;
    case "string":
      return encodeString(value, writer);
    case "boolean":
      writer.reserve(1);
      writer.bytes[writer.position++] = value ? token.true : token.false;
      return true;
    case "undefined":
      writer.reserve(3);
      writer.bytes[writer.position++] = token.fixExtension1;
      writer.bytes[writer.position++] = extension.undefined;
      writer.bytes[writer.position++] = 0;
      return true;
    default:
      if (value !== null) return false;
      writer.reserve(1);
      writer.bytes[writer.position++] = token.nil;
      return true;
  }
}

function encodeNumber(value: number, writer: ByteWriter): void {
  writer.reserve(9);
  const { bytes } = writer;
  let at = writer.position;
  // -0 is equal to 0, but is not an integer to be.
  if (value >> 0 === value && !Object.is(value, -0)) {
    if (value >= 0) {
      if (value < token.record) {
        bytes[at++] = value;
      } else if (value < 0x100) {
        bytes[at++] = token.uint8;
        bytes[at++] = value;
      } else {
        bytes[at++] = token.uint32;
        writeUint32(bytes, at, value);
        at += 4;
      }
    } else if (value >= -32) {
      bytes[at++] = 0x100 + value;
    } else {
      bytes[at++] = token.int32;
      writeUint32(bytes, at, value >>> 0);
      at += 4;
    }
  } else {
    bytes[at++] = token.float64;
    bytes.writeDoubleBE(value, at);
    at += 8;
  }
  writer.position = at;
}

function encodeString(value: string, writer: ByteWriter): boolean {
  const { length } = value;
  if (length > maxString) return false;
  writer.reserve(1 + length);
  const { bytes } = writer;
  let at = writer.position + 1;
  for (let index = 0; index < length; index++) {
    const code = value.charCodeAt(index);
    if (code > 0x7f) return false;
    bytes[at++] = code;
  }
  bytes[writer.position] = token.fixString | length;
  writer.position = at;
  return true;
}

/** What {@link decodeScalars} returns for what has to go the general way. */
export const notScalars: unique symbol = Symbol("not scalars");

/** Where the scalar being decoded ends. Decoding is synchronous and does not call out, so one place is enough. */
class Cursor {
  position = 0;
}

/**
 * Decodes `bytes[start..end)` if it is nothing but what {@link encodeScalars} takes. Tagged values are resolved
 * only when all of it has turned out to be: resolving has effects, and must not be done twice.
 */
export function decodeScalars(bytes: Buffer, start: number, end: number, resolver: TagResolver): unknown {
  const cursor = new Cursor();
  cursor.position = start;
  const first = bytes[start] ?? 0;
  if (first < token.fixArray || first > (token.fixArray | maxArray)) {
    const value = decodeItem(bytes, cursor, end);
    if (cursor.position !== end) return notScalars;
    return value instanceof TaggedItems ? resolver.resolve(value.items) : value;
  }
  cursor.position++;
  const length = first & maxArray;
  // Of its size at once: one that grows begins with room for seventeen.
  const values = new Array<unknown>(length);
  let hasTagged = false;
  for (let index = 0; index < length; index++) {
    const value = decodeItem(bytes, cursor, end);
    if (value === notScalars) return notScalars;
    if (value instanceof TaggedItems) hasTagged = true;
    values[index] = value;
  }
  if (cursor.position !== end) return notScalars;
  return hasTagged
    ? values.map((value) => (value instanceof TaggedItems ? resolver.resolve(value.items) : value))
    : values;
}

/** The items of a tagged value that is still to be resolved. */
class TaggedItems {
  readonly items: readonly unknown[];

  constructor(items: readonly unknown[]) {
    this.items = items;
  }
}

function decodeItem(bytes: Buffer, cursor: Cursor, end: number): unknown {
  const at = cursor.position;
  if (bytes[at] === token.fixExtension1 && bytes[at + 1] === extension.tagged)
    return decodeTagged(bytes, cursor, end);
  return decodeScalar(bytes, cursor, end);
}

function decodeTagged(bytes: Buffer, cursor: Cursor, end: number): unknown {
  const at = cursor.position;
  const array = bytes[at + 3] ?? 0;
  if (at + 4 > end || bytes[at + 2] !== 0 || array <= token.fixArray || array > (token.fixArray | maxArray)) {
    return notScalars;
  }
  cursor.position = at + 4;
  const length = array & maxArray;
  const items = new Array<unknown>(length);
  for (let index = 0; index < length; index++) {
    const item = decodeScalar(bytes, cursor, end);
    if (item === notScalars) return notScalars;
    items[index] = item;
  }
  return new TaggedItems(items);
}

function decodeScalar(bytes: Buffer, cursor: Cursor, end: number): unknown {
  const at = cursor.position;
  if (at >= end) return notScalars;
  const first = bytes[at] ?? 0;
  if (first < token.record) {
    cursor.position = at + 1;
    return first;
  }
  if (first >= token.negative) {
    cursor.position = at + 1;
    return first - 0x100;
  }
  if (first >= token.fixString && first < token.nil) {
    return decodeAscii(bytes, cursor, at + 1, at + 1 + (first & maxString), end);
  }
  const size = sizes[first] ?? 0;
  if (size === 0 || at + size > end) return notScalars;
  cursor.position = at + size;
  switch (first) {
    case token.nil:
      return null;
    case token.false:
      return false;
    case token.true:
      return true;
    case token.float64:
      return bytes.readDoubleBE(at + 1);
    case token.uint8:
      return bytes[at + 1];
    case token.uint16:
      return bytes.readUInt16BE(at + 1);
    case token.uint32:
      return readUint32(bytes, at + 1);
    case token.int8:
      return bytes.readInt8(at + 1);
    case token.int16:
      return bytes.readInt16BE(at + 1);
    case token.int32:
      return readUint32(bytes, at + 1) | 0;
    default:
      return bytes[at + 1] === extension.undefined && bytes[at + 2] === 0 ? undefined : notScalars;
  }
}

/** How many bytes each of the handled tokens has, with its value. */
const sizes: readonly (number | undefined)[] = Array.from({ length: 256 }, (_, first) => {
  switch (first) {
    case token.nil:
    case token.false:
    case token.true:
      return 1;
    case token.uint8:
    case token.int8:
      return 2;
    case token.uint16:
    case token.int16:
    case token.fixExtension1:
      return 3;
    case token.uint32:
    case token.int32:
      return 5;
    case token.float64:
      return 9;
    default:
      return undefined;
  }
});

function decodeAscii(bytes: Buffer, cursor: Cursor, start: number, stop: number, end: number): unknown {
  if (stop > end) return notScalars;
  for (let index = start; index < stop; index++) {
    if ((bytes[index] ?? 0x80) > 0x7f) return notScalars;
  }
  cursor.position = stop;
  return bytes.toString("latin1", start, stop);
}
