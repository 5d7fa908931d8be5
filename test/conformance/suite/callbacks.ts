/** Calls from the server to the client, over the client's own connection. */
import { once } from "node:events";
import { RemoteInvocationError } from "remoting";
import { expect, onTestFinished, test } from "vitest";
import { type ConformanceContext, rejectionOf } from "../conformance-context.ts";
import { Exchange } from "../server/exchange.ts";

export function describeCallbacks(context: ConformanceContext): void {
  test("take arguments of any kind and return results, synchronously or not", async () => {
    const exchange = context.service(Exchange);
    const seen: unknown[] = [];
    const result = await exchange.call(
      (...values) => {
        seen.push(...values);
        return new Map([["sum", 3n]]);
      },
      new Date(0),
      [undefined, { a: new Uint8Array([1]) }],
    );
    expect(seen).toEqual([new Date(0), [undefined, { a: new Uint8Array([1]) }]]);
    expect(result).toEqual(new Map([["sum", 3n]]));
    expect(await exchange.call(async (value) => value, 5)).toBe(5);
  });

  test("are found at any depth of the arguments", async () => {
    const exchange = context.service(Exchange);
    const place = { deep: [new Map([["callback", (value: unknown) => Number(value) * 2]])] };
    expect(await exchange.callAt(place, 21)).toBe(42);
  });

  test("nest: server to client to server, many times", async () => {
    const exchange = context.service(Exchange);
    const depths: number[] = [];
    const back = (depth: number): Promise<number> => {
      depths.push(depth);
      return exchange.bounce(depth, back);
    };
    expect(await exchange.bounce(20, back)).toBe(20);
    expect(depths).toEqual(Array.from({ length: 20 }, (_, index) => 19 - index));
  });

  test("can be kept and called after the call that passed them", async () => {
    const exchange = context.service(Exchange);
    const key = context.newKey();
    const seen: unknown[] = [];
    await exchange.keep(key, (value: unknown) => seen.push(value));
    expect(await exchange.callKept(key, "first")).toBe(1);
    expect(await exchange.callKept(key, "second")).toBe(2);
    expect(seen).toEqual(["first", "second"]);
  });

  test("what they throw reaches the server, and through it the caller", async () => {
    const error = await rejectionOf(
      context.service(Exchange).call(() => {
        throw new RangeError("thrown by the callback");
      }),
      RemoteInvocationError,
    );
    expect(error.message).toBe("thrown by the callback");
  });

  test("a failure that the server does not look at is an unobserved error there, not an unhandled rejection", async () => {
    const server = await context.start({});
    const client = context.connect(server.url);
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown) => void unhandled.push(reason);
    process.on("unhandledRejection", onUnhandled);
    onTestFinished(() => void process.off("unhandledRejection", onUnhandled));

    const key = context.newKey();
    await client.getObject(Exchange, server.url).forget(() => {
      throw new Error(key);
    });
    const reported = await context.probeOf(client, server.url).nextUnobserved();
    expect(reported).toEqual({ name: "RemoteInvocationError", message: key });
    expect(await context.ledger.eventsOf("thread")).toEqual([]);
    expect(unhandled).toEqual([]);
  });

  test("the same holds for the server's functions that a client calls and forgets", async () => {
    const client = context.connect();
    const failing = await client.getObject(Exchange, context.url).failing();
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown) => void unhandled.push(reason);
    process.on("unhandledRejection", onUnhandled);
    onTestFinished(() => void process.off("unhandledRejection", onUnhandled));

    const reported = once(client, "unobservedError");
    void failing();
    const [error] = await reported;
    expect(error).toBeInstanceOf(RemoteInvocationError);
    expect(error).toMatchObject({ message: "the function failed" });

    // One that is looked at goes to who looks, and to nobody else.
    let reports = 0;
    client.on("unobservedError", () => void reports++);
    await rejectionOf(failing(), RemoteInvocationError);
    await rejectionOf(failing().then(), RemoteInvocationError);
    await client.getObject(Exchange, context.url).areSame(1, 1);
    expect(reports).toBe(0);
    expect(unhandled).toEqual([]);
  });
}
