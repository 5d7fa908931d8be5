/**
 * Walks MessagePack without allocating, before it is decoded: so that the decoder meets only what it can
 * take. Checked are lengths and counts against the bytes that are really there, nesting, the number of
 * values, keys, records and extensions.
 */
import { LimitExceededError, type PayloadLimits, readUint32, SerializationError } from "../../spi.ts";
import { extension, token } from "./token.ts";

/** How many fields the record with a number has, or `undefined` if it was not defined. */
export type FieldCount = (record: number) => number | undefined;

function malformed(reason: string): never {
  throw new SerializationError(`The payload is not valid: ${reason}`);
}

function tooShort(): never {
  malformed("it ends too early");
}

/** Validates for one codec. Not reentrant, which it need not be: it calls nothing. */
export class Validator {
  readonly #limits: PayloadLimits;
  readonly #fieldCount: FieldCount;
  /** Values that are still to come, for each open array, map or record; kept for reuse. */
  readonly #open: Int32Array;
  /** Whether each open level is a map, in which every other value is a key. */
  readonly #isMap: Uint8Array;

  constructor(limits: PayloadLimits, fieldCount: FieldCount) {
    this.#limits = limits;
    this.#fieldCount = fieldCount;
    this.#open = new Int32Array(limits.maxDepth + 2);
    this.#isMap = new Uint8Array(limits.maxDepth + 2);
  }

  /**
   * Checks that `bytes[start..end)` is exactly one acceptable value.
   *
   * @throws SerializationError, or LimitExceededError for one that is too deep or has too many values.
   */
  validate(bytes: Buffer, start: number, end: number): void {
    const open = this.#open;
    const { maxDepth, maxNodes } = this.#limits;
    let depth = 0;
    let nodes = 0;
    // The items of a tagged value may lie one level deeper: the value itself, a date say, is none to its sender.
    let allowedDepth = maxDepth;
    let position = start;
    // The outermost level is an array of one.
    open[0] = 1;
    const mapLevels = this.#isMap;
    mapLevels[0] = 0;

    for (;;) {
      let left = open[depth] ?? 0;
      while (left === 0) {
        if (depth === 0) {
          if (position !== end) malformed("bytes follow its end");
          return;
        }
        depth--;
        left = open[depth] ?? 0;
      }
      open[depth] = left - 1;
      if (++nodes > maxNodes) {
        throw new LimitExceededError(
          "maxNodes",
          `The payload has more than ${maxNodes} values: send less at a time, or raise maxNodes on the receiving side`,
        );
      }
      if (position >= end) tooShort();
      const first = bytes[position++] as number;

      // A map's entries count as two values each, the key first.
      if (mapLevels[depth] === 1 && (left & 1) === 0) {
        position = this.#skipKey(bytes, position, end, first);
        continue;
      }
      let count = -1;
      let isMap = false;
      if (first < token.record || first >= token.negative) continue;
      if (first < token.fixMap) {
        let record = first - token.record;
        if (first >= token.longRecord) {
          if (position >= end) tooShort();
          record = 32 + (first - token.longRecord) + ((bytes[position++] as number) << 5);
        }
        count = this.#fieldCount(record) ?? malformed(`record ${record} was not defined`);
      } else if (first < token.fixArray) {
        count = (first - token.fixMap) * 2;
        isMap = true;
      } else if (first < token.fixString) {
        count = first - token.fixArray;
      } else if (first < token.nil) {
        position += first - token.fixString;
      } else {
        switch (first) {
          case token.nil:
          case token.false:
          case token.true:
            break;
          case token.uint8:
          case token.int8:
            position += 1;
            break;
          case token.uint16:
          case token.int16:
            position += 2;
            break;
          case token.uint32:
          case token.int32:
          case token.float32:
            position += 4;
            break;
          case token.float64:
            position += 8;
            break;
          case token.string8:
          case token.binary8:
            if (position + 1 > end) tooShort();
            position += 1 + (bytes[position] as number);
            break;
          case token.string16:
          case token.binary16:
            if (position + 2 > end) tooShort();
            position += 2 + bytes.readUInt16BE(position);
            break;
          case token.string32:
          case token.binary32:
            if (position + 4 > end) tooShort();
            position += 4 + readUint32(bytes, position);
            break;
          case token.array16:
            if (position + 2 > end) tooShort();
            count = bytes.readUInt16BE(position);
            position += 2;
            break;
          case token.array32:
            if (position + 4 > end) tooShort();
            count = readUint32(bytes, position);
            position += 4;
            break;
          case token.map16:
            if (position + 2 > end) tooShort();
            count = bytes.readUInt16BE(position) * 2;
            position += 2;
            isMap = true;
            break;
          case token.map32:
            if (position + 4 > end) tooShort();
            count = readUint32(bytes, position) * 2;
            position += 4;
            isMap = true;
            break;
          case token.fixExtension1:
            position = this.#skipExtension(bytes, position, end);
            // The items of a tagged value come next, in the place of the value itself.
            if (bytes[position - 2] === extension.tagged) {
              open[depth] = left;
              allowedDepth = maxDepth + 1;
              continue;
            }
            break;
          default:
            malformed(`token 0x${first.toString(16)} is not allowed`);
        }
      }
      if (position > end) tooShort();
      if (count >= 0) {
        // Each value has at least one byte: a larger count is a lie, told to make the decoder allocate.
        if (count > end - position) malformed("it declares more values than it has bytes");
        if (++depth > allowedDepth) {
          throw new LimitExceededError(
            "maxDepth",
            `The payload is nested deeper than ${maxDepth} levels: send a flatter structure, or raise maxDepth on the receiving side`,
          );
        }
        allowedDepth = maxDepth;
        open[depth] = count;
        mapLevels[depth] = isMap ? 1 : 0;
      }
    }
  }

  #skipKey(bytes: Buffer, position: number, end: number, first: number): number {
    let length: number;
    let start = position;
    if (first >= token.fixString && first < token.nil) {
      length = first - token.fixString;
    } else if (first === token.string8 && start < end) {
      length = bytes[start++] as number;
    } else if (first === token.string16 && start + 2 <= end) {
      length = bytes.readUInt16BE(start);
      start += 2;
    } else {
      malformed("a key is not a string, or is too long");
    }
    if (start + length > end) tooShort();
    if (length === 9 && bytes[start] === 0x5f && bytes.toString("latin1", start, start + 9) === "__proto__") {
      malformed('a key is "__proto__"');
    }
    return start + length;
  }

  #skipExtension(bytes: Buffer, position: number, end: number): number {
    if (position + 2 > end) tooShort();
    const type = bytes[position];
    if (bytes[position + 1] !== 0 || (type !== extension.undefined && type !== extension.tagged)) {
      malformed(`extension ${type} is not allowed`);
    }
    if (type === extension.tagged) {
      const next = bytes[position + 2] ?? 0;
      const isArray =
        (next >= token.fixArray && next < token.fixString) ||
        next === token.array16 ||
        next === token.array32;
      if (!isArray || next === token.fixArray) malformed("a tagged value has no items");
    }
    return position + 2;
  }
}
