/** What callers may make a server keep: calls that cannot begin yet, payloads that are not complete, results not read. */
import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  type ChannelOptions,
  type DomainLimits,
  jsonFormatter,
  MarshalByRefObject,
  RemotingDomain,
  Singleton,
  transportChannel,
} from "../../../src/index.ts";
import { type ChannelSinkProvider, type Payload, SerializationError } from "../../../src/spi.ts";
import { kind } from "../../protocol-numbers.ts";
import { frame, type ScriptedConnection, ScriptedTransport } from "./scripted-connection.ts";

const inSegments = 0x20;
const withAttachments = 0x40;
const limitExceeded = 6;
const mebibyte = 1024 * 1024;

let running = 0;
let gates: (() => void)[] = [];

@Singleton("Host")
class Host extends MarshalByRefObject {
  async block(): Promise<void> {
    running++;
    await new Promise<void>((resolve) => gates.push(resolve));
    running--;
  }

  bytes(length: number): Buffer {
    return Buffer.alloc(length, 1);
  }

  text(length: number): string {
    return "x".repeat(length);
  }

  late(length: number): Promise<string> {
    return new Promise((resolve) => gates.push(() => resolve("x".repeat(length))));
  }

  echo(value: unknown): unknown {
    return value;
  }

  fail(): never {
    throw Object.assign(new Error("on purpose"), { deep: { deeper: {} } });
  }
}

async function listen(options: ChannelOptions = {}, limits: Partial<DomainLimits> = {}) {
  running = 0;
  gates = [];
  const transport = new ScriptedTransport();
  const domain = new RemotingDomain({ closeGrace: 0, limits });
  onTestFinished(async () => {
    for (const open of gates) open();
    await domain.close();
  });
  const disconnected: string[] = [];
  domain.on("disconnected", (_peer, error) => disconnected.push(String(error)));
  domain.on("unobservedError", () => {});
  domain.registerChannel(transportChannel(transport, { formatter: jsonFormatter(), ...options }));
  await domain.serve("scripted://here", [Host]);
  const sinks = options.channelSinks ?? [];
  const open = async (): Promise<ScriptedConnection> => {
    const connection = transport.accept();
    connection.deliver(
      frame(kind.hello, 0, 0, (writer) => {
        writer.writeUint32(0x524d5447);
        writer.writeUint8(1);
        writer.writeUint8(0);
        writer.writeUint32(0);
        writer.writeUint32(64 * mebibyte);
        writer.writeString("json");
        writer.writeVarUint(sinks.length);
        for (const { name } of sinks) writer.writeString(name);
      }),
    );
    await connection.next(kind.welcome);
    return connection;
  };
  return { open, disconnected };
}

function call(id: number, method: string, args: string, flags = 0): Buffer {
  return frame(kind.call, flags, id, (writer) => {
    writer.writeVarUint(0);
    writer.writeString("Host");
    writer.writeString(method);
    writer.writeBytes(Buffer.from(args, "latin1"));
  });
}

function segments(id: number, ...lengths: readonly number[]): Buffer {
  return frame(kind.segments, 0, id, (writer) => {
    writer.writeVarUint(lengths.length);
    for (const length of lengths) writer.writeVarUint(length);
  });
}

function fragment(id: number, length: number): Buffer {
  return frame(kind.fragment, 0, id, (writer) => writer.writeBytes(Buffer.alloc(length, 0x20)));
}

