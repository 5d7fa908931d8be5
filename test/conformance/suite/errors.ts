/** What a call rejects with, by what went wrong. */
import assert from "node:assert/strict";
import {
  AbortError,
  AccessDeniedError,
  LimitExceededError,
  MethodNotFoundError,
  RemoteInvocationError,
  RemotingError,
  ServiceNotFoundError,
} from "remoting";
import type { MessageSink } from "remoting/spi";
import { describe, expect, test } from "vitest";
import { type ConformanceContext, rejectionOf } from "../conformance-context.ts";
import { Tally } from "../server/activated-services.ts";
import { Echo, Thrower } from "../server/call-services.ts";
import { NamedError, Point, QuotaError } from "../server/values.ts";

export function describeErrors(context: ConformanceContext): void {
  describe.each(["throwSynchronously", "reject"] as const)("a method that fails by %s", (method) => {
    const fail = (kind: string) => context.service(Thrower)[method](kind);

    test("an Error", async () => {
      const error = await rejectionOf(fail("Error"), RemoteInvocationError);
      expect(error).toMatchObject({
        remoteName: "Error",
        message: "plain",
        code: "ERR_REMOTE_INVOCATION",
        mayHaveExecuted: true,
      });
      // Callers on the same machine see where it was thrown.
      expect(error.remoteStack).toMatch(/^Error: plain\n {4}at .*call-services/);
    });

    test("a built-in class", async () => {
      const error = await rejectionOf(fail("RangeError"), RemoteInvocationError);
      expect([error.remoteName, error.message]).toEqual(["RangeError", "out of range"]);
      expect(error.cause).toBeInstanceOf(RangeError);
    });

    test("a class of its own, with code, properties and cause", async () => {
      const error = await rejectionOf(fail("StorageError"), RemoteInvocationError);
      expect([error.remoteName, error.message]).toEqual(["StorageError", "disk full"]);
      const { cause } = error;
      assert(cause instanceof Error);
      expect(cause).toMatchObject({ name: "StorageError", code: "ERR_STORAGE", attempts: 3 });
      expect(cause.cause).toBeInstanceOf(TypeError);
    });

    test.each([
      ["undefined", undefined, "undefined"],
      ["null", null, "null"],
      ["string", "just text", "just text"],
      ["number", 42, "42"],
      ["object", { reason: "an object" }, "an object"],
    ])("%s, which is no error", async (kind, value, text) => {
      const error = await rejectionOf(fail(kind), RemoteInvocationError);
      expect(error.message).toContain(text);
      expect(error.cause).toEqual(value);
      expect(error.mayHaveExecuted).toBe(true);
    });

    test("a @Serializable error arrives as itself", async () => {
      const error = await rejectionOf(fail("QuotaError"), QuotaError);
      expect(error).toMatchObject({ quota: 5, message: "The quota of 5 is used up" });
      expect(error.cause).toEqual(new Point(5, 0));
    });

    test("a @Serializable error that names itself arrives as itself", async () => {
      const error = await rejectionOf(fail("NamedError"), NamedError);
      expect(error).toMatchObject({ name: "NamedError", message: "named" });
    });

    test.each([
      ["AbortError", "changed my mind"],
      ["DOMException", "stopped"],
    ])("a cancellation (%s)", async (kind, message) => {
      const error = await rejectionOf(fail(kind), AbortError);
      expect(error).toMatchObject({ name: "AbortError", code: "ABORT_ERR", message, mayHaveExecuted: true });
    });

    test.each([
      ["AccessDeniedError", AccessDeniedError, { code: "ERR_ACCESS_DENIED", message: "not on a Sunday" }],
      ["LimitExceededError", LimitExceededError, { limit: "maxPizzas", message: "3 pizzas are enough" }],
    ])("a refusal of its own (%s): the method has run", async (kind, type, properties) => {
      const error = await rejectionOf(fail(kind), type);
      expect(error).toMatchObject({ ...properties, mayHaveExecuted: true });
    });

    test("something that cannot travel", async () => {
      const error = await rejectionOf(fail("symbol"), RemoteInvocationError);
      expect(error.message).toContain("is a symbol");
      expect(error.mayHaveExecuted).toBe(true);
      expect(await context.service(Echo).echo(1)).toBe(1);
    });
  });

  test("customErrors keeps the server's stacks to itself", async () => {
    const server = await context.start({ domain: { customErrors: "on" } });
    const thrower = context.connect(server.url).getObject(Thrower, server.url);
    const own = await rejectionOf(thrower.reject("QuotaError"), QuotaError);
    expect(String(own.stack)).not.toContain("call-services");
    const error = await rejectionOf(thrower.reject("Error"), RemoteInvocationError);
    expect(error.remoteStack).toBeUndefined();
    expect(JSON.stringify([error.stack, error.cause])).not.toContain("call-services");
  });

  describe("a server-side message sink", () => {
    /** Serves with a sink that refuses, before the method or after it. */
    async function serveRefusing(when: "before" | "after") {
      const url = context.bench.localUrl();
      const sink: MessageSink = {
        async processMessage(call, next) {
          if (when === "after") await next(call);
          throw new AccessDeniedError(`refused ${when} the method`);
        },
      };
      const messageSinks = [{ name: "refusing", createServerSink: () => sink }];
      const host = await context.connect(url, { messageSinks }).serve(url, [Echo, Thrower]);
      const [bound] = host.urls;
      assert(bound !== undefined);
      return context.connect(bound).getObject(Echo, bound);
    }

    test.each([
      ["before", false],
      ["after", true],
    ] as const)("that refuses %s the method: it may have run: %s", async (when, mayHaveExecuted) => {
      const echo = await serveRefusing(when);
      const error = await rejectionOf(echo.echo(1), AccessDeniedError);
      expect(error).toMatchObject({ message: `refused ${when} the method`, mayHaveExecuted });
    });
  });

  test("an unknown service", async () => {
    const proxy = context.client.getObject(Tally, `${context.url}/nobody/here`);
    const error = await rejectionOf(proxy.add(), ServiceNotFoundError);
    expect(error.message).toContain('"nobody/here"');
    expect(error.mayHaveExecuted).toBe(false);
  });

  test("an unknown class to activate", async () => {
    const { Workbook } = await import("../server/activated-services.ts");
    const server = await context.serveHere();
    const client = context.connect(server.url);
    const creation = client.createInstance(Workbook, server.url, "title", async (title) => title);
    const error = await rejectionOf(creation, ServiceNotFoundError);
    expect(error.message).toContain('"office.Workbook"');
    expect(error.mayHaveExecuted).toBe(false);
  });

  test("an unknown method", async () => {
    const proxy = context.client.getObject<Echo & { shout(): void }>(`${context.url}/Echo`);
    const error = await rejectionOf(proxy.shout(), MethodNotFoundError);
    expect(error.message).toContain('"shout"');
    expect(error.mayHaveExecuted).toBe(false);
    expect(error).toBeInstanceOf(RemotingError);
  });

  test("an id that was never given is answered like one that is gone", async () => {
    const proxy = context.client.getObject<Echo>(`${context.url}/~AAAAAAAAAAAAAAAAAAAAAA`);
    await expect(proxy.echo(1)).rejects.toMatchObject({
      code: "ERR_OBJECT_DISCONNECTED",
      mayHaveExecuted: false,
    });
  });
}
