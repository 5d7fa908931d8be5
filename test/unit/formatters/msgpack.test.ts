import { describe, expect, test } from "vitest";
import { msgpackFormatter } from "../../../src/formatters/msgpack/msgpack-formatter.ts";
import {
  LimitExceededError,
  RemotingError,
  SerializationError,
  Tagged,
  type WireValue,
} from "../../../src/spi.ts";
import { createCodec, decode, encode } from "./decoding.ts";

/** In an array whose length has two bytes, so that the general way is taken. */
function decodeGenerally(bytes: readonly number[]): unknown {
  const value = decode(createCodec(msgpackFormatter()).codec, Buffer.from([0xdc, 0, 1, ...bytes]));
  return Array.isArray(value) ? value[0] : expect.fail("not an array");
}

const bytesOf = (text: string) => [...Buffer.from(text)];

describe("each token", () => {
  const accepted = new Map<number, readonly [bytes: number[], value: unknown]>();
  for (let value = 0; value < 0x40; value++) accepted.set(value, [[], value]);
  for (let value = -32; value < 0; value++) accepted.set(0x100 + value, [[], value]);
  for (let size = 0; size < 16; size++) {
    const keys = Array.from({ length: size }, (_, index) => String.fromCharCode(97 + index));
    accepted.set(0x80 + size, [
      keys.flatMap((key) => [0xa1, ...bytesOf(key), 7]),
      Object.fromEntries(keys.map((key) => [key, 7])),
    ]);
    accepted.set(0x90 + size, [keys.map(() => 7), keys.map(() => 7)]);
  }
  for (let length = 0; length < 32; length++)
    accepted.set(0xa0 + length, [bytesOf("x".repeat(length)), "x".repeat(length)]);
  const others: readonly (readonly [number, number[], unknown])[] = [
    [0xc0, [], null],
    [0xc2, [], false],
    [0xc3, [], true],
    [0xc4, [2, 5, 6], Buffer.from([5, 6])],
    [0xc5, [0, 2, 5, 6], Buffer.from([5, 6])],
    [0xc6, [0, 0, 0, 2, 5, 6], Buffer.from([5, 6])],
    [0xca, [0x3f, 0x80, 0, 0], 1],
    [0xcb, [0x3f, 0xf0, 0, 0, 0, 0, 0, 0], 1],
    [0xcc, [0xff], 255],
    [0xcd, [1, 0], 256],
    [0xce, [0xff, 0xff, 0xff, 0xff], 4_294_967_295],
    [0xd0, [0x80], -128],
    [0xd1, [0x80, 0], -32_768],
    [0xd2, [0x80, 0, 0, 0], -2_147_483_648],
    [0xd4, [0, 0], undefined],
    [0xd9, [2, ...bytesOf("ab")], "ab"],
    [0xda, [0, 2, ...bytesOf("ab")], "ab"],
    [0xdb, [0, 0, 0, 2, ...bytesOf("ab")], "ab"],
    [0xdc, [0, 1, 7], [7]],
    [0xdd, [0, 0, 0, 1, 7], [7]],
    [0xde, [0, 1, 0xa1, 97, 7], { a: 7 }],
    [0xdf, [0, 0, 0, 1, 0xa1, 97, 7], { a: 7 }],
  ];
  for (const [token, bytes, value] of others) accepted.set(token, [bytes, value]);

  test.each([...accepted])("0x%i is understood", (token, [bytes, value]) => {
    expect(decodeGenerally([token, ...bytes])).toEqual(value);
    expect(decode(createCodec(msgpackFormatter()).codec, Buffer.from([token, ...bytes]))).toEqual(value);
  });

  const refused = Array.from({ length: 256 }, (_, token) => token).filter((token) => !accepted.has(token));

  test("records, extensions, 64-bit integers and the unused token are all that is refused", () => {
    const records = Array.from({ length: 0x40 }, (_, index) => 0x40 + index);
    expect(refused).toEqual([...records, 0xc1, 0xc7, 0xc8, 0xc9, 0xcf, 0xd3, 0xd5, 0xd6, 0xd7, 0xd8]);
  });

  test.each(refused)("0x%i is refused, whatever follows", (token) => {
    for (const filler of [0, 1, 0x54]) {
      const bytes = [token, ...Array.from({ length: 40 }, () => filler)];
      expect(() => decodeGenerally(bytes)).toThrow(SerializationError);
      expect(() => decode(createCodec(msgpackFormatter()).codec, Buffer.from(bytes))).toThrow(
        SerializationError,
      );
    }
  });

  test("of the 256 extension types only undefined and tagged values", () => {
    for (let type = 0; type < 256; type++) {
      for (const data of [0, 1, 0x61]) {
        const bytes = [0xd4, type, data, 0x91, 7];
        if (type === 0x54 && data === 0) expect(decodeGenerally(bytes)).toEqual(new Tagged([7]));
        else if (type === 0 && data === 0) expect(decodeGenerally(bytes.slice(0, 3))).toBeUndefined();
        else expect(() => decodeGenerally(bytes)).toThrow(`extension ${type} is not allowed`);
      }
    }
  });

  test.each([[], [0x90], [7], [0xc0], [0xa1, 97], [0x81, 0xa1, 97, 7], [0xd4, 0, 0], [0xdc, 0, 1]])(
    "a tagged value followed by %j, which is no list of items, is refused",
    (...following) => {
      expect(() => decodeGenerally([0xd4, 0x54, 0, ...following])).toThrow(SerializationError);
    },
  );
});

