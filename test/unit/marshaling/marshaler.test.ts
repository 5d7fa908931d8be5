/** What a peer may claim to have sent: every form that is not one of ours is refused. */
import { describe, expect, test } from "vitest";
import { SerializationError } from "../../../src/errors.ts";
import { Serializable } from "../../../src/index.ts";
import { Marshaler } from "../../../src/marshaling/marshaler.ts";
import type { ReferenceHost } from "../../../src/marshaling/reference-host.ts";
import { tag } from "../../../src/marshaling/tags.ts";
import { Tagged } from "../../../src/spi.ts";

class Reference {}

/** Counts what is exported, and knows one object of its own. */
class CountingHost implements ReferenceHost {
  readonly counts = new Map<string, number>();
  readonly controllers = new Map<number, AbortController>();
  readonly known = new Reference();
  readonly showsStacks = false;

  export(value: object) {
    if (!(value instanceof Reference)) return undefined;
    this.counts.set("~1", (this.counts.get("~1") ?? 0) + 1);
    return { kind: "export" as const, reference: { id: "~1", typeName: "Reference" } };
  }

  unexport(id: string): void {
    this.counts.set(id, (this.counts.get(id) ?? 0) - 1);
  }

  import(reference: unknown): unknown {
    return { imported: reference };
  }

  importScoped(id: string): unknown {
    return { scoped: id };
  }

  readonly unimported: string[] = [];

  unimport(id: string): void {
    this.unimported.push(id);
  }

  readonly refused: string[] = [];

  refuse(id: string): void {
    this.refused.push(id);
  }

  home(id: string): unknown {
    return id === "~known" ? this.known : undefined;
  }

  exportSignal(): number {
    return 7;
  }

  importSignal(id: number): AbortController {
    const controller = this.controllers.get(id) ?? new AbortController();
    this.controllers.set(id, controller);
    return controller;
  }
}

@Serializable("tests.Frame")
class Frame {
  width = 1;

  area(): number {
    return this.width;
  }

  get half(): number {
    return this.width / 2;
  }
}

const noAttachments = { attachments: [] };

function unmarshal(items: readonly unknown[], attachments: readonly Uint8Array[] = []): unknown {
  return new Marshaler(new CountingHost(), 64).unmarshal(items, { attachments });
}

