/** What travels by value arrives as it was sent: same type, same content, a copy. */
import assert from "node:assert/strict";
import { SerializationError } from "remoting";
import { describe, expect, test } from "vitest";
import { type ConformanceContext, rejectionOf } from "../conformance-context.ts";
import { Echo, portrait, Thrower } from "../server/call-services.ts";
import { Line, Money, NamedError, nest, Point, QuotaError } from "../server/values.ts";

const numbers = [
  0,
  -0,
  1,
  -1,
  31,
  -32,
  -33,
  63,
  64,
  127,
  128,
  -128,
  -129,
  255,
  256,
  32_767,
  -32_768,
  65_535,
  65_536,
  2_147_483_647,
  -2_147_483_648,
  2_147_483_648,
  4_294_967_295,
  4_294_967_296,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
  0.1,
  -1.5,
  Number.MAX_VALUE,
  Number.MIN_VALUE,
  Number.EPSILON,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
];

const bigints = [
  0n,
  1n,
  -1n,
  255n,
  2n ** 53n,
  -(2n ** 63n),
  2n ** 63n,
  2n ** 64n - 1n,
  2n ** 64n,
  -(2n ** 200n) + 7n,
  2n ** 20_000n + 1n,
];

const texts: readonly (readonly [string, string])[] = [
  ["empty", ""],
  ["ASCII", "hello"],
  ["31 bytes", "x".repeat(31)],
  ["32 bytes", "x".repeat(32)],
  ["255 bytes", "x".repeat(255)],
  ["256 bytes", "x".repeat(256)],
  ["umlauts", "Größe"],
  ["emoji", "👩‍👩‍👧‍👦 family"],
  ["control characters", "\0\n\r\t\u001f\u007f\u2028\u2029"],
  ["escapes", '"quoted" \\ back $(template) </script>'],
  ["long unicode", "ж漢😀".repeat(9_000)],
  ["above 64 KiB", "y".repeat(70_001)],
];

const awkwardKeys = [
  "constructor",
  "toString",
  "valueOf",
  "hasOwnProperty",
  "prototype",
  "toJSON",
  "length",
  "name",
  "$",
  "$$",
  "$b",
  "",
  "ключ",
  "0",
  "1",
  "007",
  "-1",
  "a b",
  "a.b",
  "\0",
  "__defineGetter__",
  "__proto",
  "x".repeat(300),
];

const typedArrays = {
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
};

const binarySizes = [0, 8, 4_088, 4_096, 65_536, 200_000];

/** Bytes that differ from place to place, so that a fragment in the wrong place is noticed. */
function patternOf(length: number): ArrayBuffer {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = (index * 7 + (index >> 8)) & 0x3f;
  return bytes.buffer;
}

function binaries(length: number): (readonly [string, ArrayBuffer | ArrayBufferView])[] {
  return [
    ...Object.entries(typedArrays).map(([name, type]) => [name, new type(patternOf(length))] as const),
    ["Buffer", Buffer.from(patternOf(length))],
    ["ArrayBuffer", patternOf(length)],
    ["DataView", new DataView(patternOf(length))],
  ];
}

function contentOf(binary: ArrayBuffer | ArrayBufferView): Buffer {
  return ArrayBuffer.isView(binary)
    ? Buffer.from(binary.buffer, binary.byteOffset, binary.byteLength)
    : Buffer.from(binary);
}