describe("what is declared", () => {
  test.each([
    ["array16", [0xdc, 0xff, 0xff, 1, 2]],
    ["array32", [0xdd, 0xff, 0xff, 0xff, 0xff, 1]],
    ["map16", [0xde, 0xff, 0xff, 0xa1, 97, 1]],
    ["map32", [0xdf, 0xff, 0xff, 0xff, 0xff, 0xa1, 97, 1]],
    ["map32 whose doubled count is 0 in 32 bits", [0xdf, 0x80, 0, 0, 0]],
    ["string32", [0xdb, 0xff, 0xff, 0xff, 0xff, 97]],
    ["string16", [0xda, 0, 2, 97]],
    ["string8", [0xd9, 2, 97]],
    ["binary32", [0xc6, 0xff, 0xff, 0xff, 0xff, 97]],
    ["binary8", [0xc4, 2, 97]],
    ["key", [0x81, 0xd9, 9, 97, 1]],
  ])("%s: more than there is", (_name, bytes) => {
    expect(() => decodeGenerally(bytes)).toThrow(SerializationError);
  });

  test("bytes after the value", () => {
    expect(() => decode(createCodec(msgpackFormatter()).codec, Buffer.from([0xdc, 0, 1, 7, 7]))).toThrow(
      "bytes follow",
    );
    expect(() => decode(createCodec(msgpackFormatter()).codec, Buffer.from([7, 7]))).toThrow(
      SerializationError,
    );
  });

  test("nothing at all", () => {
    expect(() => decode(createCodec(msgpackFormatter()).codec, Buffer.alloc(0))).toThrow(SerializationError);
  });

  test.each([
    ["number", [0x81, 1, 1]],
    ["null", [0x81, 0xc0, 1]],
    ["binary", [0x81, 0xc4, 1, 97, 1]],
    ["array", [0x81, 0x90, 1]],
    ["tagged value", [0x81, 0xd4, 0x54, 0, 0x91, 7, 1]],
    ["string32", [0x81, 0xdb, 0, 0, 0, 1, 97, 1]],
  ])("a %s as key", (_name, bytes) => {
    expect(() => decodeGenerally(bytes)).toThrow("a key is not a string");
  });
});

