/**
 * Servers that answer in every way but the right one, against a client that did nothing but trust an address: each of
 * its calls settles, with an error that says what was wrong, nothing stays behind, and nothing else is touched.
 *
 * The server is a script over an in-process connection, so that it can say at once what no peer would say.
 */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import {
  type ChannelOptions,
  ConnectError,
  ConnectionLostError,
  jsonFormatter,
  LimitExceededError,
  MarshalByRefObject,
  OneWay,
  type Remote,
  RemotingDomain,
  RemotingError,
  SerializationError,
  Singleton,
  transportChannel,
} from "remoting";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  frame,
  ScriptedConnection,
  ScriptedTransport,
  type SentFrame,
} from "../unit/session/scripted-connection.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { fingerprintPrototypes } from "./contract.ts";
import { flag, kind, magic } from "./frames.ts";
import { within } from "./within.ts";

@Singleton("Victim")
class Victim extends MarshalByRefObject {
  echo(value: unknown): unknown {
    return value;
  }

  watch(callback: (value: number) => unknown): unknown {
    return callback;
  }

  @OneWay() note(_text: string): void {}

  child(): Victim {
    return this;
  }
}

/** In which whatever is to happen has to happen. Long, for busy machines. */
const patience = 30_000;

const prototypes = fingerprintPrototypes();

/** A client that has called `echo` once, and the server's end of its connection. */
class Scene {
  readonly domain: RemotingDomain;
  readonly connections: ScriptedConnection[] = [];
  readonly victim: Remote<Victim>;
  readonly events: string[] = [];
  readonly calls: Promise<unknown>[] = [];

  constructor(options: ChannelOptions = {}) {
    this.domain = new RemotingDomain({ closeGrace: 0 });
    this.domain.on("draining", () => void this.events.push("draining"));
    this.domain.on("unobservedError", (error) => void this.events.push(String(error)));
    const transport = new ScriptedTransport(async () => {
      const connection = new ScriptedConnection();
      this.connections.push(connection);
      return connection;
    });
    this.domain.registerChannel(transportChannel(transport, { formatter: jsonFormatter(), ...options }));
    this.victim = this.domain.getObject(Victim, "scripted://there/Victim");
  }

  get connection(): ScriptedConnection {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error("the client has not connected");
    return last;
  }

  /** Calls, and remembers to look whether it settles. */
  call<T>(promise: PromiseLike<T>): Promise<T> {
    const call = Promise.resolve(promise);
    call.catch(() => {});
    this.calls.push(call);
    return call;
  }

  async whenConnected(): Promise<ScriptedConnection> {
    while (this.connections.length === 0) await new Promise(setImmediate);
    return this.connection;
  }

  /** Answers the handshake. Returns the call that comes next. */
  async accept(): Promise<SentFrame> {
    const connection = await this.whenConnected();
    await connection.next(kind.hello);
    connection.deliver(welcome());
    return await connection.next(kind.call);
  }

  /** Demands that all calls have settled, that all is let go, and that the process is as it was. */
  async expectNothingLeft(): Promise<void> {
    await within(patience, this.domain.close(), "the end of the domain");
    await within(patience, Promise.allSettled(this.calls), "the end of all calls");
    for (const connection of this.connections) expect(connection.ended).toBeDefined();
    expect(fingerprintPrototypes()).toBe(prototypes);
  }
}

function scene(options: ChannelOptions = {}): Scene {
  const made = new Scene(options);
  onTestFinished(() => made.expectNothingLeft());
  return made;
}

interface WelcomeOptions {
  readonly features?: number;
  readonly maxPayloadBytes?: number;
}

function welcome({ features = 0, maxPayloadBytes = 1024 * 1024 }: WelcomeOptions = {}): Buffer {
  return frame(kind.welcome, 0, 0, (writer) => {
    writer.writeUint32(magic);
    writer.writeUint8(1);
    writer.writeUint8(0);
    writer.writeUint32(features);
    writer.writeUint32(maxPayloadBytes);
  });
}

function answer(id: number, json: string, answerKind: number = kind.result, flags = 0): Buffer {
  return frame(answerKind, flags, id, (writer) => writer.writeBytes(Buffer.from(json)));
}

function faultFrame(id: number, number = 0): Buffer {
  return frame(kind.fault, 0, id, (writer) => {
    writer.writeUint8(number);
    writer.writeUint8(0);
    writer.writeString("no");
    writer.writeString("");
  });
}