export function describeByValue(context: ConformanceContext): void {
  /** There and back, and what the server saw. Several times: what is seen again may travel in another form. */
  async function expectSame(value: unknown): Promise<void> {
    const echo = context.service(Echo);
    for (let round = 0; round < 3; round++) {
      assert.deepStrictEqual(await echo.echo(value), value);
      assert.equal(await echo.portrait(value), portrait(value));
    }
  }

  test.each([undefined, null, true, false])("%s", async (value) => {
    await expectSame(value);
    await expectSame([value, [value], { value }]);
  });

  test("numbers", async () => {
    for (const number of numbers) await expectSame(number);
    await expectSame(numbers);
    await expectSame({ numbers });
  });

  test("bigints", async () => {
    for (const value of bigints) await expectSame(value);
    await expectSame({ bigints });
  });

  test.each(texts)("text: %s", async (_name, text) => {
    await expectSame(text);
    await expectSame([text, { text }]);
  });

  // Half of a surrogate pair is not text. JSON can carry it; in UTF-8 it becomes U+FFFD.
  test.each([
    ["short", "a\ud800b"],
    ["medium", `${"x".repeat(100)}\udc00`],
    ["long", `\ud83d${"x".repeat(5_000)}`],
  ])("a lone surrogate in a %s text arrives as itself or as U+FFFD", async (_name, text) => {
    // How many bytes of an ill-formed character there are differs with the length of the text in msgpackr.
    const wellFormed = (received: unknown) => String(received).replaceAll(/\ufffd+/g, "\ufffd");
    const expected = context.formatterName === "json" ? text : Buffer.from(text).toString();
    expect(wellFormed(await context.service(Echo).echo(text))).toBe(expected);
    expect(wellFormed(((await context.service(Echo).echo({ text })) as { text: string }).text)).toBe(
      expected,
    );
  });

  test("dates", async () => {
    for (const time of [0, -1, 1.0, 1_700_000_000_123, -8.64e15, 8.64e15]) await expectSame(new Date(time));
    await expectSame({ when: new Date(0) });
    const invalid = await context.service(Echo).echo(new Date(Number.NaN));
    assert(invalid instanceof Date);
    expect(invalid.getTime()).toBeNaN();
  });

  test("Map and Set, empty, nested and with keys of any kind", async () => {
    await expectSame(new Map());
    await expectSame(new Set());
    await expectSame(
      new Map<unknown, unknown>([
        ["text", 1],
        [1, "number"],
        [Number.NaN, -0],
        [undefined, null],
        [2n, new Set([new Map([["deep", new Set(["deeper"])]])])],
        [new Date(1), [new Map()]],
        [{ key: "object" }, { value: "object" }],
      ]),
    );
    await expectSame({ map: new Map([[[1, 2], new Set([3])]]) });
  });

  describe.each(binarySizes)("binary data of %i bytes", (length) => {
    test.each(binaries(length).map(([name]) => name))("%s", async (name) => {
      const [, value] = binaries(length).find(([candidate]) => candidate === name) ?? [];
      assert(value !== undefined);
      for (const wrap of [(binary: unknown) => binary, (binary: unknown) => ({ at: [binary, binary] })]) {
        const sent = wrap(value);
        const received = await context.service(Echo).echo(sent);
        assert.deepStrictEqual(received, sent);
      }
      const arrived = await context.service(Echo).echo(value);
      assert(arrived instanceof ArrayBuffer || ArrayBuffer.isView(arrived));
      assert.equal(Object.getPrototypeOf(arrived), Object.getPrototypeOf(value));
      assert(contentOf(arrived).equals(contentOf(value)));
      assert.equal(await context.service(Echo).portrait(value), portrait(value));
    });
  });

  test("a view on a part of memory brings that part and no more", async () => {
    for (const size of [100, 10_000]) {
      const memory = patternOf(size * 4);
      const view = new Uint16Array(memory, size, size / 2);
      const arrived = await context.service(Echo).echo(view);
      assert(arrived instanceof Uint16Array);
      assert.deepStrictEqual(arrived, view);
      assert.equal(arrived.buffer.byteLength, view.byteLength);
    }
  });

  test("plain objects with keys that mean something elsewhere", async () => {
    for (const key of awkwardKeys) {
      await expectSame({ [key]: 1 });
      await expectSame([{ [key]: "text", other: { [key]: { [key]: null } } }]);
    }
    await expectSame(Object.fromEntries(awkwardKeys.map((key, index) => [key, index])));
  });

  test("keys that look like what the JSON formatter escapes", async () => {
    await expectSame({ $: "undefined", $$: { $: [1] }, $b: { b: "AAAA" } });
    await expectSame([{ $: { b: "AAAA" } }, { $: ["$"] }]);
  });

  test("many objects of one shape, of similar shapes, and dictionaries", async () => {
    await expectSame(
      Array.from({ length: 200 }, (_, id) => ({ id, name: `row ${id}`, nested: { id, flag: true } })),
    );
    await expectSame(Array.from({ length: 50 }, (_, id) => (id % 2 === 0 ? { id } : { id, extra: [id] })));
    await expectSame(Object.fromEntries(Array.from({ length: 3_000 }, (_, id) => [`key-${id}`, { id }])));
    await expectSame(Array.from({ length: 300 }, (_, id) => ({ [`property${id}`]: id })));
    await expectSame(Object.fromEntries(Array.from({ length: 65 }, (_, id) => [`field${id}`, id])));
    await expectSame({ empty: {}, list: [] });
  });

  test("an object without prototype arrives as a plain object", async () => {
    const bare = Object.assign(Object.create(null) as object, { a: 1, nested: { b: [2n] } });
    assert.deepStrictEqual(await context.service(Echo).echo(bare), { a: 1, nested: { b: [2n] } });
  });

  test("the holes of a sparse array arrive as undefined", async () => {
    const sparse: unknown[] = [];
    sparse[3] = "three";
    assert.deepStrictEqual(await context.service(Echo).echo(sparse), [
      undefined,
      undefined,
      undefined,
      "three",
    ]);
    const large: unknown[] = [];
    large[20] = new Date(0);
    const expected = Array.from({ length: 20 }, (): unknown => undefined).concat([new Date(0)]);
    assert.deepStrictEqual(await context.service(Echo).echo({ large }), { large: expected });
  });

  test("arrays of many lengths", async () => {
    for (const length of [0, 1, 15, 16, 17, 70_000])
      await expectSame(Array.from({ length }, (_, index) => index));
  });

  test("60 levels of nesting, whatever is in the innermost", async () => {
    for (const innermost of [
      "text",
      { a: 1 },
      new Map([["k", new Set([1])]]),
      new Point(1, 2),
      5n,
      new Date(3),
    ]) {
      await expectSame(nest(60, innermost));
    }
  });

  // The arguments themselves are a level, so what is passed may have 63.
  test.each([
    ["text", "text"],
    ["a bigint", 5n],
    ["undefined", undefined],
    ["NaN", Number.NaN],
  ])("63 levels with %s in the innermost", async (_name, innermost) => {
    await expectSame(nest(63, innermost));
  });

  test("the same object in two places arrives twice, and is not a cycle", async () => {
    const shared = { name: "shared" };
    const result = await context.service(Echo).echo([shared, { shared }]);
    assert.deepStrictEqual(result, [shared, { shared }]);
  });

  describe("@Serializable", () => {
    test("objects arrive as instances of their class, nested ones too", async () => {
      const line = new Line(
        new Point(1, 2),
        new Point(-0, Number.NaN),
        new Map([["mid", new Point(0.5, 1)]]),
      );
      await expectSame([line, { line, set: new Set([line]) }]);
      const arrived = await context.service(Echo).echo(line);
      assert(arrived instanceof Line);
      expect(arrived.from.length).toBeCloseTo(Math.sqrt(5));
    });

    test("serialize and deserialize", async () => {
      const arrived = await context
        .service(Echo)
        .echo([new Money(123n), new Map([["m", new Money(2n ** 70n)]])]);
      assert(Array.isArray(arrived));
      assert(arrived[0] instanceof Money);
      expect(String(arrived[0])).toBe("123 cents");
      expect(String(arrived[1].get("m"))).toBe(`${2n ** 70n} cents`);
    });

    test("what deserialize refuses is a SerializationError", async () => {
      const error = await rejectionOf(context.service(Echo).echo([new Money(-1n)]), SerializationError);
      expect(error.message).toContain('"-1 cents" is no amount');
      expect(await context.service(Echo).echo("still here")).toBe("still here");
    });

    test("errors", async () => {
      const arrived = await context.service(Echo).echo(new QuotaError(7));
      assert(arrived instanceof QuotaError);
      expect(arrived).toMatchObject({ quota: 7, message: "The quota of 7 is used up", name: "Error" });
      assert.deepStrictEqual(arrived.cause, new Point(7, 0));
      expect(arrived.isUsedUp()).toBe(true);
    });

    test("errors that name themselves", async () => {
      const arrived = await context.service(Echo).echo(new NamedError("x"));
      assert(arrived instanceof NamedError);
      expect([arrived.name, arrived.message]).toEqual(["NamedError", "x"]);
    });
  });

  describe("errors as values", () => {
    test.each([Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError])(
      "%o keeps its class, message, cause and code",
      async (type) => {
        const cause = new RangeError("the cause", { cause: { plain: [1n] } });
        const error = Object.assign(new type("the message", { cause }), {
          code: "ERR_X",
          at: new Point(1, 2),
        });
        const arrived = await context.service(Echo).echo({ error });
        const { error: copy } = arrived as { error: typeof error };
        assert(copy instanceof type);
        expect(copy.name).toBe(type.name);
        expect([copy.message, copy.code]).toEqual(["the message", "ERR_X"]);
        assert.deepStrictEqual(copy.at, new Point(1, 2));
        assert(copy.cause instanceof RangeError);
        expect(copy.cause.message).toBe("the cause");
        assert.deepStrictEqual(copy.cause.cause, { plain: [1n] });
      },
    );

    test("the sender's stack does not travel", async () => {
      const arrived = await context.service(Thrower).give("Error");
      assert(arrived instanceof Error);
      expect(arrived.stack).not.toContain("call-services");
    });

    test("an AggregateError keeps its errors and its class", async () => {
      const arrived = await context.service(Thrower).give("AggregateError");
      assert(arrived instanceof Error);
      expect([arrived.name, arrived.message]).toEqual(["AggregateError", "several"]);
      const { errors } = arrived as AggregateError;
      assert(errors[0] instanceof RangeError);
      expect(errors[0].message).toBe("first");
      expect(errors[1]).toBe("second");
      expect(arrived).toBeInstanceOf(AggregateError);
    });

    test("an error of an unknown class arrives as an Error with its name and properties", async () => {
      const arrived = await context.service(Thrower).give("StorageError");
      expect(arrived).toBeInstanceOf(Error);
      expect(arrived).toMatchObject({
        name: "StorageError",
        message: "disk full",
        code: "ERR_STORAGE",
        attempts: 3,
      });
    });

    test("what of an error cannot travel stays behind, the rest arrives", async () => {
      const arrived = await context.service(Thrower).give("error with untransportable parts");
      expect(arrived).toMatchObject({ message: "partly", code: "E1" });
      expect(arrived).not.toHaveProperty("socket");
    });
  });

  describe("a change after the call is not seen", () => {
    const changes: readonly (readonly [string, () => unknown, (value: never) => void])[] = [
      ["object", () => ({ a: 1 }), (value: { a: number }) => void Object.assign(value, { a: 2 })],
      [
        "array",
        () => [1, { b: 1 }],
        (value: [number, { b: number }]) => void Object.assign(value[1], { b: 2 }),
      ],
      ["Map", () => new Map([["a", 1]]), (value: Map<string, number>) => void value.set("a", 2)],
      ["Date", () => new Date(0), (value: Date) => void value.setTime(1)],
      ["small bytes", () => new Uint8Array(10), (value: Uint8Array) => void value.fill(1)],
      ["bytes", () => new Uint8Array(10_000), (value: Uint8Array) => void value.fill(1)],
      [
        "text beside bytes",
        () => ({ text: "x".repeat(5_000), bytes: new Uint8Array(10_000) }),
        (value: { bytes: Uint8Array }) => void value.bytes.fill(1),
      ],
    ];

    test.each(changes)("%s", async (_name, make, change) => {
      const sent = make();
      const result = context.service(Echo).echo(sent);
      change(sent as never);
      assert.deepStrictEqual(await result, make());
    });

    // Larger ones are not copied but sent from where they are, see docs/by-value-and-by-reference.md.
    test("bytes that fit one frame, 64 KiB", async () => {
      const sent = new Uint8Array(64 * 1024).fill(1);
      const echoed = context.service(Echo).echo(sent);
      const sum = context.service(Echo).sumOf(sent);
      sent.fill(2);
      const received = await echoed;
      assert(received instanceof Uint8Array);
      // Compared as a whole: a report of how they differ would be as long as they are.
      expect(Buffer.alloc(sent.length, 1).equals(received)).toBe(true);
      expect(await sum).toBe(sent.length);
    });

    test("and more of them at once than a channel takes", async () => {
      const size = 64 * 1024;
      const sent = new Uint8Array(size);
      const sums: Promise<number>[] = [];
      // 4 MiB, which is more than a ring or the buffers of a socket hold.
      for (let index = 1; index <= 64; index++) {
        sent.fill(index);
        sums.push(context.service(Echo).sumOf(sent));
      }
      sent.fill(0);
      expect(await Promise.all(sums)).toEqual(Array.from({ length: 64 }, (_, index) => size * (index + 1)));
    });

    // What is as large as this is copied only where a channel has sinks; see docs/by-value-and-by-reference.md.
    const changesWithSinks: typeof changes = [
      ...changes,
      ["large bytes", () => new Uint8Array(300_000), (value: Uint8Array) => void value.fill(1)],
    ];

    test.each(changesWithSinks)(
      "%s, on its way through an asynchronous sink",
      async (_name, make, change) => {
        const { compression } = await import("remoting");
        const server = await context.start({ compression: { threshold: 100 } });
        const client = context.connect(server.url, { channelSinks: [compression({ threshold: 100 })] });
        const sent = make();
        const result = client.getObject(Echo, server.url).echo(sent);
        change(sent as never);
        assert.deepStrictEqual(await result, make());
      },
    );
  });
}