describe("limits", () => {
  const nest = (levels: number, opening: number[]) =>
    Buffer.from([...Array.from({ length: levels }, () => opening).flat(), 0xc0]);

  test.each([
    ["arrays", [0x91]],
    ["maps", [0x81, 0xa1, 97]],
    ["array16", [0xdc, 0, 1]],
  ])("depth of %s: 63 and 64 are taken, 65 is not", (_name, opening) => {
    const { codec } = createCodec(msgpackFormatter());
    for (const levels of [63, 64]) expect(() => decode(codec, nest(levels, opening))).not.toThrow();
    expect(() => decode(codec, nest(65, opening))).toThrow(
      "64 levels: send a flatter structure, or raise maxDepth",
    );
    expect(() => decode(codec, nest(100_000, opening))).toThrow(LimitExceededError);
    // The codec is as good as new.
    expect(decode(codec, Buffer.from([0xdc, 0, 1, 7]))).toEqual([7]);
  });

  test("depth of tagged values is bounded as well", () => {
    const { codec } = createCodec(msgpackFormatter());
    expect(() => decode(codec, nest(64, [0xd4, 0x54, 0, 0x91]))).not.toThrow();
    expect(() => decode(codec, nest(66, [0xd4, 0x54, 0, 0x91]))).toThrow(LimitExceededError);
  });

  test("nodes: N-1 and N are taken, N+1 is not", () => {
    const { codec } = createCodec(msgpackFormatter(), { maxNodes: 100 });
    const list = (items: number) => Buffer.from([0xdc, 0, items, ...Array.from({ length: items }, () => 7)]);
    // The array itself is one.
    for (const items of [98, 99]) expect(decode(codec, list(items))).toHaveLength(items);
    expect(() => decode(codec, list(100))).toThrow(
      new LimitExceededError(
        "maxNodes",
        "The payload has more than 100 values: send less at a time, or raise maxNodes on the receiving side",
      ),
    );
    const map = (entries: number) =>
      Buffer.from([
        0xde,
        0,
        entries,
        ...Array.from({ length: entries }, (_, index) => [0xa2, 97, 65 + index, 7]).flat(),
      ]);
    expect(Object.keys(decode(codec, map(49)) as object)).toHaveLength(49);
    expect(() => decode(codec, map(50))).toThrow(LimitExceededError);
  });
});

describe("names that mean something to JavaScript", () => {
  test.each([
    ["a short string", [0xa9]],
    ["string8", [0xd9, 9]],
    ["string16", [0xda, 0, 9]],
  ])("__proto__ as %s is refused as a key at any depth, and is only data as a value", (_name, header) => {
    const text = [...header, ...bytesOf("__proto__")];
    expect(() => decodeGenerally([0x81, ...text, 0x80])).toThrow("__proto__");
    expect(() => decodeGenerally([0x81, 0xa1, 97, 0x81, ...text, 0x80])).toThrow("__proto__");
    expect(() => decodeGenerally([0x82, 0xa1, 97, 7, ...text, 0x80])).toThrow("__proto__");
    expect(decodeGenerally([0x81, 0xa1, 97, ...text])).toEqual({ a: "__proto__" });
  });

  test.each([
    "constructor",
    "prototype",
    "toString",
    "hasOwnProperty",
    "toJSON",
    "then",
    "__proto",
    "___proto__",
    "__proto_",
  ])("%s is an ordinary key", (key) => {
    const decoded = decodeGenerally([0x81, 0xa0 + key.length, ...bytesOf(key), 7]);
    expect(Object.getOwnPropertyNames(decoded)).toEqual([key]);
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
  });
});

const corpus: readonly (readonly [string, WireValue])[] = [
  ["scalars", [1, -1, 300, 70_000, -70_000, 1.5, "text", true, false, null, undefined]],
  ["long scalars", ["x".repeat(40), "ü".repeat(300), "y".repeat(70_000).slice(0, 300)]],
  ["objects", [{ a: 1, b: { c: [1, { d: null }] } }, { $: 1 }, {}]],
  ["binaries", [Buffer.from("abc"), Buffer.alloc(300, 7)]],
  ["tagged", [new Tagged([3, "a", new Tagged([1, "ff"]), { k: new Tagged([2, 0]) }])]],
  ["a tagged scalar", new Tagged([2, 5])],
  ["short tagged scalars", [new Tagged([2, 5]), 1, new Tagged([5, 0, "x"])]],
  ["rows", Array.from({ length: 20 }, (_, id) => ({ id, name: `row ${id}` }))],
];