describe("unmarshal", () => {
  test.each([
    ["a bigint", [tag.bigint, "-ff"], -255n],
    ["a date", [tag.date, 5], new Date(5)],
    [
      "a Map",
      [tag.map, "a", 1, 2, "b"],
      new Map<unknown, unknown>([
        ["a", 1],
        [2, "b"],
      ]),
    ],
    ["an empty Map", [tag.map], new Map()],
    ["a Set", [tag.set, 1, "a"], new Set([1, "a"])],
    ["a Buffer", [tag.binary, 0, new Uint8Array([1, 2])], Buffer.from([1, 2])],
    ["an object", [tag.object, "tests.Frame", { width: 5 }], Object.assign(new Frame(), { width: 5 })],
    ["a dictionary", [tag.dictionary, "a", 1, "constructor", 2], { a: 1, constructor: 2 }],
    ["a reference", [tag.reference, "~2", "Thing"], { imported: { id: "~2", typeName: "Thing" } }],
    ["a function", [tag.function, "~2"], { imported: { id: "~2", typeName: undefined } }],
  ])("%s", (_name, items, value) => {
    expect(unmarshal(items)).toEqual(value);
  });

  test("a reference that comes home is the original; what was not given is not found", () => {
    const host = new CountingHost();
    const marshaler = new Marshaler(host, 64);
    expect(marshaler.unmarshal([tag.home, "~known"], noAttachments)).toBe(host.known);
    expect(() => marshaler.unmarshal([tag.home, "~unknown"], noAttachments)).toThrow(SerializationError);
  });

  const long = "x".repeat(256);
  test.each<[string, unknown[]]>([
    ["an unknown tag", [99]],
    ["a tag of 0", [0]],
    ["a tag that is no number", ["1", "ff"]],
    ["no tag", []],
    ["a bigint without digits", [tag.bigint, ""]],
    ["a bigint with a sign only", [tag.bigint, "-"]],
    ["a bigint with other digits", [tag.bigint, "12xy"]],
    ["a bigint with a prefix", [tag.bigint, "0xff"]],
    ["a bigint that is a number", [tag.bigint, 12]],
    ["a bigint with a line's end", [tag.bigint, "ff\n"]],
    ["a date that is no number", [tag.date, "2020-01-01"]],
    ["a Map with a key and no value", [tag.map, "a"]],
    ["a dictionary with a key and no value", [tag.dictionary, "a"]],
    ["a dictionary with __proto__", [tag.dictionary, "__proto__", {}]],
    ["a dictionary with a key that is no string", [tag.dictionary, 1, 2]],
    ["binary data of an unknown kind", [tag.binary, 99, new Uint8Array(1)]],
    ["binary data of kind -1", [tag.binary, -1, new Uint8Array(1)]],
    ["binary data of a kind that is no number", [tag.binary, "0", new Uint8Array(1)]],
    ["binary data without bytes", [tag.binary, 0]],
    ["binary data that is text", [tag.binary, 0, "text"]],
    ["an attachment that there is not", [tag.binary, 0, 0]],
    ["an attachment of number -1", [tag.binary, 0, -1]],
    ["an attachment of number 0.5", [tag.binary, 0, 0.5]],
    ["three bytes as 16-bit numbers", [tag.binary, 4, new Uint8Array(3)]],
    ["seven bytes as 64-bit numbers", [tag.binary, 9, new Uint8Array(7)]],
    ["an error without name", [tag.error]],
    ["an error whose message is no string", [tag.error, "Error", 1, {}]],
    ["an error whose properties are none", [tag.error, "Error", "x", null]],
    ["an object of an unknown class", [tag.object, "tests.Unknown", {}]],
    ["an object of a class by a name of JavaScript's", [tag.object, "Object", {}]],
    ["an object without name", [tag.object, "", {}]],
    ["an object whose name is too long", [tag.object, long, {}]],
    ["an object whose name is no string", [tag.object, 1, {}]],
    ["an object whose fields are none", [tag.object, "tests.Frame", 5]],
    ["an object with a field that is a method of its class", [tag.object, "tests.Frame", { area: 5 }]],
    ["an object with a field that is an accessor of its class", [tag.object, "tests.Frame", { half: 5 }]],
    ["an object with a field that every object has", [tag.object, "tests.Frame", { toString: 5 }]],
    ["an object with a field constructor", [tag.object, "tests.Frame", { constructor: 5 }]],
    ["a reference without id", [tag.reference]],
    ["a reference with an empty id", [tag.reference, "", "Thing"]],
    ["a reference with a long id", [tag.reference, long, "Thing"]],
    ["a reference without type", [tag.reference, "~2"]],
    ["a function whose id is no string", [tag.function, 5]],
    ["a signal without number", [tag.signal]],
    ["a signal of number 0", [tag.signal, 0, false]],
    ["a signal of number 1.5", [tag.signal, 1.5, false]],
    ["a signal beyond 32 bits", [tag.signal, 2 ** 32, false]],
  ])("%s is refused", (_name, items) => {
    expect(() => unmarshal(items)).toThrow(SerializationError);
  });

  test("an object of a class that is not registered says what to do", () => {
    expect(() => unmarshal([tag.object, "shop.Order", {}])).toThrow(
      /"shop\.Order".*@Serializable.*import its module/,
    );
  });

  test("an error cannot bring members of Error.prototype or a stack", () => {
    const error = unmarshal([tag.error, "TypeError", "x", { stack: "lies", toString: 1, code: "E" }]);
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toBe("TypeError: x");
    expect((error as Error).stack).not.toContain("lies");
    expect(error).toMatchObject({ code: "E" });
  });

  test("signals are handed to the call that they came with", () => {
    const host = new CountingHost();
    const adopted: AbortController[] = [];
    const signal = new Marshaler(host, 64).unmarshal([tag.signal, 5, false], {
      attachments: [],
      adoptSignal: (controller) => void adopted.push(controller),
    });
    expect(adopted).toEqual([host.controllers.get(5)]);
    expect(signal).toBe(adopted[0]?.signal);
  });

  test("what is decoded shares no memory with the message", () => {
    const message = Buffer.from([1, 2, 3, 4]);
    const value = unmarshal([tag.binary, 1, message.subarray(1, 3)]);
    message.fill(9);
    expect(value).toEqual(new Uint8Array([2, 3]));
    expect((value as Uint8Array).buffer.byteLength).toBe(2);
  });
});