/** A sink that keeps what comes until it is told to let it through, and may make it larger. */
function holdingSink(unpack = (payload: Payload) => payload) {
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const provider: ChannelSinkProvider = {
    name: "holding",
    createSink: () => ({
      outgoing: (payload) => payload,
      async incoming(payload) {
        await Promise.resolve();
        const unpacked = unpack(payload);
        await released;
        return unpacked;
      },
    }),
  };
  return { provider, release };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("calls that cannot begin yet", () => {
  test("have ids of their own: maxCallsInFlight cannot be passed by giving all of them the same", async () => {
    const { provider, release } = holdingSink();
    const { open, disconnected } = await listen({ channelSinks: [provider] });
    const connection = await open();
    connection.deliver(call(1, "block", "[]"));
    await settled();
    connection.deliver(call(1, "block", "[]"));
    expect(await connection.whenEnded()).toBe("destroyed");
    expect(disconnected.join()).toContain("two calls have the id 1");
    release();
    await settled();
    expect(running).toBe(0);
  });

  test("have them while they wait for their caller to read, too", async () => {
    const { open, disconnected } = await listen({ limits: { maxQueuedBytes: 100 } });
    const connection = await open();
    connection.queuedBytes = 200;
    connection.deliver(frame(kind.ping));
    await settled();
    connection.deliver(call(1, "block", "[]"), call(1, "block", "[]"));
    expect(await connection.whenEnded()).toBe("destroyed");
    expect(disconnected.join()).toContain("two calls have the id 1");
  });

  test("an id is free again when its call was cancelled there", async () => {
    const { open } = await listen({ limits: { maxQueuedBytes: 100 } });
    const connection = await open();
    connection.queuedBytes = 200;
    connection.deliver(frame(kind.ping));
    await settled();
    connection.deliver(call(1, "block", "[]"), frame(kind.cancel, 0, 1), call(1, "echo", '["again"]'));
    connection.queuedBytes = 0;
    connection.handler?.onDrain();
    expect((await connection.next(kind.result, 1)).body.toString()).toBe('"again"');
    expect(running).toBe(0);
  });

  test("keep no more than maxReassemblyBytes of arguments, in sinks as in the queue", async () => {
    const { provider, release } = holdingSink();
    const { open } = await listen({ channelSinks: [provider], limits: { maxReassemblyBytes: 101_000 } });
    const connection = await open();
    const args = JSON.stringify(["y".repeat(50_000)]);
    for (const id of [1, 2, 3]) connection.deliver(call(id, "echo", args));
    await settled();
    expect(connection.sent).toEqual([]);
    connection.deliver(call(4, "echo", args));
    const { body } = await connection.next(kind.fault, 4);
    expect(body[0]).toBe(limitExceeded);
    expect(body[1]).toBe(0);
    expect(body.toString()).toContain("maxReassemblyBytes");
    release();
    for (const id of [1, 2, 3]) await connection.next(kind.result, id);
    connection.deliver(call(5, "echo", args));
    await connection.next(kind.result, 5);
  });

  test("maxArgumentBytes bounds those of methods that run: at N−1, N and N+1, binaries included, until they end", async () => {
    const { open } = await listen({ limits: { maxArgumentBytes: 1000 } });
    const connection = await open();
    const args = (length: number) => JSON.stringify(["x".repeat(length - 4)]);
    const refusal = async (id: number) => {
      const { body } = await connection.next(kind.fault, id);
      expect([body[0], body[1]]).toEqual([limitExceeded, 0]);
      expect(body.toString()).toContain("maxArgumentBytes");
    };
    connection.deliver(call(1, "echo", args(1001)));
    await refusal(1);
    connection.deliver(call(2, "echo", args(1000)));
    await connection.next(kind.result, 2);
    // A binary of 100 bytes beside "[]", and its number and length, which are no argument.
    const table = Buffer.alloc(8);
    table.writeUInt32BE(1, 0);
    table.writeUInt32BE(100, 4);
    connection.deliver(
      call(3, "block", args(500)),
      call(4, "block", `${table.toString("latin1")}[]${"\0".repeat(100)}`, withAttachments),
    );
    await settled();
    expect(running).toBe(2);
    connection.deliver(call(5, "echo", args(399)));
    await refusal(5);
    connection.deliver(call(6, "echo", args(398)), call(7, "block", args(397)));
    await connection.next(kind.result, 6);
    connection.deliver(call(8, "echo", "[]"));
    await refusal(8);
    gates.shift()?.();
    await connection.next(kind.result, 3);
    connection.deliver(call(9, "echo", args(501)), call(10, "echo", args(502)));
    await connection.next(kind.result, 9);
    await refusal(10);
  });

  test("what sinks have made of them counts: bombs behind a call that takes its time", async () => {
    let unpacked = 0;
    const { provider, release } = holdingSink((payload) => {
      unpacked++;
      return { ...payload, body: Buffer.alloc(60_000, 0x20) };
    });
    const { open } = await listen({ channelSinks: [provider], limits: { maxReassemblyBytes: 100_000 } });
    const connection = await open();
    for (let id = 1; id <= 50; id++) connection.deliver(call(id, "echo", "[]"));
    await settled();
    expect(unpacked).toBe(50);
    release();
    await settled();
    const refused = connection.sent.filter((one) => one.kind === kind.fault && one.body[0] === limitExceeded);
    expect(refused.length).toBeGreaterThanOrEqual(47);
  });

  test("what sinks have made of them at once counts too, behind a call that takes its time", async () => {
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let calls = 0;
    const provider: ChannelSinkProvider = {
      name: "unpacking",
      createSink: () => ({
        outgoing: (payload) => payload,
        incoming(payload) {
          if (++calls === 1) return released.then(() => payload);
          return { ...payload, body: Buffer.alloc(60_000, 0x20) };
        },
      }),
    };
    const { open } = await listen({ channelSinks: [provider], limits: { maxReassemblyBytes: 100_000 } });
    const connection = await open();
    for (let id = 1; id <= 10; id++) connection.deliver(call(id, "echo", "[]"));
    await settled();
    release();
    await settled();
    const refused = connection.sent.filter((one) => one.kind === kind.fault && one.body[0] === limitExceeded);
    // The first comes out of the sink when there is too much already.
    expect(refused.map(({ id }) => id)).toEqual([4, 5, 6, 7, 8, 9, 10, 1]);
  });

  test("empty binaries count for what they cost", async () => {
    const { open } = await listen({ limits: { maxQueuedBytes: 100, maxReassemblyBytes: 1_000_000 } });
    const connection = await open();
    connection.queuedBytes = 200;
    connection.deliver(frame(kind.ping));
    await settled();
    const count = 15_000;
    const table = Buffer.alloc(4 * (count + 1));
    table.writeUInt32BE(count, 0);
    const args = `${table.toString("latin1")}[]`;
    connection.deliver(call(1, "echo", args, withAttachments));
    connection.deliver(call(2, "echo", args, withAttachments));
    expect((await connection.next(kind.fault, 2)).body.toString()).toContain("maxReassemblyBytes");
  });
});

describe("payloads that are not complete", () => {
  test("a frame whose payload follows is small itself", async () => {
    const { open, disconnected } = await listen();
    const connection = await open();
    connection.deliver(call(1, "echo", "x".repeat(30_000), inSegments));
    expect(connection.ended).toBeUndefined();
    connection.deliver(call(2, "echo", "x".repeat(40_000), inSegments));
    expect(await connection.whenEnded()).toBe("destroyed");
    expect(disconnected.join()).toContain("bytes of its own");
  });

  test("tens of thousands of tiny segments count for what they cost", async () => {
    const { open } = await listen({ limits: { maxReassemblyBytes: 8 * mebibyte } });
    const connection = await open();
    const many = Array.from({ length: 60_000 }, () => 1);
    connection.deliver(call(1, "echo", "", inSegments), segments(1, ...many));
    connection.deliver(fragment(1, 60_000));
    const { body } = await connection.next(kind.fault, 1);
    expect(body.toString()).toContain("maxReassemblyBytes");
  });

  test("maxTotalReassemblyBytes bounds what has come from all peers: at N, at N+1, and when a peer is gone", async () => {
    const { open } = await listen({}, { maxTotalReassemblyBytes: 100_000 });
    const [first, second, third] = [await open(), await open(), await open()];
    const begin = (length: number) => [call(1, "text", "", inSegments), segments(1, length)];
    first.deliver(...begin(60_001));
    second.deliver(...begin(60_000));
    first.deliver(fragment(1, 60_000));
    second.deliver(fragment(1, 40_000));
    third.deliver(...begin(1));
    third.deliver(fragment(1, 1));
    const { body } = await third.next(kind.fault, 1);
    expect(body[0]).toBe(limitExceeded);
    expect(body.toString()).toContain("maxTotalReassemblyBytes");
    first.destroy();
    await settled();
    // There is room again, and the second is what it was before.
    second.deliver(fragment(1, 20_000));
    expect((await second.next(kind.fault, 1)).body.toString()).not.toContain("maxTotalReassemblyBytes");
    third.deliver(call(2, "text", "", inSegments), segments(2, 60_000));
    third.deliver(fragment(2, 60_000));
    expect((await third.next(kind.fault, 2)).body.toString()).not.toContain("maxTotalReassemblyBytes");
  });
});

describe("results that nobody reads", () => {
  /** From now on nothing leaves: what is sent waits. */
  function stall(connection: ScriptedConnection): void {
    const send = connection.send.bind(connection);
    connection.send = (memory, length, release, tail) => {
      connection.queuedBytes += length + (tail?.length ?? 0);
      send(memory, length, release, tail);
    };
  }

  test("maxTotalQueuedBytes: while more waits for all, calls of those who are behind wait, and others do not notice", async () => {
    const { open } = await listen({}, { maxTotalQueuedBytes: 100_000 });
    const [slow, other, good] = [await open(), await open(), await open()];
    stall(slow);
    stall(other);
    other.deliver(call(1, "echo", "[1]"));
    await other.next(kind.result, 1);
    slow.deliver(call(1, "late", "[60000]"), call(2, "late", "[60000]"), call(3, "late", "[60000]"));
    slow.deliver(call(4, "late", "[500]"));
    await vi.waitFor(() => expect(gates).toHaveLength(4), { timeout: 30_000 });
    for (const open of gates) open();
    await slow.next(kind.result, 1);
    await settled();
    // The second was begun when there was room; the third finds none, and something small always has some.
    expect(slow.sent.map((one) => [one.id, one.kind])).toEqual([
      [2, kind.result],
      [3, kind.fault],
      [4, kind.result],
    ]);
    expect(slow.sent[1]?.body.toString()).toContain("maxTotalQueuedBytes");
    expect(slow.sent[1]?.body[1]).toBe(1);

    other.deliver(frame(kind.ping), call(2, "echo", "[2]"));
    await settled();
    other.deliver(call(3, "echo", "[3]"));
    await settled();
    expect(other.sent.some((one) => one.kind === kind.result && one.id === 3)).toBe(false);
    good.deliver(call(1, "text", "[50000]"));
    await good.next(kind.result, 1);

    slow.destroy();
    await settled();
    other.queuedBytes = 0;
    other.handler?.onDrain();
    await other.next(kind.result, 3);
  });

  test("beyond a quarter more, those for which much waits are given up", async () => {
    const { open, disconnected } = await listen({}, { maxTotalQueuedBytes: 100_000 });
    const [slow, good] = [await open(), await open()];
    slow.queuedBytes = 130_000;
    good.queuedBytes = 100;
    good.deliver(frame(kind.ping));
    slow.deliver(frame(kind.ping));
    expect(await slow.whenEnded()).toBe("destroyed");
    expect(disconnected.join()).toContain("maxTotalQueuedBytes");
    good.deliver(frame(kind.ping));
    await settled();
    expect(good.ended).toBeUndefined();
  });
});

describe("an error that cannot travel", () => {
  test("because nothing may nest, is a fault and not a loop", async () => {
    const { open } = await listen({ limits: { maxDepth: 1 } });
    const connection = await open();
    connection.deliver(call(1, "fail", "[]"));
    const { body } = await connection.next(kind.fault, 1);
    expect(body[1]).toBe(1);
    expect(body.toString()).toContain("nested deeper than 1");
  });

  test("because a channel sink refuses all that is sent, is one too", async () => {
    const refusing: ChannelSinkProvider = {
      name: "refusing",
      createSink: () => ({
        outgoing: () => {
          throw new SerializationError("refused by the sink");
        },
        incoming: (payload) => payload,
      }),
    };
    const { open } = await listen({ channelSinks: [refusing] });
    const connection = await open();
    connection.deliver(call(1, "fail", "[]"));
    expect((await connection.next(kind.fault, 1)).body.toString()).toContain("refused by the sink");
  });
});
