/** What a channel without replies has to do, and to refuse: the one-way part of the suite, for `mailslot://`. */
import assert from "node:assert/strict";
import { once } from "node:events";
import {
  AbortError,
  type Class,
  ClientActivated,
  ConnectError,
  LimitExceededError,
  type MailslotOptions,
  MarshalByRefObject,
  mailslotChannel,
  mailslotSinkProvider,
  OneWay,
  RemotingDomain,
  type RemotingDomainOptions,
  RemotingTimeoutError,
  SerializationError,
  Singleton,
} from "remoting";
import { CallContext, type LogicalValue } from "remoting/call-context";
import { MailslotClient, MailslotServer } from "remoting/ipc";
import { type Formatter, messageHeadroom } from "remoting/spi";
import { describe, expect, onTestFinished, test } from "vitest";
import { rejectionOf } from "./conformance-context.ts";
import { portrait } from "./server/call-services.ts";
import { Journal, Visit } from "./server/journal.ts";
import { Ledger } from "./server/ledger.ts";

@Singleton("Mixed")
class Mixed extends MarshalByRefObject {
  @OneWay()
  tell(): void {}

  ask(): number {
    return 1;
  }
}

@ClientActivated("Owned")
class Owned extends MarshalByRefObject {
  @OneWay()
  tell(): void {}
}

abstract class AbstractJournal extends MarshalByRefObject {
  abstract note(key: string, event: unknown): void;
}

const ledger = new Ledger();
let counter = 0;

function newName(): string {
  return `suite-${process.pid}-${++counter}`;
}

