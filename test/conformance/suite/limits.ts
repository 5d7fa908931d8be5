/** Limits hold exactly, are told as what they are, and cost one call, not the connection. */
import assert from "node:assert/strict";
import { LimitExceededError, RemotingError } from "remoting";
import { describe, expect, test } from "vitest";
import { type ClientOptions, type ConformanceContext, rejectionOf } from "../conformance-context.ts";
import { Calls, Echo } from "../server/call-services.ts";
import { Exchange } from "../server/exchange.ts";
import type { ServerOptions } from "../server/start-server.ts";

export function describeLimits(context: ConformanceContext): void {
  async function open(limits: ServerOptions["limits"] & object, options: ClientOptions = {}) {
    const server = await context.start({ limits });
    const client = context.connect(server.url, options);
    let connections = 0;
    client.on("connected", () => void connections++);
    const echo = client.getObject(Echo, server.url);
    /** The connection is the one with which the test began. */
    const expectSameConnection = async () => {
      expect(await echo.echo("still here")).toBe("still here");
      expect(connections).toBe(1);
    };
    return {
      client,
      url: server.url,
      echo,
      calls: client.getObject(Calls, server.url),
      expectSameConnection,
    };
  }

  describe("maxCallsInFlight", () => {
    const limit = 3;

    test.each([limit - 1, limit])("%i calls run", async (count) => {
      const { calls, expectSameConnection } = await open({ maxCallsInFlight: limit });
      const keys = Array.from({ length: count }, () => context.newKey());
      const results = keys.map((key) => calls.block(key));
      for (const key of keys) await context.ledger.whenRecorded("started", key);
      await context.ledger.open(...keys);
      expect(await Promise.all(results)).toEqual(keys);
      await expectSameConnection();
    });

    test(`of ${limit + 1} calls the last is refused, and another runs as soon as one has ended`, async () => {
      const { calls, expectSameConnection } = await open({ maxCallsInFlight: limit });
      const keys = Array.from({ length: limit }, () => context.newKey());
      const refusedKey = context.newKey();
      const results = keys.map((key) => calls.block(key));
      const error = await rejectionOf(calls.block(refusedKey), LimitExceededError);
      expect(error).toMatchObject({ limit: "maxCallsInFlight", mayHaveExecuted: false });
      expect(error.message).toContain("3 calls");
      const [first = "", ...rest] = keys;
      await context.ledger.open(first);
      expect(await results[0]).toBe(first);
      await expectSameConnection();
      await context.ledger.open(...rest);
      expect(await Promise.all(results)).toEqual(keys);
      expect(await context.ledger.eventsOf(refusedKey)).toEqual([]);
    });

    test("a cancelled call keeps its place until its method has ended", async () => {
      const { client, calls, echo, expectSameConnection } = await open({ maxCallsInFlight: 1 });
      const key = context.newKey();
      const controller = new AbortController();
      const call = client.withOptions(calls, { signal: controller.signal }).block(key);
      await context.ledger.whenRecorded("started", key);
      controller.abort();
      await rejectionOf(call, Error);
      await rejectionOf(echo.echo(1), LimitExceededError);
      await context.ledger.open(key);
      await context.ledger.whenRecorded("finished", key);
      await expectSameConnection();
    });

    test("callbacks have a budget of their own", async () => {
      const { client, url } = await open({ maxCallsInFlight: 1 });
      const exchange = client.getObject(Exchange, url);
      expect(await exchange.call(() => "answered")).toBe("answered");
    });

    test("large calls beyond it are refused one by one, like small ones", async () => {
      const { calls, echo, expectSameConnection } = await open({ maxCallsInFlight: 2 });
      await echo.echo("connected");
      const key = context.newKey();
      const payload = new Uint8Array(150_000);
      const results = Array.from({ length: 8 }, (_, index) => calls.note(key, index, payload));
      for (const result of results) {
        const outcome = await result.catch((error: unknown) => error);
        if (outcome !== undefined) expect(outcome).toBeInstanceOf(LimitExceededError);
      }
      await expectSameConnection();
    });

    test("the client's own limit does not bound the large answers that it waits for", async () => {
      const { echo, expectSameConnection } = await open({}, { limits: { maxCallsInFlight: 2 } });
      const results = Array.from({ length: 8 }, () => echo.produceBytes(150_000));
      for (const bytes of await Promise.all(results)) expect(bytes).toHaveLength(150_000);
      await expectSameConnection();
    });
  });

  describe.each([1_000, 100_000])("maxPayloadBytes of %i", (limit) => {
    /** How many bytes a message has besides the text, found out by one that is too long. */
    function overheadIn(error: LimitExceededError, length: number): number {
      const total = /(\d+) bytes/.exec(error.message)?.[1];
      assert(total !== undefined, error.message);
      return Number(total) - length;
    }

    test("holds for arguments at N-1, N and N+1", async () => {
      const { echo, expectSameConnection } = await open({ maxPayloadBytes: limit });
      await echo.echo("connected");
      const tooLong = await rejectionOf(echo.lengthOf("x".repeat(limit)), LimitExceededError);
      expect(tooLong).toMatchObject({ limit: "maxPayloadBytes", mayHaveExecuted: false });
      const longest = limit - overheadIn(tooLong, limit);
      expect(await echo.lengthOf("x".repeat(longest - 1))).toBe(longest - 1);
      expect(await echo.lengthOf("x".repeat(longest))).toBe(longest);
      const error = await rejectionOf(echo.lengthOf("x".repeat(longest + 1)), LimitExceededError);
      expect(error).toMatchObject({ limit: "maxPayloadBytes", mayHaveExecuted: false });
      await expectSameConnection();
    });

    test("holds for results at N-1, N and N+1", async () => {
      const { echo, expectSameConnection } = await open({}, { limits: { maxPayloadBytes: limit } });
      const tooLong = await rejectionOf(echo.produceText(limit), LimitExceededError);
      expect(tooLong).toMatchObject({ limit: "maxPayloadBytes", mayHaveExecuted: true });
      const longest = limit - overheadIn(tooLong, limit);
      expect(await echo.produceText(longest - 1)).toHaveLength(longest - 1);
      expect(await echo.produceText(longest)).toHaveLength(longest);
      const error = await rejectionOf(echo.produceText(longest + 1), LimitExceededError);
      expect(error).toMatchObject({ limit: "maxPayloadBytes", mayHaveExecuted: true });
      await expectSameConnection();
    });
  });

  test("maxPayloadBytes counts binaries that travel beside the body", async () => {
    const limit = 100_000;
    const { echo, expectSameConnection } = await open({ maxPayloadBytes: limit });
    await echo.echo("connected");
    expect(await echo.count(new Uint8Array(50_000), new Uint8Array(49_000))).toBe(2);
    const error = await rejectionOf(
      echo.count(new Uint8Array(50_000), new Uint8Array(50_000)),
      LimitExceededError,
    );
    expect(error.limit).toBe("maxPayloadBytes");
    await expectSameConnection();
  });

  test("the first call of a connection may be too large as well, and later calls find their methods", async () => {
    const { client, url, echo, expectSameConnection } = await open({ maxPayloadBytes: 100_000 });
    // The client does not know the server's limit yet.
    const tooLarge = echo.lengthOf(new Uint8Array(200_000));
    const second = client.getObject(Exchange, url).areSame(1, 1);
    const error = await rejectionOf(tooLarge, LimitExceededError);
    expect(error).toMatchObject({ limit: "maxPayloadBytes", mayHaveExecuted: false });
    expect(await second).toBe(true);
    expect(await client.getObject(Exchange, url).areSame(1, 2)).toBe(false);
    expect(await echo.lengthOf(new Uint8Array(5))).toBe(5);
    await expectSameConnection();
  });

  test("a limit beyond what the handshake can say means as much as it can", async () => {
    const { echo } = await open({ maxPayloadBytes: 2 ** 33 });
    await echo.echo("connected");
    expect(await echo.lengthOf(new Uint8Array(200_000))).toBe(200_000);
  });

  describe.each(["arguments", "result"] as const)("maxNodes in the %s", (way) => {
    test("N-1 and N are taken, N+1 is refused", async () => {
      const limits = { maxNodes: 50 };
      const { echo, expectSameConnection } =
        way === "arguments" ? await open(limits) : await open({}, { limits });
      // Objects, so that the general way is taken; how many values a formatter counts is its own affair.
      const send = (count: number): Promise<unknown> =>
        way === "arguments"
          ? echo.count(Array.from({ length: count }, () => ({})))
          : echo.echo(Array.from({ length: count }, () => ({})));
      let largest = 0;
      for (let count = 1; count <= 60; count++) {
        const outcome = await send(count).catch((error: unknown) => error);
        if (outcome instanceof RemotingError) {
          expect(outcome).toMatchObject({
            code: "ERR_LIMIT_EXCEEDED",
            limit: "maxNodes",
            mayHaveExecuted: way === "result",
          });
          break;
        }
        largest = count;
      }
      expect(largest).toBeGreaterThan(20);
      expect(largest).toBeLessThan(50);
      await expectSameConnection();
    });
  });
}
