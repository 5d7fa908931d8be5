/** What flows with calls beside their arguments, and what a method may know of the call that it serves. */
import { LimitExceededError, SerializationError } from "remoting";
import { CallContext, type LogicalValue } from "remoting/call-context";
import type { MessageSinkProvider } from "remoting/spi";
import { describe, expect, test } from "vitest";
import { type ConformanceContext, rejectionOf } from "../conformance-context.ts";
import { Courier, Parcel, seenData } from "../server/courier.ts";
import { Exchange } from "../server/exchange.ts";

export function describeCallContext(context: ConformanceContext): void {
  const courier = () => context.service(Courier);

  describe("data", () => {
    test("flows to the method, and on into what it awaits", async () => {
      const data: Record<string, LogicalValue> = {
        text: "naïve ☃",
        number: -1.5,
        yes: true,
        no: false,
        nothing: null,
        list: [1, "two", { three: [3] }],
        object: { a: { b: "c" } },
      };
      await CallContext.run(async () => {
        for (const [name, value] of Object.entries(data)) CallContext.logicalSetData(name, value);
        expect(await courier().seen()).toEqual(data);
        expect(await courier().seenLater()).toEqual(data);
      });
    });

    test("comes back with the result, also when it was set late, changed or removed", async () => {
      await CallContext.run(async () => {
        CallContext.logicalSetData("kept", 1);
        CallContext.logicalSetData("changed", 1);
        CallContext.logicalSetData("removed", 1);
        await courier().set("changed", 2);
        await courier().setLater("added", { by: "the method" });
        await courier().remove("removed");
        expect(seenData()).toEqual({ kept: 1, changed: 2, added: { by: "the method" } });
        expect(await courier().seen()).toEqual(seenData());
      });
    });

    test("stays at home where there is no context", async () => {
      await courier().set("lost", 1);
      expect(seenData()).toEqual({});
      expect(CallContext.logicalGetData("lost")).toBeUndefined();
      expect(await courier().seen()).toEqual({});
    });

    test("does not come back from a method that throws", async () => {
      await CallContext.run(async () => {
        await expect(courier().setAndThrow("half", 1)).rejects.toThrow("after setting");
        expect(seenData()).toEqual({});
      });
    });

    test("flows with one-way calls, and into constructors and back", async () => {
      const key = context.newKey();
      await CallContext.run(async () => {
        CallContext.logicalSetData("user", "ada");
        await courier().note(key);
        await context.ledger.whenRecorded('{"user":"ada"}', key);
        await using parcel = await context.client.createInstance(Parcel, context.url);
        expect(await parcel.seenAtConstruction()).toEqual({ user: "ada" });
        expect(seenData()).toEqual({ user: "ada", constructed: true });
        expect(await parcel.seen()).toEqual(seenData());
      });
    });

    test("flows with callbacks to the client, and what they change comes back all the way", async () => {
      await CallContext.run(async () => {
        CallContext.logicalSetData("user", "ada");
        const [inCallback, inMethod] = (await courier().ask(async () => {
          const seen = seenData();
          CallContext.logicalSetData("answered", true);
          return seen;
        })) as [unknown, unknown];
        expect(inCallback).toEqual({ user: "ada" });
        expect(inMethod).toEqual({ user: "ada", answered: true });
        expect(seenData()).toEqual({ user: "ada", answered: true });
      });
    });

    test("flows over several hops, through a proxy that is relayed, and back", async () => {
      const server = await context.start({});
      const next = context.client.getObject(Courier, server.url);
      await CallContext.run(async () => {
        CallContext.logicalSetData("user", "ada");
        expect(await courier().relay(next)).toEqual({ user: "ada" });
        await courier().pass(next, "from-far", [1, 2]);
        expect(seenData()).toEqual({ user: "ada", "from-far": [1, 2] });
      });
    });

    test("flows with calls of every size, and of a proxy without class", async () => {
      await CallContext.run(async () => {
        CallContext.logicalSetData("user", "ada");
        const exchange = context.service(Exchange);
        const seen = await exchange.call(() => seenData(), new Uint8Array(300_000), "x".repeat(100_000));
        expect(seen).toEqual({ user: "ada" });
        const untyped = context.client.getObject<Courier>(`${context.url}/Courier`);
        expect(await untyped.seen()).toEqual({ user: "ada" });
      });
    });
  });

  describe("isolation", () => {
    test("calls at the same time see nothing of each other, there and here", async () => {
      const key = context.newKey();
      const names = Array.from({ length: 50 }, (_, index) => `caller ${index}`);
      const results = names.map((name, index) =>
        CallContext.run(async () => {
          if (index % 2 === 0) CallContext.logicalSetData("who", `before ${index}`);
          const seen = await courier().meet(key, name);
          return { seen, after: seenData() };
        }),
      );
      await Promise.all(names.map((name) => context.ledger.whenRecorded(`set by ${name}`, key)));
      await context.ledger.open(key);
      expect(await Promise.all(results)).toEqual(
        names.map((name, index) => ({
          seen: [index % 2 === 0 ? `before ${index}` : null, name],
          after: { who: name },
        })),
      );
      expect(seenData()).toEqual({});
    });

    test("a call without data that comes right behind one with data sees none", async () => {
      const withData = CallContext.run(() => {
        CallContext.logicalSetData("user", "ada");
        return courier().seenLater();
      });
      const without = courier().seenLater();
      const later = CallContext.run(() => courier().seen());
      expect(await Promise.all([withData, without, later])).toEqual([{ user: "ada" }, {}, {}]);
    });

    test("a context within another begins with its data and keeps its own changes", async () => {
      await CallContext.run(async () => {
        CallContext.logicalSetData("user", "ada");
        await CallContext.run(async () => {
          await courier().set("inner", 1);
          CallContext.logicalSetData("user", "grace");
          expect(await courier().seen()).toEqual({ user: "grace", inner: 1 });
        });
        expect(await courier().seen()).toEqual({ user: "ada" });
        expect(await CallContext.suppressFlow(() => courier().seen())).toEqual({});
      });
    });

    test("a connection that was opened in one context does not keep it for others", async () => {
      const server = await context.start({});
      const client = context.connect(server.url);
      const remote = client.getObject(Courier, server.url);
      await CallContext.run(async () => {
        CallContext.logicalSetData("user", "ada");
        await remote.seen();
      });
      // Called back over that connection, on behalf of a caller who has set nothing.
      expect(await remote.ask(async () => seenData())).toEqual([{}, {}]);
    });

    test("what is set with setData stays on its side and in its call", async () => {
      await CallContext.run(async () => {
        CallContext.setData("connection", courier);
        expect(CallContext.getData("connection")).toBe(courier);
        expect(await courier().setLocal("mine", "x")).toBe("x");
        expect(await courier().local("mine")).toBeUndefined();
        expect(await courier().local("connection")).toBeUndefined();
        expect(seenData()).toEqual({});
        CallContext.logicalSetData("flowing", 1);
        expect(CallContext.getData("flowing")).toBe(1);
      });
    });
  });

  describe("the call that is served", () => {
    test("is there for the method, before and after it has waited", async () => {
      const expected = {
        target: "Courier",
        oneWay: false,
        direction: "incoming",
        aborted: false,
      };
      for (const seen of [await courier().call(), await courier().callLater()]) {
        expect(seen).toMatchObject(expected);
        expect(seen?.timeRemaining).toBeGreaterThan(0);
        expect(seen?.timeRemaining).toBeLessThanOrEqual(30_000);
      }
      expect((await courier().callLater())?.method).toBe("callLater");
      expect(CallContext.current).toBeUndefined();
    });

    test("has no end if its caller waits for ever", async () => {
      const patient = context.client.withOptions(courier(), { timeout: 0 });
      expect((await patient.call())?.timeRemaining).toBe(Number.POSITIVE_INFINITY);
    });

    test("of a callback is the server's", async () => {
      const seen = await courier().ask(async () => {
        const { current } = CallContext;
        return [current?.peer.direction, current?.peer.url === context.url, current?.method];
      });
      expect(seen).toEqual([["outgoing", true, ""], {}]);
    });
  });

  describe("time", () => {
    test("the calls that a method makes end with its own", async () => {
      const server = await context.start({});
      const next = context.client.getObject(Courier, server.url);
      const hasty = context.client.withOptions(courier(), { timeout: 20_000 });
      expect(await hasty.timeOfNext(next)).toBeLessThanOrEqual(20_000);
      expect(await hasty.timeOfFree(next)).toBeGreaterThan(20_000);
    });

    test("and are not made when nothing is left", async () => {
      const key = context.newKey();
      const server = await context.start({});
      const next = context.client.getObject(Courier, server.url);
      const hasty = context.client.withOptions(courier(), { timeout: 100 });
      // Its own caller times out at the same moment: whether that hears of it before the answer comes is not told here.
      await Promise.allSettled([hasty.tooLate(key, next)]);
      await context.ledger.whenRecorded("RemotingTimeoutError, which may have executed: false", key);
    });

    test("unless the domain says otherwise", async () => {
      const server = await context.start({ domain: { inheritDeadline: false } });
      const remote = context.client.withOptions(context.client.getObject(Courier, server.url), {
        timeout: 20_000,
      });
      expect(await remote.timeOfNext(courier())).toBeGreaterThan(20_000);
    });
  });

  describe("limits", () => {
    test("what cannot flow is refused where it is set, with its place, and nothing changes", () => {
      const refused: readonly (readonly [value: unknown, path: string])[] = [
        [new Date(0), "value"],
        [[1, new Map()], "value[1]"],
        [{ a: { b: () => {} } }, "value.a.b"],
        [{ a: undefined }, "value.a"],
        [Number.NaN, "value"],
        [1n, "value"],
        [JSON.parse('{"a":{"__proto__":1}}'), "value.a"],
        [courier(), "value"],
      ];
      CallContext.run(() => {
        CallContext.logicalSetData("value", "old");
        for (const [value, path] of refused) {
          let error: unknown;
          try {
            CallContext.logicalSetData("value", value as LogicalValue);
          } catch (thrown) {
            error = thrown;
          }
          expect(error).toBeInstanceOf(SerializationError);
          expect(error).toMatchObject({ path });
        }
        for (const name of ["", "two words", "__proto__", "x".repeat(129), "é"]) {
          expect(() => CallContext.logicalSetData(name, 1)).toThrow(TypeError);
        }
        expect(seenData()).toEqual({ value: "old" });
      });
      expect(() => CallContext.logicalSetData("nowhere", 1)).toThrow("CallContext.run");
    });

    test("64 values flow, 65 do not", async () => {
      await CallContext.run(async () => {
        for (let index = 0; index < 64; index++) CallContext.logicalSetData(`value-${index}`, index);
        expect(Object.keys(await courier().seen())).toHaveLength(64);
        expect(() => CallContext.logicalSetData("one more", 1)).toThrow(TypeError);
        expect(() => CallContext.logicalSetData("one-more", 1)).toThrow(LimitExceededError);
        CallContext.logicalSetData("value-0", "changed");
        expect((await courier().seen())["value-0"]).toBe("changed");
      });
    });

    test("4,096 bytes flow, 4,097 do not", async () => {
      // The name with its length, the text with its length and its quotes.
      const room = 4096 - 5 - 4;
      await CallContext.run(async () => {
        CallContext.logicalSetData("text", "x".repeat(room));
        expect((await courier().seen()).text).toHaveLength(room);
        expect(() => CallContext.logicalSetData("text", "x".repeat(room + 1))).toThrow(LimitExceededError);
        expect((await courier().seen()).text).toHaveLength(room);
      });
    });

    test("a method cannot send back more than may flow, and says so itself", async () => {
      await expect(courier().setMany(65, 1)).rejects.toMatchObject({ limit: "maxContextEntries" });
      await expect(courier().setMany(5, 1_000)).rejects.toMatchObject({ limit: "maxContextBytes" });
    });

    test("values are copies: nobody's later changes are seen", async () => {
      await CallContext.run(async () => {
        const list = [1, 2];
        CallContext.logicalSetData("list", list);
        list.push(3);
        expect(await courier().seen()).toEqual({ list: [1, 2] });
        expect(() => (CallContext.logicalGetData("list") as number[]).push(3)).toThrow(TypeError);
      });
    });
  });

  describe("message sinks", () => {
    const stamp: MessageSinkProvider = {
      name: "stamp",
      createClientSink: () => ({
        async processMessage(call, next) {
          const stamped = new Map<string, LogicalValue>([...(call.context ?? []), ["stamp", call.method]]);
          const returned = await next({ ...call, context: stamped });
          return { ...returned, context: new Map([...(returned.context ?? []), ["returned", "by a sink"]]) };
        },
      }),
    };

    test("see and set what flows, in both directions", async () => {
      const client = context.connect(context.url, { messageSinks: [stamp] });
      const remote = client.getObject(Courier, context.url);
      expect(await remote.seen()).toEqual({ stamp: "seen" });
      await CallContext.run(async () => {
        CallContext.logicalSetData("user", "ada");
        expect(await remote.seenLater()).toEqual({ user: "ada", stamp: "seenLater" });
        await remote.set("set", "by the method");
        expect(seenData()).toEqual({ user: "ada", set: "by the method", returned: "by a sink" });
      });
    });

    test("of a server do too", async () => {
      const server = await context.start({ contextSink: true });
      const remote = context.client.getObject(Courier, server.url);
      expect(await remote.seen()).toEqual({ server: "seen" });
      await CallContext.run(async () => {
        CallContext.logicalSetData("user", "ada");
        expect(await remote.seenLater()).toEqual({ user: "ada", server: "seenLater" });
        await remote.set("set", 1);
        expect(seenData()).toEqual({ user: "ada", set: 1, "server.returned": "set" });
      });
    });

    test("cannot send what cannot flow", async () => {
      const client = context.connect(context.url, {
        messageSinks: [
          {
            name: "careless",
            createClientSink: () => ({
              processMessage: (call, next) =>
                next({ ...call, context: new Map([["date", new Date(0) as unknown as LogicalValue]]) }),
            }),
          },
        ],
      });
      const error = await rejectionOf(client.getObject(Courier, context.url).seen(), SerializationError);
      expect(error).toMatchObject({ path: "date", mayHaveExecuted: false });
    });
  });

  test("through channel sinks it flows as well", async () => {
    const { compression } = await import("remoting");
    const server = await context.start({ compression: { threshold: 10 } });
    const client = context.connect(server.url, { channelSinks: [compression({ threshold: 10 })] });
    await CallContext.run(async () => {
      CallContext.logicalSetData("user", "ada");
      const remote = client.getObject(Courier, server.url);
      expect(await remote.seen()).toEqual({ user: "ada" });
      await remote.setLater("set", "x".repeat(500));
      expect(seenData()).toEqual({ user: "ada", set: "x".repeat(500) });
    });
  });
}