describe("marshal", () => {
  function marshal(value: unknown, host = new CountingHost()) {
    const attachments: Uint8Array[] = [];
    const wire = new Marshaler(host, 64).marshal(value, "args", attachments);
    return { wire, attachments, host };
  }

  test("what needs no replacing is not copied", () => {
    const value = [1, "a", { b: [true, null, { c: undefined }] }];
    expect(marshal(value).wire).toBe(value);
  });

  test("what needs it is replaced in a copy, and the original stays", () => {
    const value = { a: 1, d: new Date(3), e: { f: 2 } };
    const { wire } = marshal(value);
    expect(wire).toEqual({ a: 1, d: new Tagged([tag.date, 3]), e: { f: 2 } });
    expect(value.d).toEqual(new Date(3));
  });

  test("references are counted, and counted back when the rest cannot travel or is taken back", () => {
    const reference = new Reference();
    const { host, wire } = marshal([reference, { again: reference }]);
    expect(wire).toEqual([
      new Tagged([tag.reference, "~1", "Reference"]),
      { again: new Tagged([tag.reference, "~1", "Reference"]) },
    ]);
    expect(host.counts.get("~1")).toBe(2);
    expect(() => marshal([reference, Symbol("x")], host)).toThrow(SerializationError);
    expect(host.counts.get("~1")).toBe(2);
    const marshaler = new Marshaler(host, 64);
    marshaler.marshal([reference, reference], "args", []);
    const { counted } = marshaler;
    expect(counted).toEqual({ ids: ["~1", "~1"], scoped: [] });
    if (counted === undefined) return;
    marshaler.rollback(counted);
    marshaler.rollback(counted);
    expect(host.counts.get("~1")).toBe(2);
    // What has no references takes none back.
    marshaler.marshal([1], "args", []);
    expect(marshaler.counted).toBeUndefined();
  });

  test("what of an error cannot travel is counted back as well", () => {
    const error = Object.assign(new Error("x"), {
      partly: [new Reference(), Symbol("x")],
      whole: new Reference(),
    });
    expect(marshal(error).host.counts.get("~1")).toBe(1);
  });

  test("binaries from 4,096 bytes on travel beside the body", () => {
    const { wire, attachments } = marshal([new Uint8Array(4_095), new Uint8Array(4_096)]);
    expect(wire).toMatchObject([
      { items: [tag.binary, 1, expect.any(Uint8Array)] },
      { items: [tag.binary, 1, 0] },
    ]);
    expect(attachments.map(({ length }) => length)).toEqual([4_096]);
  });

  interface ListNode {
    next?: ListNode | undefined;
    previous?: ListNode;
  }

  function listOf(length: number, isDouble = false): ListNode {
    const first: ListNode = {};
    let last = first;
    for (let count = 1; count < length; count++) {
      last.next = {};
      if (isDouble) last.next.previous = last;
      last = last.next;
    }
    return first;
  }

  function refusalOf(value: unknown): SerializationError {
    try {
      marshal([value]);
    } catch (error) {
      if (error instanceof SerializationError) return error;
      throw error;
    }
    throw new Error("it was not refused");
  }

  describe("what is nested too deep", () => {
    test("is refused with its path however deep it is, and a message that stays short", () => {
      const { message, path } = refusalOf(listOf(20_000));
      expect(path).toBe(`args[0]${".next".repeat(63)}`);
      expect(message).toMatch(/^args\[0\](\.next)+ … (\.next)+ is nested deeper than 64 levels$/);
      expect(message.length).toBeLessThan(220);
    });

    test("is a cycle if it is one, however long the rest is", () => {
      expect(refusalOf(listOf(20_000, true)).message).toContain("a cycle cannot travel by value");
    });

    test("may have getters below that throw or go on for ever", () => {
      const throwing = listOf(80);
      let last = throwing;
      while (last.next !== undefined) last = last.next;
      Object.defineProperty(last, "next", {
        enumerable: true,
        get() {
          throw new Error("never to be read");
        },
      });
      expect(refusalOf(throwing).message).toContain("is nested deeper than 64 levels");
      const endless = (): object => ({
        get left() {
          return endless();
        },
        get right() {
          return endless();
        },
      });
      expect(refusalOf(endless()).message).toBe("args is nested deeper than 64 levels");
    });
  });
});