describe("what was encoded", () => {
  test.each(corpus)("%s: decodes to the same, again and again", (_name, value) => {
    const sender = createCodec(msgpackFormatter());
    const receiver = createCodec(msgpackFormatter());
    for (let round = 0; round < 4; round++) {
      const bytes = encode(sender.codec, value);
      for (const definition of sender.definitions.splice(0)) receiver.codec.receiveDefinition(definition);
      expect(decode(receiver.codec, bytes)).toEqual(value);
    }
  });

  test.each(corpus)("%s: cut anywhere it is refused", (_name, value) => {
    const sender = createCodec(msgpackFormatter());
    const receiver = createCodec(msgpackFormatter());
    for (let round = 0; round < 3; round++) {
      const bytes = encode(sender.codec, value);
      for (const definition of sender.definitions.splice(0)) receiver.codec.receiveDefinition(definition);
      for (let length = 0; length < bytes.length; length++) {
        expect(() => decode(receiver.codec, bytes.subarray(0, length))).toThrow(RemotingError);
      }
    }
  });

  test.each(corpus.filter(([name]) => name !== "long scalars"))(
    "%s: with any byte changed it is understood or refused, and nothing else",
    (_name, value) => {
      const sender = createCodec(msgpackFormatter());
      const receiver = createCodec(msgpackFormatter());
      encode(sender.codec, value);
      const bytes = encode(sender.codec, value).subarray(0, 120);
      const whole = encode(sender.codec, value);
      for (const definition of sender.definitions.splice(0)) receiver.codec.receiveDefinition(definition);
      for (let position = 0; position < bytes.length; position++) {
        for (let byte = 0; byte < 256; byte += 3) {
          const changed = Buffer.from(whole);
          changed[position] = byte;
          try {
            decode(receiver.codec, changed);
          } catch (error) {
            if (!(error instanceof RemotingError)) throw error;
          }
        }
      }
      expect(decode(receiver.codec, whole)).toEqual(value);
      expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
    },
  );

  test("tagged values are resolved innermost first", () => {
    const { codec } = createCodec(msgpackFormatter());
    const bytes = encode(codec, { a: new Tagged([1, new Tagged([2, [new Tagged([3])]])]) });
    const seen: unknown[] = [];
    const decoded = codec.decode(bytes, 0, bytes.length, {
      resolve(items) {
        seen.push(items[0]);
        return `resolved ${String(items[0])}`;
      },
    });
    expect(seen).toEqual([3, 2, 1]);
    expect(decoded).toEqual({ a: "resolved 1" });
  });

  test.each([[new Tagged([1, "a"]), 5], [{ a: new Tagged([1]) }]])(
    "a tagged value is resolved once, whichever way is taken",
    (...value: WireValue[]) => {
      const { codec } = createCodec(msgpackFormatter());
      const bytes = encode(codec, value);
      let resolved = 0;
      codec.decode(bytes, 0, bytes.length, { resolve: () => ++resolved });
      expect(resolved).toBe(1);
    },
  );

  test("what the resolver throws is told as it is if it is ours, else as a SerializationError with its cause", () => {
    const { codec } = createCodec(msgpackFormatter());
    const bytes = encode(codec, { a: new Tagged([1]) });
    const fail = (error: unknown) =>
      codec.decode(bytes, 0, bytes.length, {
        resolve() {
          throw error;
        },
      });
    const own = new LimitExceededError("maxSomething", "too much");
    expect(() => fail(own)).toThrow(own);
    expect(() => fail(new RangeError("inner"))).toThrow(SerializationError);
    expect(decode(codec, bytes)).toEqual({ a: new Tagged([1]) });
  });
});