function callFrame(id: number, target: string, method: string, json = "[]", flags = 0): Buffer {
  return frame(kind.call, flags, id, (writer) => {
    writer.writeVarUint(0);
    writer.writeString(target);
    writer.writeString(method);
    writer.writeBytes(Buffer.from(json));
  });
}

function segmentsFrame(id: number, ...lengths: readonly number[]): Buffer {
  return frame(kind.segments, flag.ofReturn, id, (writer) => {
    writer.writeVarUint(lengths.length);
    for (const length of lengths) writer.writeVarUint(length);
  });
}

function fragmentFrame(id: number, bytes: Uint8Array): Buffer {
  return frame(kind.fragment, flag.ofReturn, id, (writer) => writer.writeBytes(bytes));
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("handshakes", () => {
  test.each<readonly [name: string, bytes: () => Buffer]>([
    ["a result", () => answer(1, "1")],
    ["a call", () => callFrame(1, "Victim", "echo")],
    ["a hello of its own", () => frame(kind.hello, 0, 0, (writer) => writer.writeUint32(magic))],
    ["a ping", () => frame(kind.ping)],
    ["nothing but a header", () => frame(kind.welcome)],
    ["a refusal that says nothing", () => frame(kind.refuse)],
    [
      "a frame longer than a handshake may be",
      () => frame(kind.welcome, 0, 0, (writer) => writer.writeBytes(Buffer.alloc(5_000))),
    ],
    ["5,000 bytes", () => Buffer.alloc(5_000, 1)],
    ["a credit", () => frame(kind.credit, 0, 0, (writer) => writer.writeVarUint(1_000_000))],
  ])("%s instead of a welcome: the call fails, and was not sent", async (_name, bytes) => {
    const { victim, whenConnected, connection, call } = bound(scene());
    const result = call(victim.echo(1));
    await (await whenConnected()).next(kind.hello);
    connection().deliver(bytes());
    if (connection().ended === undefined) connection().destroy();
    const error = await within(patience, rejection(result), "the end of a call");
    expect(error).toBeInstanceOf(ConnectError);
    expect(error).toMatchObject({ mayHaveExecuted: false });
    expect(connection().sent).toEqual([]);
  });

  test("a refusal is told with its reason: the call was not sent, whatever the refusal says", async () => {
    const { victim, whenConnected, connection, call } = bound(scene());
    const result = call(victim.echo(1));
    await (await whenConnected()).next(kind.hello);
    connection().deliver(
      frame(kind.refuse, 0, 0, (writer) => {
        writer.writeUint8(5);
        writer.writeUint8(1);
        writer.writeString("go away");
        writer.writeString("");
      }),
    );
    const error = await rejection(result);
    expect(error).toMatchObject({ code: "ERR_ACCESS_DENIED", mayHaveExecuted: false });
    expect(String(error)).toContain("go away");
  });

  test("a second welcome ends the connection", async () => {
    const { victim, accept, connection, call } = bound(scene());
    const result = call(victim.echo(1));
    await accept();
    connection().deliver(welcome());
    expect(await rejection(result)).toMatchObject({ reason: "protocol", mayHaveExecuted: true });
  });

  test("one that takes payloads of no bytes gets none, and the calls say why", async () => {
    const { victim, whenConnected, connection, call } = bound(scene());
    const first = call(victim.echo(1));
    await (await whenConnected()).next(kind.hello);
    connection().deliver(welcome({ maxPayloadBytes: 0 }));
    await connection().next(kind.call);
    expect(await rejection(call(victim.echo(2)))).toMatchObject({
      limit: "maxPayloadBytes",
      mayHaveExecuted: false,
    });
    connection().destroy();
    expect(await rejection(first)).toBeInstanceOf(ConnectionLostError);
  });

  test("one that claims every ability is only believed those that are known", async () => {
    const { victim, whenConnected, connection, call } = bound(scene());
    const result = call(victim.echo(1));
    await (await whenConnected()).next(kind.hello);
    connection().deliver(welcome({ features: 0xffff_ffff }));
    const { id } = await connection().next(kind.call);
    connection().deliver(answer(id, "1"));
    expect(await result).toBe(1);
  });
});

describe("answers", () => {
  test("to calls that nobody made, in all forms, are passed over", async () => {
    const { victim, accept, connection, call } = bound(scene());
    const result = call(victim.echo(1));
    const { id } = await accept();
    for (const other of [0, 1, id + 1, id ^ 0x8000_0000, 0x7fff_ffff, 0xffff_ffff]) {
      connection().deliver(
        answer(other >>> 0, "1"),
        answer(other >>> 0, "1", kind.thrown),
        answer(other >>> 0, "{"),
        faultFrame(other >>> 0),
        frame(kind.cancel, 0, other >>> 0),
      );
    }
    connection().deliver(answer(id, '"right"'));
    expect(await result).toBe("right");
    expect(connection().ended).toBeUndefined();
  });

  test("two to one call: the first counts, in all nine orders", async () => {
    const { victim, accept, connection, call } = bound(scene());
    const warm = call(victim.echo(0));
    const { id: warmId } = await accept();
    connection().deliver(answer(warmId, "0"));
    await warm;
    const forms = [
      (id: number) => answer(id, '"result"'),
      (id: number) => answer(id, '"thrown"', kind.thrown),
      (id: number) => faultFrame(id),
    ];
    for (const [index, first] of forms.entries()) {
      for (const second of forms) {
        const result = call(victim.echo(1));
        const { id } = await connection().next(kind.call);
        connection().deliver(first(id), second(id));
        const outcome = await result.catch((error: Error) => error);
        if (index === 0) expect(outcome).toBe("result");
        else expect(outcome).toBeInstanceOf(RemotingError);
      }
    }
  });

  test("to one-way calls are passed over, and these resolve by themselves", async () => {
    const { victim, accept, connection, call } = bound(scene());
    const note = call(victim.note("x"));
    const { id } = await accept();
    expect(id).toBeGreaterThanOrEqual(0x8000_0000);
    await note;
    connection().deliver(answer(id, "1"), faultFrame(id), answer(id, "1", kind.thrown));
    await settled();
    expect(connection().ended).toBeUndefined();
  });

  test.each([
    ["with unknown flags", (id: number) => answer(id, "1", kind.result, 0x01)],
    ["of a kind from the handshake", (id: number) => frame(kind.authenticate, 0, id)],
    ["with fields that end too early", (id: number) => answer(id, "\u0005", kind.result, flag.fields)],
    [
      "with attachments that are not there",
      (id: number) => answer(id, "[[[[", kind.result, flag.attachments),
    ],
    ["a fault that ends too early", (id: number) => frame(kind.fault, 0, id)],
    ["a fragment of none", (id: number) => fragmentFrame(id, Buffer.alloc(10))],
    ["a definition, which JSON does not have", () => frame(kind.definition)],
  ])("%s end the connection: the call may have run", async (_name, bytes) => {
    const { victim, accept, connection, call } = bound(scene());
    const result = call(victim.echo(1));
    const { id } = await accept();
    connection().deliver(bytes(id));
    const error = await rejection(result);
    expect(error).toBeInstanceOf(RemotingError);
    expect(error).toMatchObject({ mayHaveExecuted: true });
    expect(connection().ended).toBe("destroyed");
  });

  test.each([
    ["{", SerializationError],
    ['{"$":[10,"~aaaaaaaaaaaaaaaaaaaaaa"]}', SerializationError],
    ['{"$":[10,"Victim"]}', SerializationError],
    ['{"$":[99]}', SerializationError],
    ['{"$":[7,"NoSuchClass",{}]}', SerializationError],
    ['{"$":[5,1,0]}', SerializationError],
    ['{"__proto__":{"polluted":true}}', SerializationError],
    ['{"$":[6,"Error","x",{"__proto__":{"polluted":true}}]}', SerializationError],
    [`${"[".repeat(1000)}${"]".repeat(1000)}`, LimitExceededError],
  ])("%s fails the call, which has run, and nothing else", async (json, type) => {
    const { victim, accept, connection, call } = bound(scene());
    const result = call(victim.echo(1));
    const { id } = await accept();
    connection().deliver(answer(id, json));
    const error = await rejection(result);
    expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject({ mayHaveExecuted: true });
    const next = call(victim.echo(2));
    const { id: nextId } = await connection().next(kind.call);
    connection().deliver(answer(nextId, "2"));
    expect(await next).toBe(2);
  });

  test("an object that would be awaited for ever is refused: its call settles, and nothing is called", async () => {
    const { victim, accept, connection, call } = bound(scene());
    const result = call(victim.echo(1));
    const { id } = await accept();
    connection().deliver(answer(id, '{"then":{"$":[9,"~never"]}}'));
    const error = await within(patience, rejection(result), "the end of a call");
    expect(error).toMatchObject({ code: "ERR_SERIALIZATION", path: "result.then", mayHaveExecuted: true });
    await settled();
    expect(connection().sent.filter((one) => one.kind === kind.call)).toEqual([]);
  });

  test("an object whose then is no function is an object like any other", async () => {
    const { victim, accept, connection, call } = bound(scene());
    const result = call(victim.echo(1));
    const { id } = await accept();
    connection().deliver(answer(id, '{"then":"else"}'));
    // biome-ignore lint/suspicious/noThenProperty: that is the point
    expect(await result).toEqual({ then: "else" });
  });

  test("a thrown thing of any form is a rejection with an error", async () => {
    const { victim, accept, connection, call } = bound(scene());
    let pending = call(victim.echo(1));
    let { id } = await accept();
    for (const json of [
      "null",
      "1",
      "{}",
      '{"then":{"$":[9,"~x"]}}',
      '{"$":[9,"~x"]}',
      '{"$":[6,"","",{}]}',
    ]) {
      connection().deliver(answer(id, json, kind.thrown));
      expect(await rejection(pending)).toBeInstanceOf(Error);
      pending = call(victim.echo(1));
      ({ id } = await connection().next(kind.call));
    }
    connection().deliver(answer(id, "1"));
    await pending;
  });
});

describe("large answers", () => {
  test("beyond what this side takes fail the call, and are thrown away as they come", async () => {
    const { victim, accept, connection, call } = bound(scene({ limits: { maxPayloadBytes: 100_000 } }));
    const result = call(victim.echo(1));
    const { id } = await accept();
    connection().deliver(answer(id, "", kind.result, flag.segments), segmentsFrame(id, 100_001));
    connection().deliver(fragmentFrame(id, Buffer.alloc(50_000)));
    connection().deliver(fragmentFrame(id, Buffer.alloc(50_001)));
    expect(await rejection(result)).toMatchObject({ limit: "maxPayloadBytes", mayHaveExecuted: true });
    expect(connection().ended).toBeUndefined();
  });

  test("that nobody waits for take no memory, however many", async () => {
    const { victim, accept, connection, call } = bound(scene());
    const result = call(victim.echo(1));
    const { id } = await accept();
    const before = collectGarbage();
    const count = 2_000;
    for (let other = 1; other <= count; other++) {
      // The header of each as large as it may be, and 16 MiB announced.
      connection().deliver(answer(other, "x".repeat(30_000), kind.result, flag.segments));
      connection().deliver(segmentsFrame(other, 16 * 1024 * 1024));
    }
    // Kept, they would be 60 MB of headers and 64 MiB of memory set aside.
    expect(collectGarbage() - before).toBeLessThan(10 * 1024 * 1024);
    connection().deliver(answer(id, "1"));
    expect(await result).toBe(1);
  });

  test("with a header that is large itself end the connection", async () => {
    const { victim, accept, connection, call } = bound(scene());
    const result = call(victim.echo(1));
    const { id } = await accept();
    connection().deliver(answer(id, "x".repeat(40_000), kind.result, flag.segments));
    expect(await rejection(result)).toMatchObject({ reason: "protocol" });
  });

  test("to more calls than can be waiting end the connection", async () => {
    const { victim, accept, connection, call } = bound(scene());
    const result = call(victim.echo(1));
    await accept();
    for (let other = 0; other < 70_000 && connection().ended === undefined; other += 100) {
      const frames = Array.from({ length: 100 }, (_, index) =>
        answer(1_000_000 + other + index, "", kind.result, flag.segments),
      );
      connection().deliver(...frames);
    }
    expect(await rejection(result)).toMatchObject({ reason: "protocol" });
  });
});

describe("channel sinks", () => {
  test("are not put to work for answers that nobody waits for, nor twice for one call", async () => {
    let undone = 0;
    let finish: () => void = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const slow = {
      name: "slow",
      createSink: () => ({
        outgoing: <T>(payload: T) => payload,
        incoming: async <T>(payload: T) => {
          undone++;
          await finished;
          return payload;
        },
      }),
    };
    const { victim, accept, connection, call } = bound(scene({ channelSinks: [slow] }));
    const result = call(victim.echo(1));
    const { id } = await accept();
    for (let other = 1; other <= 1000; other++) connection().deliver(answer(other, "1"));
    connection().deliver(answer(id, '"first"'), answer(id, '"second"'), answer(id, '"third"'));
    await settled();
    expect(undone).toBe(1);
    finish();
    expect(await result).toBe("first");
  });
});

describe("calls to the client", () => {
  const names = [
    ...Object.getOwnPropertyNames(Object.prototype),
    ...Object.getOwnPropertyNames(Function.prototype),
    ...Object.getOwnPropertyNames(Promise.prototype),
  ];

  test("reach nothing but what was lent, by its own names", async () => {
    const { victim, accept, connection, call } = bound(scene());
    const received: number[] = [];
    const result = call(victim.watch((value) => received.push(value)));
    const { id, body } = await accept();
    const lent = /~[\w-]{22}/.exec(body.toString())?.[0] ?? expect.fail();
    let next = 0;
    for (const name of names) {
      for (const target of [lent, "Victim", "~AAAAAAAAAAAAAAAAAAAAAA", "constructor", ""]) {
        connection().deliver(callFrame(++next, target, name));
        connection().deliver(callFrame(++next, target, name, "[]", flag.construct));
      }
    }
    for (let asked = 1; asked <= next; asked++) await connection().next(kind.fault, asked);
    expect(received).toEqual([]);
    connection().deliver(callFrame(++next, lent, "", "[5]"));
    await connection().next(kind.result, next);
    expect(received).toEqual([5]);
    connection().deliver(answer(id, "1"));
    await result;
  });

  test("beyond maxCallsInFlight are refused, and those that are released twice do no harm", async () => {
    const { victim, accept, connection, call } = bound(scene({ limits: { maxCallsInFlight: 10 } }));
    let release: (value: number) => void = () => {};
    const blocked = new Promise<number>((resolve) => {
      release = resolve;
    });
    const result = call(victim.watch(() => blocked));
    const { id, body: lending } = await accept();
    const lent = /~[\w-]{22}/.exec(lending.toString())?.[0] ?? expect.fail();
    for (let asked = 1; asked <= 11; asked++) connection().deliver(callFrame(asked, lent, "", "[1]"));
    const { body } = await connection().next(kind.fault, 11);
    expect(body.toString()).toContain("maxCallsInFlight");
    release(7);
    for (let asked = 1; asked <= 10; asked++) await connection().next(kind.result, asked);
    const releaseFrame = (lentId: string, count: number) =>
      frame(kind.release, 0, 0, (writer) => {
        writer.writeString(lentId);
        writer.writeVarUint(count);
      });
    connection().deliver(
      releaseFrame("~unknown", 1),
      releaseFrame("Victim", 1),
      releaseFrame(lent, 0xffff_ffff),
      releaseFrame(lent, 0xffff_ffff),
    );
    connection().deliver(callFrame(12, lent, "", "[1]"));
    await connection().next(kind.fault, 12);
    connection().deliver(answer(id, "1"));
    await result;
  });
});

describe("references", () => {
  test("go back over the connection that they came from, whatever they look like: no URL is dialled", async () => {
    let dialled = 0;
    const trap = createServer(() => void dialled++).listen(0, "127.0.0.1");
    await once(trap, "listening");
    onTestFinished(() => void trap.close());
    const url = `tcp://127.0.0.1:${(trap.address() as AddressInfo).port}/Victim`;
    const { victim, accept, connection, call, domain } = bound(scene());
    const result = call(victim.child());
    const { id } = await accept();
    connection().deliver(answer(id, JSON.stringify({ $: [8, url, url] })));
    const child = (await result) as unknown as { echo(value: number): Promise<unknown> };
    expect(domain.registeredChannels.map(({ name }) => name)).toEqual(["scripted"]);
    const asked = call(child.echo(1));
    const { id: childId, body } = await connection().next(kind.call);
    expect(body.toString()).toContain(url);
    connection().deliver(answer(childId, '"from where it came"'));
    expect(await asked).toBe("from where it came");
    await settled();
    expect(dialled).toBe(0);
  });

  test("one id a hundred times, and the client's own id as the server's, are what they say", async () => {
    const { victim, accept, connection, call } = bound(scene());
    const callback = () => 1;
    const watched = call(victim.watch(callback));
    const { id, body: lending } = await accept();
    const lent = /~[\w-]{22}/.exec(lending.toString())?.[0] ?? expect.fail();
    const items = Array.from({ length: 100 }, () => ({ $: [9, lent] }));
    connection().deliver(answer(id, JSON.stringify([...items, { $: [10, lent] }])));
    const values = (await watched) as unknown[];
    expect(new Set(values.slice(0, 100)).size).toBe(1);
    expect(values[0]).not.toBe(callback);
    expect(values[100]).toBe(callback);
  });

  test("signals: as many as this side follows, and no more", async () => {
    const { victim, accept, connection, call } = bound(scene({ limits: { maxReferencesTaken: 10 } }));
    const signals = (count: number, first: number) =>
      JSON.stringify(Array.from({ length: count }, (_, index) => ({ $: [11, first + index, false] })));
    const taken = call(victim.echo(1));
    const { id } = await accept();
    connection().deliver(answer(id, signals(10, 1)));
    const followed = (await taken) as AbortSignal[];
    expect(followed).toHaveLength(10);
    const refused = call(victim.echo(1));
    connection().deliver(answer((await connection().next(kind.call)).id, signals(1, 11)));
    expect(await rejection(refused)).toMatchObject({ limit: "maxReferencesTaken", mayHaveExecuted: true });
    // One that can no longer be aborted makes room.
    connection().deliver(frame(kind.signal, 0, 1), frame(kind.signal, 1, 2));
    expect(followed.map(({ aborted }) => aborted).filter(Boolean)).toHaveLength(1);
    const again = call(victim.echo(1));
    connection().deliver(answer((await connection().next(kind.call)).id, signals(2, 11)));
    expect(await again).toHaveLength(2);
  });
});

describe("storms", () => {
  test("100,000 goings away are one", async () => {
    const { victim, accept, connection, call, events } = bound(scene());
    const result = call(victim.echo(1));
    const { id } = await accept();
    const goAways = Array.from({ length: 1000 }, () => frame(kind.goAway));
    for (let sent = 0; sent < 100; sent++) connection().deliver(...goAways);
    expect(events).toEqual(["draining"]);
    connection().deliver(answer(id, "1"));
    expect(await result).toBe(1);
    expect(await within(patience, connection().whenEnded(), "the client's leaving")).toBe("closed");
  });

  test("a server that goes away each time, without ever closing, is left each time", async () => {
    const { victim, whenConnected, call, connections, connection } = bound(scene());
    for (let round = 1; round <= 50; round++) {
      const result = call(victim.echo(round));
      while (connections.length < round) await new Promise(setImmediate);
      await (await whenConnected()).next(kind.hello);
      connection().deliver(welcome());
      const { id } = await connection().next(kind.call);
      connection().deliver(frame(kind.goAway), answer(id, String(round)));
      expect(await result).toBe(round);
    }
    for (const connection of connections)
      await within(patience, connection.whenEnded(), "the client's leaving");
  });

  test("credit: none for what was not sent, and 100,000 reports of nothing", async () => {
    const { victim, whenConnected, connection, call } = bound(scene());
    const small = call(victim.echo("x"));
    await (await whenConnected()).next(kind.hello);
    connection().deliver(welcome({ features: 1, maxPayloadBytes: 16 * 1024 * 1024 }));
    connection().deliver(answer((await connection().next(kind.call)).id, "1"));
    await small;
    const credit = (bytes: number) => frame(kind.credit, 0, 0, (writer) => writer.writeVarUint(bytes));
    const result = call(victim.echo("x".repeat(3 * 1024 * 1024)));
    await connection().next(kind.segments);
    const sent = () => connection().sent.filter((one) => one.kind === kind.fragment).length;
    const before = sent();
    const reports = Array.from({ length: 1000 }, () => credit(0));
    for (let times = 0; times < 100; times++) connection().deliver(...reports);
    expect(sent()).toBe(before);
    connection().deliver(credit(0xffff_ffff));
    expect(await rejection(result)).toMatchObject({ reason: "protocol", mayHaveExecuted: true });
  });
});

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => expect.fail(`resolved with ${String(value)}`),
    (error: unknown) => error,
  );
}

/** The parts of a scene, as functions that can be taken out of it. */
function bound(of: Scene) {
  return {
    domain: of.domain,
    victim: of.victim,
    events: of.events,
    connections: of.connections,
    connection: () => of.connection,
    call: <T>(promise: PromiseLike<T>) => of.call(promise),
    whenConnected: () => of.whenConnected(),
    accept: () => of.accept(),
  };
}
