import { describe, expect, test } from "vitest";
import { ByteReader } from "../../../src/channels/byte-reader.ts";
import { ByteWriter } from "../../../src/channels/byte-writer.ts";
import { MemoryBudget } from "../../../src/channels/memory-budget.ts";
import { ConnectionLostError } from "../../../src/errors.ts";
import { IncomingSegments } from "../../../src/session/incoming-segments.ts";
import { collectGarbage } from "../../fault/collect-garbage.ts";

const frame = Buffer.from("frame");

function lengths(...values: number[]): ByteReader {
  const writer = new ByteWriter();
  writer.writeVarUint(values.length);
  for (const value of values) writer.writeVarUint(value);
  return readerOf(writer.written());
}

function readerOf(bytes: Buffer): ByteReader {
  const reader = new ByteReader();
  reader.reset(bytes, 0, bytes.length);
  return reader;
}

function create(maxPayload = 100, maxTotal = 150): IncomingSegments {
  const limits = { maxPayloadBytes: maxPayload, maxReassemblyBytes: maxTotal };
  return new IncomingSegments(limits, new MemoryBudget(1000));
}

function append(held: IncomingSegments, id: number, text: string) {
  const bytes = Buffer.from(`<${text}>`);
  return held.append(id, bytes, 1, bytes.length - 1, performance.now());
}

describe("IncomingSegments", () => {
  test("puts segments together, wherever the fragments are cut", () => {
    const text = "abcdefghijkl";
    for (let first = 0; first <= text.length; first++) {
      for (let second = first; second < text.length; second++) {
        const held = create();
        held.hold(1, frame, undefined, undefined);
        expect(held.announce(1, lengths(5, 0, 4, 3))).toBeUndefined();
        append(held, 1, text.slice(0, first));
        append(held, 1, text.slice(first, second));
        const complete = append(held, 1, text.slice(second));
        expect(complete?.segments?.map(String)).toEqual(["abcde", "", "fghi", "jkl"]);
        expect(complete?.frame).toBe(frame);
        expect(held.isEmpty).toBe(true);
      }
    }
  });

  test("frames of several ids interleave", () => {
    const held = create();
    for (const id of [1, 2]) {
      held.hold(id, frame, undefined, undefined);
      held.announce(id, lengths(4));
    }
    append(held, 2, "CD");
    append(held, 1, "ab");
    expect(append(held, 2, "EF")?.segments?.map(String)).toEqual(["CDEF"]);
    expect(held.size).toBe(1);
    expect(append(held, 1, "cd")?.segments?.map(String)).toEqual(["abcd"]);
  });

  test("a frame whose segments are all empty is complete at once", () => {
    const held = create();
    held.hold(1, frame, undefined, undefined);
    expect(held.announce(1, lengths(0, 0))?.segments).toHaveLength(2);
    expect(held.isEmpty).toBe(true);
  });

  test("the largest payload at N and N+1; what is refused is thrown away as it comes", () => {
    const held = create();
    held.hold(1, frame, undefined, undefined);
    held.announce(1, lengths(60, 40));
    expect(append(held, 1, "x".repeat(100))?.refused).toBeUndefined();
    held.hold(2, frame, undefined, undefined);
    held.announce(2, lengths(60, 41));
    expect(append(held, 2, "x".repeat(100))).toBeUndefined();
    const refused = append(held, 2, "x");
    expect(refused?.refused?.message).toContain("101 bytes under way, and maxPayloadBytes is 100");
    expect(held.isEmpty).toBe(true);
  });

  test("4 GiB are announced and nothing is allocated", () => {
    const held = create();
    held.hold(1, frame, undefined, undefined);
    expect(held.announce(1, lengths(0xffff_ffff, 0xffff_ffff))).toBeUndefined();
    expect(append(held, 1, "x".repeat(50))).toBeUndefined();
  });

  test("what may be incomplete at a time, at N and N+1, and again when something is complete", () => {
    const held = create();
    for (const [id, length] of [
      [1, 80],
      [2, 70],
      [3, 1],
    ] as const) {
      held.hold(id, frame, undefined, undefined);
      held.announce(id, lengths(length));
    }
    expect(append(held, 3, "x")?.refused?.message).toContain(
      "151 bytes under way, and maxReassemblyBytes is 150",
    );
    expect(append(held, 2, "x".repeat(70))?.refused).toBeUndefined();
    held.hold(4, frame, undefined, undefined);
    held.announce(4, lengths(70));
    expect(append(held, 4, "x".repeat(70))?.refused).toBeUndefined();
    expect(append(held, 1, "x".repeat(80))?.refused).toBeUndefined();
  });

  test("one that is not wanted is thrown away as it comes, and costs nothing of the budget", () => {
    const held = create();
    held.hold(1, frame, undefined, new Error("not wanted"));
    held.announce(1, lengths(100));
    held.hold(2, frame, undefined, undefined);
    held.announce(2, lengths(100));
    expect(append(held, 2, "x".repeat(100))?.refused).toBeUndefined();
    expect(append(held, 1, "x".repeat(100))?.refused?.message).toBe("not wanted");
  });

  test("the memory of one that is refused while a transport fills it is free", () => {
    const size = 16 * 1024 * 1024;
    const held = new IncomingSegments(
      { maxPayloadBytes: size, maxReassemblyBytes: size },
      new MemoryBudget(2 * size),
    );
    const before = collectGarbage();
    for (let id = 1; id <= 8; id++) {
      held.hold(id, frame, undefined, undefined);
      held.announce(id, lengths(size));
      const destination = held.destination(id) ?? Buffer.alloc(0);
      held.append(id, destination, 0, 1024, 0);
      held.refuse(id, new Error("not wanted"));
    }
    expect(held.size).toBe(8);
    expect(collectGarbage() - before).toBeLessThan(2 * size);
  });

  test("one that is not wanted may be no longer than announced either", () => {
    const held = create();
    held.hold(1, frame, undefined, new Error("not wanted"));
    held.announce(1, lengths(4));
    expect(() => append(held, 1, "abcde")).toThrow(ConnectionLostError);
  });

  const wrong: readonly (readonly [string, (held: IncomingSegments) => unknown])[] = [
    ["an announcement for no frame", (held) => held.announce(7, lengths(1))],
    ["a second announcement", (held) => held.announce(1, lengths(1))],
    ["no segments", (held) => held.announce(2, lengths())],
    ["more segments than lengths", (held) => held.announce(2, readerOf(Buffer.from([5, 1, 1])))],
    ["65,537 segments", (held) => held.announce(2, lengths(...Array.from({ length: 65_537 }, () => 0)))],
    ["lengths that end too early", (held) => held.announce(2, readerOf(Buffer.from([1, 0x80])))],
    ["a fragment for no frame", (held) => append(held, 7, "x")],
    ["a fragment before the announcement", (held) => append(held, 2, "x")],
    ["a fragment that is too long", (held) => append(held, 1, "abcde")],
    ["a second frame of one id", (held) => held.hold(1, frame, undefined, undefined)],
  ];

  test.each(wrong)("%s is a protocol error", (_name, act) => {
    const held = create();
    held.hold(1, frame, undefined, undefined);
    held.announce(1, lengths(4));
    held.hold(2, frame, undefined, undefined);
    expect(() => act(held)).toThrow(ConnectionLostError);
  });
});
