/** Sinks on both ends, and ends that do not fit together. */
import assert from "node:assert/strict";
import { type CallLogEntry, ConnectError, callLog, compression, jsonFormatter } from "remoting";
import type { ChannelSinkProvider, Formatter } from "remoting/spi";
import { describe, expect, test } from "vitest";
import { type ConformanceContext, rejectionOf } from "../conformance-context.ts";
import { Calls, Echo, Thrower } from "../server/call-services.ts";
import { Exchange } from "../server/exchange.ts";

/** Counts what passes, and changes nothing. */
function meter(counts: { outgoing: number[]; incoming: number[] }): ChannelSinkProvider {
  return {
    name: "meter",
    createSink: () => ({
      outgoing(payload) {
        counts.outgoing.push(payload.body.length);
        return payload;
      },
      incoming(payload) {
        counts.incoming.push(payload.body.length);
        return payload;
      },
    }),
  };
}

export function describeSinks(context: ConformanceContext): void {
  describe("compression", () => {
    const threshold = 500;
    async function open() {
      const server = await context.start({ compression: { threshold } });
      const client = context.connect(server.url, { channelSinks: [compression({ threshold })] });
      return { client, url: server.url, echo: client.getObject(Echo, server.url) };
    }

    test("values arrive as they were sent, small and large, in both directions", async () => {
      const { echo } = await open();
      const values = [
        1,
        "x".repeat(499),
        "x".repeat(600),
        { rows: Array.from({ length: 3_000 }, (_, id) => ({ id, name: `row ${id}` })) },
        { text: "y".repeat(200_000), bytes: new Uint8Array(100_000).fill(3) },
        [new Uint8Array(5_000).fill(1), "z".repeat(2_000), new Uint8Array(200_000).fill(2)],
      ];
      const results = await Promise.all(values.map((value) => echo.echo(value)));
      assert.deepStrictEqual(results, values);
    });

    test("callbacks, errors, identity and refusals work through it", async () => {
      const { client, url, echo } = await open();
      const exchange = client.getObject(Exchange, url);
      const root = await exchange.root();
      expect(await exchange.isRoot(root)).toBe(true);
      expect(await exchange.call((text) => `${String(text)}!`, "x".repeat(1_000))).toBe(
        `${"x".repeat(1_000)}!`,
      );
      await expect(client.getObject(Thrower, url).reject("RangeError")).rejects.toMatchObject({
        remoteName: "RangeError",
      });
      await expect(echo.echo([Symbol("x")])).rejects.toMatchObject({ path: "args[0][0]" });
      await expect(echo.produceRefused("symbol")).rejects.toMatchObject({ path: "result.a[1]" });
      expect(await echo.echo("still here")).toBe("still here");
    });

    test("a signal reaches a call that is still being compressed or unpacked", async () => {
      const { client, url } = await open();
      const key = context.newKey();
      const controller = new AbortController();
      const call = client.getObject(Calls, url).untilAborted(key, controller.signal, "x".repeat(1_000_000));
      controller.abort();
      expect(await call).toBe("AbortError");
    });

    test("a call that is cancelled while it is being compressed is not sent", async () => {
      const { client, url, echo } = await open();
      const key = context.newKey();
      const controller = new AbortController();
      await echo.echo("connected");
      const calls = client.withOptions(client.getObject(Calls, url), { signal: controller.signal });
      const call = calls.note(key, "sent", "x".repeat(100_000));
      controller.abort();
      await expect(call).rejects.toMatchObject({ name: "AbortError", mayHaveExecuted: false });
      await client.getObject(Calls, url).note(key, "after");
      expect(await context.ledger.eventsOf(key)).toEqual(["after"]);
    });

    test("what unpacks to more than is allowed is refused, and the connection goes on", async () => {
      const server = await context.start({ compression: { threshold, maxUnpackedBytes: 10_000 } });
      const client = context.connect(server.url, { channelSinks: [compression({ threshold })] });
      const echo = client.getObject(Echo, server.url);
      await expect(echo.echo("x".repeat(20_000))).rejects.toMatchObject({
        code: "ERR_LIMIT_EXCEEDED",
        limit: "maxUnpackedBytes",
        mayHaveExecuted: false,
      });
      expect(await echo.echo("still here")).toBe("still here");
    });
  });

  test("a channel sink sees each payload once on its way", async () => {
    const counts = { outgoing: [] as number[], incoming: [] as number[] };
    const url = context.bench.localUrl();
    const domain = context.connect(url, { channelSinks: [meter({ outgoing: [], incoming: [] })] });
    domain.register(Echo);
    const { urls } = await domain.serve(url);
    const [bound] = urls;
    assert(bound !== undefined);
    const client = context.connect(bound, { channelSinks: [meter(counts)] });
    const echo = client.getObject(Echo, bound);
    expect(await echo.echo("x")).toBe("x");
    expect(await echo.later({ a: 1 })).toEqual({ a: 1 });
    await rejectionOf(echo.echo(Symbol("x")), Error);
    expect(counts.outgoing).toHaveLength(2);
    expect(counts.incoming).toHaveLength(2);
  });

  test("the call log sees every call on both ends, with what became of it", async () => {
    const key = context.newKey();
    const server = await context.start({ callLogKey: key });
    const entries: CallLogEntry[] = [];
    const client = context.connect(server.url, { messageSinks: [callLog((entry) => entries.push(entry))] });
    const echo = client.getObject(Echo, server.url);
    expect(await echo.echo({ a: 1 })).toEqual({ a: 1 });
    await expect(client.getObject(Thrower, server.url).reject("RangeError")).rejects.toThrow("out of range");
    await expect(client.getObject(Echo, `${server.url}/Nobody`).nothing()).rejects.toThrow();
    expect(
      entries.map(({ side, target, method, error }) => [side, target, method, error === undefined]),
    ).toEqual([
      ["client", "Echo", "echo", true],
      ["client", "Thrower", "reject", false],
      ["client", "Nobody", "nothing", false],
    ]);
    for (const { durationMilliseconds } of entries) expect(durationMilliseconds).toBeGreaterThan(0);
    expect(await context.ledger.eventsOf(key)).toEqual(["server Echo.echo", "server Thrower.reject"]);
  });

  test("message sinks may answer by themselves, change a call, and see the first first", async () => {
    const seen: string[] = [];
    const client = context.connect(context.url, {
      messageSinks: [
        {
          name: "outer",
          createClientSink: () => ({
            async processMessage(call, next) {
              seen.push("outer");
              if (call.args[0] === "answer me") return { value: "answered by a sink" };
              return next({ ...call, args: [`${String(call.args[0])}, changed`] });
            },
          }),
        },
        {
          name: "inner",
          createClientSink: () => ({
            async processMessage(call, next) {
              seen.push("inner");
              const { value } = await next(call);
              return { value: `${String(value)}, twice` };
            },
          }),
        },
      ],
    });
    const echo = client.getObject(Echo, context.url);
    expect(await echo.echo("answer me")).toBe("answered by a sink");
    expect(await echo.echo("text")).toBe("text, changed, twice");
    expect(seen).toEqual(["outer", "outer", "inner"]);
  });

  describe("ends that do not fit together", () => {
    test("a sink that only the client has", async () => {
      const client = context.connect(context.url, { channelSinks: [compression()] });
      const error = await rejectionOf(client.getObject(Echo, context.url).echo(1), ConnectError);
      expect(error.message).toContain("client's channel sinks are [compression] and the server's []");
      expect(error.message).toContain(context.url);
      expect(error.mayHaveExecuted).toBe(false);
    });

    test("a sink that only the server has", async () => {
      const server = await context.start({ compression: {} });
      const client = context.connect(server.url);
      const error = await rejectionOf(client.getObject(Echo, server.url).echo(1), ConnectError);
      expect(error.message).toContain("client's channel sinks are [] and the server's [compression]");
    });

    test("a formatter that the server does not have", async () => {
      const morse: Formatter = { ...jsonFormatter(), name: "morse" };
      const client = context.connect(context.url, { formatter: morse });
      const results = [1, 2].map((value) =>
        rejectionOf(client.getObject(Echo, context.url).echo(value), ConnectError),
      );
      for (const error of await Promise.all(results)) {
        expect(error.message).toContain('"morse"');
        expect(error.message).toContain("msgpack");
        expect(error.message).toContain("json");
        expect(error.mayHaveExecuted).toBe(false);
      }
      expect(await context.service(Echo).echo("others never notice")).toBe("others never notice");
    });
  });
}
