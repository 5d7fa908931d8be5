import { describe, expect, test } from "vitest";
import { jsonFormatter } from "../../../src/formatters/json/json-formatter.ts";
import {
  LimitExceededError,
  RemotingError,
  SerializationError,
  Tagged,
  type WireValue,
} from "../../../src/spi.ts";
import { createCodec, decode, encode } from "./decoding.ts";

const decodeText = (text: string, limits = {}) =>
  decode(createCodec(jsonFormatter(), limits).codec, Buffer.from(text));

describe("JSON", () => {
  test("can be read along", () => {
    const { codec } = createCodec(jsonFormatter());
    expect(encode(codec, [1, "a", { b: null }]).toString()).toBe('[1,"a",{"b":null}]');
    expect(encode(codec, [undefined, Number.NaN, -0]).toString()).toBe(
      '[{"$":"undefined"},{"$":"NaN"},{"$":"-0"}]',
    );
  });

  const values: readonly WireValue[] = [
    undefined,
    null,
    Number.NaN,
    -0,
    Number.NEGATIVE_INFINITY,
    "\ud800 lone",
    { $: 1, $$: { $: "undefined" }, "": [], a$: "$" },
    [{ $: ["x"] }, { $: { b: "AA==" } }],
    new Tagged([1, "x", new Tagged([2, { $: undefined }])]),
    { toJSON: 1, constructor: 2, valueOf: 3 },
  ];

  test.each(values.map((value) => [value]))("%j arrives as it was sent", (value) => {
    const { codec } = createCodec(jsonFormatter());
    expect(decode(codec, encode(codec, value))).toEqual(value);
  });

  test("bytes", () => {
    const { codec } = createCodec(jsonFormatter());
    const memory = Buffer.from("0123456789");
    expect(decode(codec, encode(codec, [memory.subarray(2, 5), new Uint8Array(0)]))).toEqual([
      Buffer.from("234"),
      Buffer.alloc(0),
    ]);
  });

  test.each([
    '{"__proto__":{"polluted":true}}',
    '[{"a":{"__proto__":1}}]',
    '{"\\u005f_proto__":{"polluted":true}}',
    '{"$__proto__":{"polluted":true}}',
    '{"a":[{"$__proto__":null}]}',
  ])("%s is refused", (text) => {
    expect(() => decodeText(text)).toThrow(SerializationError);
  });

  test.each([
    '{"$":"nothing"}',
    '{"$":[]}',
    '{"$":1}',
    '{"$":null}',
    '{"$":{}}',
    '{"$":{"b":1}}',
    '{"$":{"c":"AA"}}',
  ])("%s is an unknown escape", (text) => {
    expect(() => decodeText(text)).toThrow("unknown escape");
  });

  test.each(["", "{", "[1,]", "nul", "'a'", '{"a":1}}', "]", "[1] [2]", '"\\x"', '"unfinished', "\u0000"])(
    "%j is not JSON",
    (text) => {
      expect(() => decodeText(text)).toThrow(SerializationError);
    },
  );

  test("cut anywhere, or with any byte changed, it is understood or refused, and nothing else", () => {
    const { codec } = createCodec(jsonFormatter());
    const bytes = encode(codec, [{ $a: new Tagged([3, "é", Buffer.from("xyz")]) }, [1.5, undefined], "😀\n"]);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decode(codec, bytes.subarray(0, length))).toThrow(RemotingError);
    }
    for (let position = 0; position < bytes.length; position++) {
      for (let byte = 0; byte < 256; byte++) {
        const changed = Buffer.from(bytes);
        changed[position] = byte;
        try {
          decode(codec, changed);
        } catch (error) {
          if (!(error instanceof RemotingError)) throw error;
        }
      }
    }
  });

  test("nesting is bounded before it is parsed; brackets in text do not count", () => {
    const nest = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
    const { codec } = createCodec(jsonFormatter(), { maxDepth: 4 });
    const deepest = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].filter((levels) => {
      try {
        decode(codec, Buffer.from(nest(levels)));
        return true;
      } catch (error) {
        expect(error).toBeInstanceOf(LimitExceededError);
        return false;
      }
    });
    // A tagged value takes two levels in JSON, so there are twice as many, and not a level more than that.
    expect(deepest.at(-1)).toBe(10);
    expect(() => decode(codec, Buffer.from(nest(1_000_000)))).toThrow(
      "levels: send a flatter structure, or raise maxDepth",
    );
    expect(decode(codec, Buffer.from(JSON.stringify("[".repeat(1_000))))).toBe("[".repeat(1_000));
    expect(decode(codec, Buffer.from(JSON.stringify('\\"[[[[[[[[[[[[[[[[[[')))).toBe('\\"[[[[[[[[[[[[[[[[[[');
  });

  test("the number of values is bounded at N and N+1", () => {
    const list = (items: number) => JSON.stringify(Array.from({ length: items }, () => 0));
    // The outermost, the list, and its items but for the first, which the list stands for.
    expect(decodeText(list(9), { maxNodes: 10 })).toHaveLength(9);
    expect(() => decodeText(list(10), { maxNodes: 10 })).toThrow(
      new LimitExceededError(
        "maxNodes",
        "The payload has more than 10 values: send less at a time, or raise maxNodes on the receiving side",
      ),
    );
  });

  test("there are no definitions", () => {
    expect(() => createCodec(jsonFormatter()).codec.receiveDefinition(Buffer.from("0\na"))).toThrow(
      SerializationError,
    );
  });
});