describe("shapes", () => {
  test("are told once, when objects of a shape come again, and make the payload smaller", () => {
    const { codec, definitions } = createCodec(msgpackFormatter());
    const value = { identifier: 1, description: "x" };
    const first = encode(codec, [value]);
    expect(definitions).toEqual([]);
    const lengths = [0, 1, 2].map(() => encode(codec, [value]).length);
    expect(definitions.map(String)).toEqual(["0\nidentifier description"]);
    expect(lengths.at(-1)).toBeLessThan(first.length - 15);
  });

  test("objects used as dictionaries define none, however many there are", () => {
    const { codec, definitions } = createCodec(msgpackFormatter());
    for (let index = 0; index < 5_000; index++)
      encode(codec, { [`key${index}`]: index, [`other${index}`]: 0 });
    expect(definitions).toEqual([]);
  });

  test("there are never more than the protocol allows, and what comes later still arrives", () => {
    const sender = createCodec(msgpackFormatter());
    const receiver = createCodec(msgpackFormatter());
    let shapes = 0;
    for (let index = 0; index < 3_000; index++) {
      for (let round = 0; round < 3; round++) {
        const value = [{ [`a${index}`]: index, b: { [`c${index}`]: round } }];
        const bytes = encode(sender.codec, value);
        for (const definition of sender.definitions.splice(0)) {
          shapes += definition.toString().split("\n").length - 1;
          receiver.codec.receiveDefinition(definition);
        }
        expect(decode(receiver.codec, bytes)).toEqual(value);
      }
    }
    expect(shapes).toBeGreaterThan(500);
    expect(shapes).toBeLessThanOrEqual(1024);
  });

  test("objects with names that mean something to JavaScript travel without a shape", () => {
    const { codec, definitions } = createCodec(msgpackFormatter());
    const receiver = createCodec(msgpackFormatter());
    for (const name of [
      "constructor",
      "prototype",
      "toString",
      "valueOf",
      "hasOwnProperty",
      "toJSON",
      "then",
      "a b",
      "",
      "1x",
      "ä",
      "x".repeat(65),
    ]) {
      const value = [{ [name]: 1, usual: 2 }];
      for (let round = 0; round < 4; round++)
        expect(decode(receiver.codec, encode(codec, value))).toEqual(value);
    }
    expect(definitions).toEqual([]);
  });

  const definition = (text: string) => Buffer.from(text, "latin1");

  test.each([
    ["a name that means something", "0\nconstructor"],
    ["__proto__", "0\na __proto__"],
    ["then", "0\nthen"],
    ["an empty name", "0\na  b"],
    ["no names", "0\n"],
    ["a name with other characters", "0\na-b"],
    ["a name beyond ASCII", "0\nä"],
    ["a name that begins with a digit", "0\n1a"],
    ["a long name", `0\n${"x".repeat(65)}`],
    ["a name twice", "0\na b a"],
    ["65 fields", `0\n${Array.from({ length: 65 }, (_, index) => `f${index}`).join(" ")}`],
    ["the wrong number", "1\na"],
    ["a negative number", "-1\na"],
    ["no number", "\na"],
    ["a number that is none", "0x0\na"],
    ["nothing", ""],
    ["1,025 shapes", `0\n${Array.from({ length: 1025 }, (_, index) => `f${index}`).join("\n")}`],
    ["more bytes than allowed", `0\n${"a b c d e f g h\n".repeat(20_000)}`],
  ])("a definition with %s is refused, and defines nothing", (_name, text) => {
    const { codec } = createCodec(msgpackFormatter());
    expect(() => codec.receiveDefinition(definition(text))).toThrow(SerializationError);
    expect(() => decode(codec, Buffer.from([0xdc, 0, 1, 0x40, 1]))).toThrow("record 0 was not defined");
  });

  test("1,024 shapes with 64 fields in all are taken, in several definitions, and all can be used", () => {
    const { codec } = createCodec(msgpackFormatter());
    for (let first = 0; first < 1024; first += 64) {
      const names = Array.from({ length: 64 }, (_, index) => `s${first + index} t`);
      codec.receiveDefinition(definition(`${first}\n${names.join("\n")}`));
    }
    expect(() => codec.receiveDefinition(definition("1024\na"))).toThrow(SerializationError);
    for (let number = 0; number < 1024; number++) {
      const record = number < 32 ? [0x40 + number] : [0x60 + ((number - 32) & 31), (number - 32) >> 5];
      const decoded = decode(codec, Buffer.from([0xdc, 0, 1, ...record, 7, 8]));
      expect(decoded).toEqual([{ [`s${number}`]: 7, t: 8 }]);
    }
  });

  test.each([
    ["fewer", [0x40, 1]],
    ["none", [0x40]],
  ])("a record with %s values than its shape has fields is refused", (_name, bytes) => {
    const { codec } = createCodec(msgpackFormatter());
    codec.receiveDefinition(definition("0\na b"));
    expect(() => decode(codec, Buffer.from([0xdc, 0, 1, ...bytes]))).toThrow(SerializationError);
  });

  test("records count as a level", () => {
    const { codec } = createCodec(msgpackFormatter());
    codec.receiveDefinition(definition("0\na"));
    const nest = (levels: number) => Buffer.from([...Array.from({ length: levels }, () => 0x40), 0xc0]);
    expect(() => decode(codec, nest(64))).not.toThrow();
    expect(() => decode(codec, nest(65))).toThrow(LimitExceededError);
  });

  test("without an ordered connection every payload stands alone", () => {
    const codec = msgpackFormatter().createCodec({ limits: { maxDepth: 64, maxNodes: 1000 } });
    const other = msgpackFormatter().createCodec({ limits: { maxDepth: 64, maxNodes: 1000 } });
    for (let round = 0; round < 4; round++)
      expect(decode(other, encode(codec, [{ a: 1 }]))).toEqual([{ a: 1 }]);
  });
});
