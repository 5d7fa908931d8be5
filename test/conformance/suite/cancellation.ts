/** Signals and deadlines, of calls and among arguments. */
import { AbortError, RemotingTimeoutError } from "remoting";
import { describe, expect, test } from "vitest";
import { type ConformanceContext, rejectionOf } from "../conformance-context.ts";
import { Calls, Echo } from "../server/call-services.ts";

export function describeCancellation(context: ConformanceContext): void {
  describe("a call's signal", () => {
    test("aborted before: the call is not sent", async () => {
      const key = context.newKey();
      const reason = new Error("too late");
      const calls = context.client.withOptions(context.service(Calls), { signal: AbortSignal.abort(reason) });
      const error = await rejectionOf(calls.note(key, "sent"), AbortError);
      expect(error).toMatchObject({ name: "AbortError", mayHaveExecuted: false, cause: reason });
      await context.service(Calls).note(key, "after");
      expect(await context.ledger.eventsOf(key)).toEqual(["after"]);
    });

    test("aborted in the turn in which the call was made: it is not run", async () => {
      const key = context.newKey();
      const controller = new AbortController();
      const calls = context.service(Calls);
      await calls.note(key, "before");
      const call = context.client.withOptions(calls, { signal: controller.signal }).note(key, "withdrawn");
      controller.abort();
      const error = await rejectionOf(call, AbortError);
      expect(error.mayHaveExecuted).toBe(false);
      await calls.note(key, "after");
      expect(await context.ledger.eventsOf(key)).toEqual(["before", "after"]);
    });

    test("the same for a method that was never called before: the names of later calls stay right", async () => {
      const client = context.connect();
      const calls = client.getObject(Calls, context.url);
      const key = context.newKey();
      await calls.note(key, "before");
      const controller = new AbortController();
      const withdrawn = client.withOptions(calls, { signal: controller.signal }).block(key);
      const later = client.getObject(Echo, context.url).echo("right");
      controller.abort();
      await rejectionOf(withdrawn, AbortError);
      expect(await later).toBe("right");
      expect(await client.getObject(Echo, context.url).portrait("x")).toBe("'x'");
      expect(await client.getObject(Echo, context.url).echo("still right")).toBe("still right");
      expect(await context.ledger.eventsOf(key)).toEqual(["before"]);
    });

    test("aborted while the call waits for its connection: it is not run", async () => {
      const client = context.connect();
      const key = context.newKey();
      const controller = new AbortController();
      const calls = client.getObject(Calls, context.url);
      const call = client.withOptions(calls, { signal: controller.signal }).note(key, "never");
      controller.abort();
      expect((await rejectionOf(call, AbortError)).mayHaveExecuted).toBe(false);
      await calls.note(key, "after");
      expect(await context.ledger.eventsOf(key)).toEqual(["after"]);
    });

    test("one signal for many calls: all are given up, and nobody is warned of a leak", async () => {
      const warnings: string[] = [];
      const note = (warning: Error) => warnings.push(warning.message);
      process.on("warning", note);
      const controller = new AbortController();
      const calls = context.client.withOptions(context.service(Calls), { signal: controller.signal });
      const keys = Array.from({ length: 32 }, () => context.newKey());
      const given = Promise.all(keys.map((key) => rejectionOf(calls.block(key), AbortError)));
      for (const key of keys) await context.ledger.whenRecorded("started", key);
      controller.abort();
      await given;
      for (const key of keys) await context.ledger.open(key);
      process.off("warning", note);
      expect(warnings).toEqual([]);
    });

    test("aborted while the method runs: the caller goes on, and a signal among the arguments tells the method", async () => {
      const key = context.newKey();
      const controller = new AbortController();
      const calls = context.client.withOptions(context.service(Calls), { signal: controller.signal });
      const call = calls.untilAborted(key, new AbortController().signal);
      await context.ledger.whenRecorded("started, aborted: false", key);
      const reason = new Error("changed my mind");
      controller.abort(reason);
      const error = await rejectionOf(call, AbortError);
      expect(error).toMatchObject({ mayHaveExecuted: true, cause: reason, code: "ABORT_ERR" });
      await context.ledger.whenRecorded("reason AbortError", key);
    });

    test("aborted afterwards: nothing happens", async () => {
      const controller = new AbortController();
      const echo = context.client.withOptions(context.service(Echo), { signal: controller.signal });
      expect(await echo.echo(1)).toBe(1);
      controller.abort();
      expect(await context.service(Echo).echo(2)).toBe(2);
    });

    test("one signal for many calls", async () => {
      const key = context.newKey();
      const controller = new AbortController();
      const calls = context.client.withOptions(context.service(Calls), { signal: controller.signal });
      const made = Array.from({ length: 50 }, (_, index) => calls.answerAfter(key, index));
      const settled = Promise.allSettled(made);
      await context.ledger.whenRecorded("started 49", key);
      controller.abort();
      for (const outcome of await settled) {
        expect(outcome).toMatchObject({ status: "rejected", reason: { name: "AbortError" } });
      }
      await context.ledger.open(...made.map((_, index) => `${key}/${index}`));
      expect(await context.service(Echo).echo("late answers harm nobody")).toBe("late answers harm nobody");
    });
  });

  describe("a signal among the arguments", () => {
    test("aborts at the server when it aborts here", async () => {
      const key = context.newKey();
      const controller = new AbortController();
      const call = context.service(Calls).untilAborted(key, controller.signal);
      await context.ledger.whenRecorded("started, aborted: false", key);
      controller.abort();
      expect(await call).toBe("AbortError");
    });

    test("one that is aborted already arrives so", async () => {
      const key = context.newKey();
      expect(await context.service(Calls).untilAborted(key, AbortSignal.abort())).toBe("AbortError");
      expect(await context.ledger.eventsOf(key)).toContain("started, aborted: true");
    });

    test("one that aborts in the turn of the call reaches the method", async () => {
      const key = context.newKey();
      const controller = new AbortController();
      const call = context.service(Calls).untilAborted(key, controller.signal);
      controller.abort();
      expect(await call).toBe("AbortError");
    });

    test.each([1, 4])(
      "one that aborts while the arguments (%i MiB) are still under way reaches the method",
      async (size) => {
        const key = context.newKey();
        const controller = new AbortController();
        const payload = new Uint8Array(size * 1024 * 1024);
        const call = context.service(Calls).untilAborted(key, controller.signal, payload);
        await context.service(Echo).echo("the fragments have begun to leave");
        controller.abort();
        expect(await call).toBe("AbortError");
      },
    );

    test("can be passed in several calls", async () => {
      const controller = new AbortController();
      const keys = [context.newKey(), context.newKey()];
      const results = keys.map((key) => context.service(Calls).untilAborted(key, controller.signal));
      for (const key of keys) await context.ledger.whenRecorded("started, aborted: false", key);
      controller.abort();
      expect(await Promise.all(results)).toEqual(["AbortError", "AbortError"]);
    });

    test("aborts when the caller's connection is gone", async () => {
      const key = context.newKey();
      const client = context.connect(context.url, { closeGrace: 0 });
      const call = client.getObject(Calls, context.url).untilAborted(key, new AbortController().signal);
      const failed = rejectionOf(call, Error);
      await context.ledger.whenRecorded("started, aborted: false", key);
      await client.close();
      await context.ledger.whenRecorded("aborted", key);
      await failed;
    });
  });

  describe("timeouts", () => {
    test("of one proxy", async () => {
      const key = context.newKey();
      const calls = context.client.withOptions(context.service(Calls), { timeout: 20 });
      const error = await rejectionOf(calls.block(key), RemotingTimeoutError);
      expect(error).toMatchObject({ code: "ERR_REMOTING_TIMEOUT", mayHaveExecuted: true });
      expect(error.message).toBe("Calls.block was not answered within 20 ms");
      await context.ledger.whenRecorded("started", key);
      await context.ledger.open(key);
    });

    test("of a domain, and 0 for none", async () => {
      const key = context.newKey();
      const client = context.connect(context.url, { defaultTimeout: 20 });
      const calls = client.getObject(Calls, context.url);
      // Connected first: the time to connect counts, and is not what this is about.
      await client.withOptions(calls, { timeout: 0 }).note(key, "connected");
      const patient = client.withOptions(calls, { timeout: 0 }).block(key);
      await rejectionOf(calls.block(key), RemotingTimeoutError);
      await context.ledger.open(key);
      expect(await patient).toBe(key);
    });

    test("the deadline travels: a signal among the arguments tells the method", async () => {
      const key = context.newKey();
      const calls = context.client.withOptions(context.service(Calls), { timeout: 40 });
      // Both sides' clocks run out at the same moment, so the method's answer may come before the caller's own error.
      const call = calls.untilAborted(key, new AbortController().signal).catch((error: unknown) => error);
      await context.ledger.whenRecorded("aborted", key);
      const outcome = await call;
      expect(outcome instanceof Error ? outcome.name : outcome).toBe("RemotingTimeoutError");
    });

    test("an answer that comes too late meets no other call", async () => {
      const key = context.newKey();
      const calls = context.client.withOptions(context.service(Calls), { timeout: 20 });
      await rejectionOf(calls.answerAfter(key, 1), RemotingTimeoutError);
      const next = context.service(Calls).answerAfter(key, 2);
      await context.ledger.whenRecorded("started 2", key);
      await context.ledger.open(`${key}/1`);
      expect(await context.service(Echo).echo("between")).toBe("between");
      await context.ledger.open(`${key}/2`);
      expect(await next).toBe(2);
    });

    test.each([-1, Number.NaN])("%d is no timeout", (timeout) => {
      expect(() => context.client.withOptions(context.service(Calls), { timeout })).toThrow(TypeError);
    });
  });
}
