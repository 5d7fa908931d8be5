import { describe, expect, test } from "vitest";
import { type PendingCall, PendingCalls } from "../../../src/session/pending-calls.ts";

function pendingCall(forgetSignal?: () => void): PendingCall {
  return {
    call: { kind: "call", target: "t", method: "m", args: [], oneWay: false, options: {} },
    resolve: () => {},
    reject: () => {},
    deadline: Number.POSITIVE_INFINITY,
    batch: -1,
    frame: -1,
    receiver: undefined,
    counted: undefined,
    forgetSignal,
  };
}

describe("PendingCalls", () => {
  test("finds calls by id and removes each once", () => {
    const calls = new PendingCalls();
    const all = Array.from({ length: 100 }, () => pendingCall());
    const ids = all.map((call) => calls.add(call));
    expect(new Set(ids).size).toBe(100);
    expect(calls.size).toBe(100);
    for (const [index, id] of ids.entries()) {
      expect(calls.get(id)).toBe(all[index]);
      expect(calls.remove(id)).toBe(all[index]);
      expect(calls.remove(id)).toBeUndefined();
      expect(calls.get(id)).toBeUndefined();
    }
    expect(calls.size).toBe(0);
  });

  test("the id of a slot that is used again is another one: a late answer meets nobody else's call", () => {
    const calls = new PendingCalls();
    const first = calls.add(pendingCall());
    calls.remove(first);
    const secondCall = pendingCall();
    const second = calls.add(secondCall);
    expect(second).not.toBe(first);
    expect(second & 0xffff).toBe(first & 0xffff);
    expect(calls.remove(first)).toBeUndefined();
    expect(calls.get(second)).toBe(secondCall);
  });

  test("ids are positive, never 0, below the highest bit, and come round after 32,767 uses of a slot", () => {
    const calls = new PendingCalls();
    const first = calls.add(pendingCall());
    calls.remove(first);
    const seen = new Set([first]);
    for (let use = 1; use < 0x7fff; use++) {
      const id = calls.add(pendingCall());
      expect(id > 0 && id < 0x8000_0000).toBe(true);
      seen.add(id);
      calls.remove(id);
    }
    expect(seen.size).toBe(0x7fff);
    expect(calls.add(pendingCall())).toBe(first);
  });

  test("holds as many calls as it says", () => {
    const calls = new PendingCalls();
    const ids = Array.from({ length: PendingCalls.capacity }, () => calls.add(pendingCall()));
    expect(new Set(ids).size).toBe(PendingCalls.capacity);
    expect(calls.get(ids.at(-1) ?? 0)).toBeDefined();
  });

  test("entries may be removed while they are looked at", () => {
    const calls = new PendingCalls();
    const ids = Array.from({ length: 10 }, () => calls.add(pendingCall()));
    const seen: number[] = [];
    for (const [id] of calls.entries()) {
      seen.push(id);
      calls.remove(id);
    }
    expect(seen).toEqual(ids);
    expect(calls.size).toBe(0);
  });

  test("a call that is removed lets go of its signal", () => {
    const calls = new PendingCalls();
    let forgotten = 0;
    const id = calls.add(pendingCall(() => void forgotten++));
    calls.remove(id);
    calls.remove(id);
    expect(forgotten).toBe(1);
  });

  test.each([0, 1, 0xffff, 0x7fff_ffff, 0xffff_ffff])("an id %i that was never given finds nothing", (id) => {
    const calls = new PendingCalls();
    expect(calls.remove(id)).toBeUndefined();
    expect(calls.size).toBe(0);
  });
});
