/** Calls of one session start in the order in which they were made; answers come as they are ready. */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { compression } from "remoting";
import { expect, test } from "vitest";
import type { ConformanceContext } from "../conformance-context.ts";
import { Calls, Echo } from "../server/call-services.ts";

export function describeOrder(context: ConformanceContext): void {
  test("calls start in the order in which they were made", async () => {
    const key = context.newKey();
    const calls = context.service(Calls);
    const numbers = Array.from({ length: 300 }, (_, index) => index);
    await Promise.all(numbers.map((index) => calls.note(key, index, "x".repeat((index % 7) * 9_000))));
    expect(await context.ledger.eventsOf(key)).toEqual(numbers.map(String));
  });

  test("the first calls of a connection, too", async () => {
    const key = context.newKey();
    const calls = context.connect().getObject(Calls, context.url);
    const numbers = Array.from({ length: 100 }, (_, index) => index);
    await Promise.all(numbers.map((index) => calls.note(key, index, "x".repeat((index % 3) * 20_000))));
    expect(await context.ledger.eventsOf(key)).toEqual(numbers.map(String));
  });

  test("the first call may be larger than what a peer gives credit for, and large ones may follow", async () => {
    const client = context.connect();
    const echo = client.getObject(Echo, context.url);
    let connections = 0;
    client.on("connected", () => void connections++);
    const large = Buffer.alloc(3 * 1024 * 1024, "large");
    const isWhole = async () => isDeepStrictEqual(await echo.echo(large), large);
    expect(await Promise.all([isWhole(), isWhole(), isWhole()])).toEqual([true, true, true]);
    expect(await isWhole()).toBe(true);
    expect(connections).toBe(1);
  });

  test("a fragmented call takes its place at its last fragment, and small ones do not wait for it", async () => {
    const key = context.newKey();
    const calls = context.service(Calls);
    // More than any connection takes at once.
    const large = new Uint8Array(14 * 1024 * 1024);
    await Promise.all([
      calls.note(key, "large", large),
      calls.note(key, "small 1"),
      calls.note(key, "small 2"),
    ]);
    expect(await context.ledger.eventsOf(key)).toEqual(["small 1", "small 2", "large"]);
  });

  test("fragmented calls of one size start in the order in which they were made", async () => {
    const key = context.newKey();
    const calls = context.service(Calls);
    const numbers = Array.from({ length: 10 }, (_, index) => index);
    await Promise.all(numbers.map((index) => calls.note(key, index, new Uint8Array(200_000))));
    expect(await context.ledger.eventsOf(key)).toEqual(numbers.map(String));
  });

  test("an asynchronous channel sink keeps the order", async () => {
    const server = await context.start({ compression: { threshold: 100 } });
    const client = context.connect(server.url, { channelSinks: [compression({ threshold: 100 })] });
    const calls = client.getObject(Calls, server.url);
    const key = context.newKey();
    const numbers = Array.from({ length: 100 }, (_, index) => index);
    // Every other payload is compressed and unpacked in a thread, which takes longer the larger it is.
    await Promise.all(
      numbers.map((index) => calls.note(key, index, index % 2 === 0 ? "z".repeat(50_000 - index * 400) : "")),
    );
    expect(await context.ledger.eventsOf(key)).toEqual(numbers.map(String));
  });

  test("500 calls in flight are answered out of order, each with its own answer", async () => {
    const key = context.newKey();
    const calls = context.service(Calls);
    const settled: number[] = [];
    const results = Array.from({ length: 500 }, async (_, index) => {
      const result = await calls.answerAfter(key, index);
      settled.push(result);
      return result;
    });
    await context.ledger.whenRecorded("started 499", key);
    const reversed = Array.from({ length: 500 }, (_, index) => 499 - index);
    await context.ledger.open(...reversed.map((index) => `${key}/${index}`));
    expect(await Promise.all(results)).toEqual(reversed.toReversed());
    expect(settled).toEqual(reversed);
  });

  test("large payloads in both directions at the same time", async () => {
    const echo = context.service(Echo);
    const payloads = Array.from({ length: 12 }, (_, index) =>
      new Uint8Array(50_000 + index * 100_000).fill(index),
    );
    const results = await Promise.all(payloads.map((payload) => echo.echo({ payload })));
    for (const [index, payload] of payloads.entries()) assert.deepStrictEqual(results[index], { payload });
  });
}
