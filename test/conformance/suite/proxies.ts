/** Proxies look like what they are and send nothing unless a method is called. */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import type { ConformanceContext } from "../conformance-context.ts";
import { Tally } from "../server/activated-services.ts";
import { type Calls, Directory, type Echo } from "../server/call-services.ts";
import { Exchange } from "../server/exchange.ts";
import { Point } from "../server/values.ts";

export function describeProxies(context: ConformanceContext): void {
  async function open() {
    const server = await context.start({ countCalls: true });
    const client = context.connect(server.url);
    const exchange = client.getObject(Exchange, server.url);
    return {
      client,
      url: server.url,
      kinds: {
        typed: client.getObject(Tally, server.url) as object,
        dynamic: client.getObject<Tally>(`${server.url}/Tally`) as object,
        reference: (await exchange.root()) as object,
        function: (await exchange.adder(1)) as object,
      },
      calls: context.probeOf(client, server.url),
      expected: ["Exchange.root", "Exchange.adder"],
    };
  }

  const kinds = ["typed", "dynamic", "reference", "function"] as const;

  test.each(kinds)("a %s proxy survives await, JSON, inspection and enumeration", async (kind) => {
    const { kinds: proxies, calls, expected } = await open();
    const proxy = proxies[kind];
    expect(await proxy).toBe(proxy);
    expect(await Promise.resolve(proxy)).toBe(proxy);
    expect([undefined, "{}"]).toContain(JSON.stringify(proxy));
    expect(Object.keys(proxy)).toEqual([]);
    for (const name in proxy) expect.fail(`${name} is enumerable`);
    for (const name of ["then", "toJSON", "nothing", Symbol.iterator]) expect(name in proxy).toBe(false);
    expect({ ...proxy }).toEqual({});
    const text = inspect(proxy);
    expect(text).toMatch(/^Remote/);
    expect(text).toContain("://");
    expect(inspect({ nested: [proxy] })).toContain("Remote");
    expect(typeof String(Object.prototype.toString.call(proxy))).toBe("string");
    expect(proxy === proxies[kind]).toBe(true);
    expect(await calls.calls()).toEqual(expected);
  });

  test.each(kinds)("a %s proxy cannot be cloned into something that looks like one", async (kind) => {
    const { client, kinds: proxies, calls, expected } = await open();
    let clone: unknown;
    let failure: unknown;
    try {
      clone = structuredClone(proxies[kind]);
    } catch (error) {
      failure = error;
    }
    if (kind !== "typed") {
      expect(failure).toMatchObject({ name: "DataCloneError" });
    } else {
      // An object of a class is cloned to a plain one: nothing of the proxy is in it.
      expect(failure).toBeUndefined();
      expect(clone).toEqual({});
      expect(client.isProxy(clone)).toBe(false);
    }
    expect(await calls.calls()).toEqual(expected);
  });

  test("a method that was taken off its typed proxy says so and sends nothing", async () => {
    const { client, url, calls, expected } = await open();
    const { add } = client.getObject(Tally, url);
    const message = /^add was called without its proxy: .*\(\.\.\.args\) => proxy\.add\(\.\.\.args\)$/;
    for (const misuse of [() => add(1), () => [1, 2].map(add), () => Reflect.apply(add, {}, [1])]) {
      expect(misuse).toThrow(
        expect.objectContaining({ name: "TypeError", message: expect.stringMatching(message) }),
      );
    }
    expect(await calls.calls()).toEqual(expected);
  });

  test("a proxy is not changed by who holds it", async () => {
    const { kinds: proxies, calls, expected } = await open();
    const dynamic = proxies.dynamic;
    expect(() => Object.assign(dynamic, { add: () => 0 })).toThrow(TypeError);
    expect(() => Object.defineProperty(dynamic, "add", { value: 0 })).toThrow(TypeError);
    expect(Reflect.deleteProperty(dynamic, "add")).toBe(false);
    expect(await calls.calls()).toEqual(expected);
  });

  describe("without the class, as with `import type`", () => {
    test("any method is passed on, and results are the same", async () => {
      const echo = context.client.getObject<Echo>(`${context.url}/Echo`);
      assert.deepStrictEqual(await echo.echo({ at: new Point(1, 2) }), { at: new Point(1, 2) });
      expect(await echo.nothing()).toBeUndefined();
    });

    test("its methods are the same functions each time", () => {
      const echo = context.client.getObject<Echo>(`${context.url}/Echo`);
      expect(echo.echo).toBe(echo.echo);
      expect(echo.echo).not.toBe(echo.later);
    });

    test("withOptions works on it", async () => {
      const calls = context.client.getObject<Calls>(`${context.url}/Calls`);
      const aborted = context.client.withOptions(calls, { signal: AbortSignal.abort() });
      await expect(aborted.note("x", "y")).rejects.toMatchObject({ name: "AbortError" });
      expect(String(inspect(aborted))).toContain("/Calls");
    });
  });

  describe("a contract apart from its implementation", () => {
    test("is called by the abstract class", async () => {
      const directory = context.client.getObject(Directory, `${context.url}/directory/main`);
      await directory.store("home", new Point(3, 4));
      const found = await directory.find("home");
      expect(found).toBeInstanceOf(Point);
      expect(found?.length).toBe(5);
      expect(await directory.find("nowhere")).toBeUndefined();
    });

    test("its options say what is one-way", async () => {
      const key = context.newKey();
      const directory = context.client.getObject<Directory>(`${context.url}/directory/main`);
      // The method throws, which a caller of a two-way method would hear of.
      expect(await directory.log(key)).toBeUndefined();
      expect(await context.ledger.eventsOf(key)).toEqual(["logged"]);
    });
  });
}