/** Runs the suite for one formatter. */
export function describeOneWayChannel(title: string, formatter: () => Formatter): void {
  function domain(options: Omit<MailslotOptions, "formatter"> = {}, domainOptions?: RemotingDomainOptions) {
    const made = new RemotingDomain(domainOptions);
    onTestFinished(() => made.close());
    made.registerChannel(mailslotChannel({ formatter: formatter(), ...options }));
    return made;
  }

  async function open(options: Omit<MailslotOptions, "formatter"> = {}) {
    const name = newName();
    const url = `mailslot://${name}`;
    const server = domain(options);
    const errors: Error[] = [];
    server.on("unobservedError", (error) => errors.push(error as Error));
    await server.serve(url, [Journal, Visit]);
    const client = domain();
    return { name, url, server, errors, client, journal: client.getObject(Journal, url) };
  }

  describe(title, () => {
    describe("calls", () => {
      test("arrive in order, and have resolved before their methods have ended", async () => {
        const { journal } = await open();
        const key = newName();
        expect(await journal.block(key, 0)).toBeUndefined();
        await ledger.whenRecorded("started 0", key);
        const numbers = Array.from({ length: 300 }, (_, index) => index + 1);
        await Promise.all(numbers.map((number) => journal.note(key, number)));
        await ledger.whenRecorded("300", key);
        expect(ledger.eventsOf(key)).toEqual(["started 0", ...numbers.map(String)]);
        ledger.open(`${key}/0`);
        await ledger.whenRecorded("finished 0", key);
      });

      test("carry everything that travels by value", async () => {
        const { journal } = await open();
        const key = newName();
        const values = [
          undefined,
          null,
          -0,
          12345678901234567890n,
          new Date(0),
          new Map([["a", new Set([1])]]),
          Buffer.from("binary"),
          new Float64Array([1, 2]),
          new Uint8Array(10_000).fill(7),
          { nested: [{ deep: true }] },
          new RangeError("an error"),
        ];
        await journal.draw(key, ...values);
        const [drawn = ""] = await untilRecorded(key);
        // Errors arrive with another stack.
        expect(drawn.split("RangeError")[0]).toBe(portrait(values).split("RangeError")[0]);
      });

      test("make an object for each, which is disposed of", async () => {
        const { client, url } = await open();
        const key = newName();
        await client.getObject(Visit, url).pay(key);
        await ledger.whenRecorded("disposed", key);
        expect(ledger.eventsOf(key)).toEqual(["paid", "disposed"]);
      });

      test("bring the call context", async () => {
        const { journal } = await open();
        const key = newName();
        await CallContext.run(async () => {
          CallContext.logicalSetData("user", "ada");
          await journal.context(key);
        });
        await ledger.whenRecorded('{"user":"ada"} true incoming Infinity', key);
        await journal.context(key);
        await ledger.whenRecorded("{} true incoming Infinity", key);
      });

      test("pass message sinks on both ends", async () => {
        const seen: string[] = [];
        const sinks = (side: string) => ({
          messageSinks: [
            {
              name: side,
              createClientSink: () => ({
                processMessage: async (
                  call: Parameters<MessageSinkProcess>[0],
                  next: Parameters<MessageSinkProcess>[1],
                ) => {
                  seen.push(`client ${call.target}.${call.method}`);
                  return next({ ...call, context: new Map<string, LogicalValue>([["stamp", side]]) });
                },
              }),
              createServerSink: () => ({
                processMessage: async (
                  call: Parameters<MessageSinkProcess>[0],
                  next: Parameters<MessageSinkProcess>[1],
                ) => {
                  seen.push(`server ${call.target}.${call.method} ${call.context?.get("stamp")}`);
                  return next(call);
                },
              }),
            },
          ],
        });
        const { url } = await open(sinks("s"));
        const key = newName();
        await domain(sinks("c")).getObject(Journal, url).context(key);
        await ledger.whenRecorded('{"stamp":"c"} true incoming Infinity', key);
        expect(seen).toEqual(["client Journal.context", "server Journal.context c"]);
      });

      test("what a method throws goes to the unobserved errors", async () => {
        const { journal, server } = await open();
        const told = once(server, "unobservedError");
        await journal.fail("x");
        const [error, origin] = await told;
        expect(error).toMatchObject({ message: "failed x" });
        expect(origin).toMatchObject({ target: "Journal", method: "fail", peer: { direction: "incoming" } });
      });

      test("no more run at a time than may; the others wait in the slot", async () => {
        const { journal } = await open({ maxCallsInFlight: 2 });
        const key = newName();
        for (let index = 0; index < 6; index++) await journal.block(key, index);
        await ledger.whenRecorded("started 1", key);
        for (let index = 0; index < 5; index++) {
          expect(ledger.eventsOf(key).filter((event) => event.startsWith("started"))).toHaveLength(
            Math.min(index + 2, 6),
          );
          ledger.open(`${key}/${index}`);
          await ledger.whenRecorded(`finished ${index}`, key);
          if (index + 2 < 6) await ledger.whenRecorded(`started ${index + 2}`, key);
        }
        ledger.open(`${key}/5`);
        await ledger.whenRecorded("finished 5", key);
      });
    });

    describe("refused when it is bound", () => {
      test.each([
        ["a method that returns something", Mixed, "Mixed.ask"],
        ["a client-activated class", Owned, "Owned is client-activated"],
      ] as const)("serving %s", async (_what, type, message) => {
        const url = `mailslot://${newName()}`;
        const error = await rejectionOf(domain().serve(url, [type as Class<Mixed>]), TypeError);
        expect(error.message).toContain(message);
        expect(error.message).toContain("mailslot://");
      });

      test("publishing while a slot is listened on", async () => {
        const { server } = await open();
        expect(() => server.register(Mixed)).toThrow("Mixed.ask");
        expect(() => server.marshal(new Mixed(), "live")).toThrow("Mixed.ask");
      });

      test("listening where something is published", async () => {
        const server = domain();
        server.marshal(new Mixed(), "live");
        await expect(server.serve(`mailslot://${newName()}`)).rejects.toThrow("Mixed.ask");
      });

      test("proxies of what needs a reply, of no class, and of classes that say nothing", async () => {
        const { client, url } = await open();
        expect(() => client.getObject(Mixed, url)).toThrow("Mixed.ask returns something");
        expect(() => client.getObject<Journal>(`${url}/Journal`)).toThrow("needs its class");
        expect(() => client.getObject(AbstractJournal, `${url}/Journal`)).toThrow("needs its class");
        await expect(client.createInstance(Owned, url)).rejects.toThrow("needs a reply");
      });
    });

    describe("refused when it is called", () => {
      test("what would travel by reference, with its place", async () => {
        const { journal, client, url } = await open();
        const refused: readonly (readonly [value: unknown, path: string])[] = [
          [() => {}, "args[1]"],
          [{ deep: [new Mixed()] }, "args[1].deep[0]"],
          [new AbortController().signal, "args[1]"],
          [client.getObject(Visit, url), "args[1]"],
        ];
        for (const [value, path] of refused) {
          const error = await rejectionOf(journal.note("key", value), SerializationError);
          expect(error).toMatchObject({ path, mayHaveExecuted: false });
          expect(error.message).toContain("no way back");
        }
      });

      test("what is too large, for this end or for the other", async () => {
        const { client, url, journal } = await open({ maxMessageSize: 1_000 });
        const key = newName();
        await journal.note(key, "x".repeat(800));
        for (const size of [1_100, 70_000]) {
          const error = await rejectionOf(journal.note(key, "x".repeat(size)), LimitExceededError);
          expect(error).toMatchObject({ limit: "maxMessageSize", mayHaveExecuted: false });
        }
        await client.getObject(Journal, url).note(key, "still here");
        await ledger.whenRecorded("still here", key);
      });

      test("nobody is there; then somebody is, and then another", async () => {
        const url = `mailslot://${newName()}`;
        const journal = domain().getObject(Journal, url);
        const error = await rejectionOf(journal.note("key", 1), ConnectError);
        expect(error.message).toContain(url);
        for (const round of [1, 2]) {
          const server = domain();
          await server.serve(url, [Journal]);
          const key = newName();
          await journal.note(key, round);
          await ledger.whenRecorded(String(round), key);
          await server.close();
          await rejectionOf(journal.note(key, "nobody"), ConnectError);
        }
      });

      test("a slot that is full, within its time; a signal ends the wait", async () => {
        const name = newName();
        const slot = new MailslotServer(name, { maxQueuedMessages: 1 });
        onTestFinished(() => slot.close());
        const client = domain({ writeTimeout: 100 });
        const journal = client.getObject(Journal, `mailslot://${name}`);
        let error: unknown;
        while (error === undefined)
          error = await journal.note("key", 1).then(
            () => undefined,
            (e: unknown) => e,
          );
        expect(error).toBeInstanceOf(RemotingTimeoutError);
        expect(error).toMatchObject({ mayHaveExecuted: false });
        const controller = new AbortController();
        const aborted = client.withOptions(journal, { signal: controller.signal }).note("key", 2);
        controller.abort();
        await rejectionOf(aborted, AbortError);
      });
    });

    describe("hostile writers", () => {
      test("are told of, and harm nobody", async () => {
        const { name, server, errors, journal } = await open({ maxMessageSize: 10_000 });
        server.disconnect("Visit");
        server.register(Visit);
        const good = await captured(formatter());
        const writer = new MailslotClient(name, { maxMessageSize: 100_000 });
        onTestFinished(() => writer.close());
        const change = (from: string, to: string) =>
          Buffer.from(good.toString("latin1").replace(from, to), "latin1");
        const bad: readonly (readonly [bytes: Buffer, reason: string])[] = [
          [Buffer.alloc(0), "ends too early"],
          [Buffer.from("garbage of some length"), "RMSL"],
          [good.subarray(0, 20), "ends too early"],
          [Buffer.concat([good.subarray(0, 4), Buffer.from([2]), good.subarray(5)]), "version 2"],
          [change(formatter().name, "x".repeat(formatter().name.length)), "formatted with"],
          [change("Journal", "Nothing"), "Nothing is published"],
          [change("Journal", "~ournal"), "by reference"],
          [change("note", "nope"), "no remote method"],
          [change("note", "then"), "no remote method"],
          [Buffer.concat([good, Buffer.from([0xc1])]), ""],
          [Buffer.alloc(20_000), "1 messages with more than 10000 bytes"],
        ];
        for (const [bytes, reason] of bad) {
          const told = once(server, "unobservedError");
          await writer.write(bytes);
          const [error] = (await told) as [Error];
          expect(error.message).toContain(reason);
          expect(error.message).toContain(`mailslot://${name}`);
        }
        const key = newName();
        await journal.note(key, "still here");
        await ledger.whenRecorded("still here", key);
        expect(errors).toHaveLength(bad.length);
      });

      test("3,000 messages that were changed at random", async () => {
        const { name, journal } = await open();
        const good = await captured(formatter());
        const writer = new MailslotClient(name);
        onTestFinished(() => writer.close());
        let seed = 12_345;
        const random = (below: number) => {
          seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
          return Math.floor((seed / 2 ** 32) * below);
        };
        for (let round = 0; round < 3_000; round++) {
          const bytes = Buffer.from(good);
          for (let change = random(4); change >= 0; change--) bytes[random(bytes.length)] = random(256);
          await writer.write(random(5) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes);
        }
        const key = newName();
        await journal.note(key, "still here");
        await ledger.whenRecorded("still here", key);
        expect(Object.keys(Object.prototype)).toEqual([]);
      });
    });

    test("a channel of one's own can end in a mailslot", async () => {
      const name = newName();
      const slot = new MailslotServer(name);
      onTestFinished(() => slot.close());
      const errors: unknown[] = [];
      const provider = mailslotSinkProvider({ onError: (error) => errors.push(error) });
      await using sink = await provider.connect(name);
      const memory = Buffer.alloc(messageHeadroom + 5, "hello");
      memory.write("hello", messageHeadroom);
      const released = new Promise((resolve) =>
        sink.send(memory, memory.length, resolve, Buffer.from(" there")),
      );
      sink.flush();
      expect((await slot.read()).toString()).toBe("hello there");
      expect(await released).toBe(memory);
      // It may be read before its writer is told that it was written.
      while (sink.queuedBytes > 0) await new Promise((resolve) => setImmediate(resolve));
      expect(errors).toEqual([]);
      await expect(provider.connect(newName())).rejects.toMatchObject({ fault: "not-found" });
    });

    test("such a channel is told of a mailslot that is gone", async () => {
      const name = newName();
      const slot = new MailslotServer(name);
      onTestFinished(() => slot.close());
      const errors: unknown[] = [];
      const provider = mailslotSinkProvider({ onError: (error) => errors.push(error) });
      await using sink = await provider.connect(name);
      slot.close();
      const memory = Buffer.alloc(messageHeadroom + 5, "hello");
      sink.send(memory, memory.length, () => {});
      while (errors.length === 0) await new Promise((resolve) => setImmediate(resolve));
      expect(errors).toMatchObject([{ fault: "not-found" }]);
      expect(sink.queuedBytes).toBe(0);
    });

    test("the same code calls over tcp://, by another URL", async () => {
      const server = domain();
      const { urls } = await server.serve(["tcp://127.0.0.1:0", `mailslot://${newName()}`], [Journal]);
      expect(urls).toHaveLength(2);
      for (const url of urls) {
        const key = newName();
        await domain().getObject(Journal, url).note(key, "hello");
        await ledger.whenRecorded("hello", key);
      }
    });
  });
}

type MessageSinkProcess = import("remoting/spi").MessageSink["processMessage"];

/** What happened in a test, once something has. */
async function untilRecorded(key: string): Promise<string[]> {
  for (;;) {
    const events = ledger.eventsOf(key);
    if (events.length > 0) return events;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The bytes of a call, as a client writes them. */
async function captured(formatter: Formatter): Promise<Buffer> {
  const name = newName();
  const slot = new MailslotServer(name);
  await using client = new RemotingDomain();
  client.registerChannel(mailslotChannel({ formatter }));
  await client.getObject(Journal, `mailslot://${name}`).note("fuzz", { a: [1, "two", new Map()] });
  const bytes = await slot.read();
  slot.close();
  assert(bytes.length > 20);
  return bytes;
}
