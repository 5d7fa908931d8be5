/** How objects come into being on the server, and how they end. */
import { ObjectDisconnectedError, RemoteInvocationError, SerializationError } from "remoting";
import { describe, expect, test } from "vitest";
import { type ConformanceContext, rejectionOf } from "../conformance-context.ts";
import {
  AsyncVisitor,
  Cart,
  FragileSlowTally,
  FragileTally,
  SlowTally,
  Tally,
  UntidyVisitor,
  Visitor,
  Workbook,
} from "../server/activated-services.ts";

export function describeActivation(context: ConformanceContext): void {
  describe("SingleCall", () => {
    test("each call gets a fresh object", async () => {
      const visitor = context.service(Visitor);
      expect(await visitor.visit(context.newKey())).toBe(1);
      expect(await visitor.visit(context.newKey())).toBe(1);
    });

    test("it is disposed of once, after its result was serialized", async () => {
      const key = context.newKey();
      expect(await context.service(Visitor).observed(key)).toEqual({ seen: true });
      await context.ledger.whenRecorded("disposed", key);
      const events = await context.ledger.eventsOf(key);
      expect(events.at(-1)).toBe("disposed");
      expect(events.filter((event) => event === "disposed")).toHaveLength(1);
      expect(events[0]).toBe("serialized");
    });

    test("it is not disposed of while its method is under way", async () => {
      const key = context.newKey();
      const result = context.service(Visitor).later(key);
      await context.ledger.whenRecorded("started", key);
      expect(await context.ledger.eventsOf(key)).toEqual(["started"]);
      await context.ledger.open(key);
      expect(await result).toBe(1);
      await context.ledger.whenRecorded("disposed", key);
    });

    test("asyncDispose is preferred", async () => {
      const key = context.newKey();
      expect(await context.service(AsyncVisitor).visit(key)).toBe("visited");
      await context.ledger.whenRecorded("disposed asynchronously", key);
      expect(await context.ledger.eventsOf(key)).toEqual(["disposed asynchronously"]);
    });

    test.each(["fail", "deny", "unserializable"] as const)(
      "it is disposed of when its method does not succeed (%s)",
      async (method) => {
        const key = context.newKey();
        await expect(context.service(Visitor)[method](key)).rejects.toThrow();
        await context.ledger.whenRecorded("disposed", key);
      },
    );

    test("it is disposed of after a one-way call", async () => {
      const key = context.newKey();
      await context.service(Visitor).leave(key);
      await context.ledger.whenRecorded("disposed", key);
    });

    test("what its disposal throws goes to the server's unobserved errors, not to the caller", async () => {
      const server = await context.start({});
      const client = context.connect(server.url);
      expect(await client.getObject(UntidyVisitor, server.url).visit()).toBe("visited");
      expect(await context.probeOf(client, server.url).nextUnobserved()).toEqual({
        name: "Error",
        message: "dispose failed",
      });
    });
  });

  describe("Singleton", () => {
    test("all callers share one object", async () => {
      const first = context.service(Tally);
      const second = context.connect().getObject(Tally, context.url);
      const before = await first.add(0);
      await first.add(2);
      expect(await second.add(3)).toBe(before + 5);
      expect(await second.identity()).toBe(await first.identity());
    });

    test("two servers have two", async () => {
      const server = await context.start({});
      const other = context.connect(server.url).getObject(Tally, server.url);
      expect(await other.identity()).not.toBe(await context.service(Tally).identity());
    });

    test("first calls at the same time make one object, although it is made asynchronously", async () => {
      const tally = context.service(SlowTally);
      const other = context.connect().getObject(SlowTally, context.url);
      const identities = [tally.identity(), tally.identity(), other.identity()];
      await context.ledger.whenRecorded("creating", "SlowTally");
      await context.ledger.open("SlowTally");
      expect(new Set(await Promise.all(identities)).size).toBe(1);
      expect(await context.ledger.eventsOf("SlowTally")).toEqual(["creating"]);
    });

    test("one whose constructor threw is tried again with the next call", async () => {
      const tally = context.service(FragileTally);
      const error = await rejectionOf(tally.attempts(), RemoteInvocationError);
      expect(error.message).toBe("not yet");
      expect(await tally.attempts()).toBe(2);
      expect(await tally.attempts()).toBe(2);
    });

    test("one whose asynchronous creation failed is tried again with the next call", async () => {
      const tally = context.service(FragileSlowTally);
      const error = await rejectionOf(tally.attempts(), RemoteInvocationError);
      expect(error.remoteName).toBe("RangeError");
      expect(await tally.attempts()).toBe(2);
      expect(await tally.attempts()).toBe(2);
    });
  });

  describe("client-activated", () => {
    test("each has its constructor arguments and its own state", async () => {
      const key = context.newKey();
      const first = await context.client.createInstance(Cart, context.url, key, "pen");
      const second = await context.connect().createInstance(Cart, context.url, `other-${key}`);
      expect(await first.add("ink")).toEqual(["pen", "ink"]);
      expect(await second.add("paper")).toEqual(["paper"]);
      expect(await first.owner()).toBe(key);
      expect(await second.owner()).toBe(`other-${key}`);
    });

    test("a method that returns the object itself returns the same proxy", async () => {
      const cart = await context.client.createInstance(Cart, context.url, context.newKey());
      expect(await cart.self()).toBe(cart);
    });

    test("static create may be asynchronous and take a callback", async () => {
      const workbook = await context.client.createInstance(
        Workbook,
        context.url,
        "budget",
        async (title) => `${title}!`,
      );
      expect(await workbook.title()).toBe("budget!");
    });

    test("a constructor that throws rejects the creation", async () => {
      const error = await rejectionOf(
        context.client.createInstance(Cart, context.url, ""),
        RemoteInvocationError,
      );
      expect([error.remoteName, error.message]).toEqual(["RangeError", "a cart needs an owner"]);
    });

    test("constructor arguments are checked like any call's", async () => {
      const key = context.newKey();
      const wrong = { symbol: Symbol("x") } as unknown as string;
      const error = await rejectionOf(
        context.client.createInstance(Cart, context.url, key, wrong),
        SerializationError,
      );
      expect(error.path).toBe("args[1].symbol");
      expect(error.mayHaveExecuted).toBe(false);
      expect(await context.ledger.eventsOf(key)).toEqual([]);
    });

    test("disposing of the proxy disposes of the object, and calls fail afterwards", async () => {
      const key = context.newKey();
      const cart = await context.client.createInstance(Cart, context.url, key);
      const sameCart = context.client.withOptions(cart, { timeout: 1000 });
      await cart[Symbol.asyncDispose]();
      await context.ledger.whenRecorded("disposed", key);
      for (const proxy of [cart, sameCart]) {
        const error = await rejectionOf(proxy.add("late"), ObjectDisconnectedError);
        expect(error.mayHaveExecuted).toBe(false);
      }
      expect(await context.ledger.eventsOf(key)).toEqual(["created", "disposed"]);
    });

    test("await using disposes of it", async () => {
      const key = context.newKey();
      {
        await using cart = await context.client.createInstance(Cart, context.url, key);
        await cart.add("pen");
      }
      await context.ledger.whenRecorded("disposed", key);
    });
  });
}
