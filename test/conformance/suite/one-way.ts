/** Calls that nobody answers. */
import { describe, expect, test } from "vitest";
import type { ConformanceContext } from "../conformance-context.ts";
import { Calls } from "../server/call-services.ts";

export function describeOneWay(context: ConformanceContext): void {
  test("resolve when they are handed over, while the method still runs", async () => {
    const key = context.newKey();
    expect(await context.service(Calls).notifyAndBlock(key)).toBeUndefined();
    await context.ledger.whenRecorded("started", key);
    expect(await context.ledger.eventsOf(key)).toEqual(["started"]);
    await context.ledger.open(key);
    await context.ledger.whenRecorded("finished", key);
  });

  test("what the method throws goes to the server's unobserved errors", async () => {
    const server = await context.start({});
    const client = context.connect(server.url);
    const key = context.newKey();
    expect(await client.getObject(Calls, server.url).notifyAndThrow(key)).toBeUndefined();
    expect(await context.probeOf(client, server.url).nextUnobserved()).toEqual({
      name: "Error",
      message: `one-way ${key}`,
    });
  });

  test("the same for a service that is not there", async () => {
    const server = await context.start({});
    const client = context.connect(server.url);
    expect(await client.getObject(Calls, `${server.url}/Missing`).notify("x")).toBeUndefined();
    expect(await context.probeOf(client, server.url).nextUnobserved()).toMatchObject({
      name: "ServiceNotFoundError",
    });
  });

  test("keep their place among other calls", async () => {
    const key = context.newKey();
    const calls = context.service(Calls);
    await Promise.all([calls.note(key, 1), calls.notify(key), calls.note(key, 2)]);
    expect(await context.ledger.eventsOf(key)).toEqual(["1", "notified", "2"]);
  });

  describe("without the class", () => {
    test("a call waits like any other and gets nothing, neither result nor error", async () => {
      const key = context.newKey();
      const calls = context.client.getObject<Calls>(`${context.url}/Calls`);
      const result = calls.notifyAndBlock(key);
      await context.ledger.whenRecorded("started", key);
      await context.ledger.open(key);
      expect(await result).toBeUndefined();
      expect(await context.ledger.eventsOf(key)).toEqual(["started", "finished"]);
    });
  });
}
