/** What a session sends, and starts, when its peer is slow: credit, queues and their bounds, against a scripted peer. */
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import {
  type ChannelOptions,
  jsonFormatter,
  MarshalByRefObject,
  RemotingDomain,
  Singleton,
  transportChannel,
} from "../../../src/index.ts";
import { kind } from "../../protocol-numbers.ts";
import { frame, type ScriptedConnection, ScriptedTransport } from "./scripted-connection.ts";

const inSegments = 0x20;
const ofReturn = 0x01;
const reportFlag = 0x02;
const creditFeature = 0x01;
const promptFeature = 0x04;
const limitExceeded = 6;
const fragmentSize = 65_408;
const localFragment = 48 * 1024;
const initialCredit = 2 * 1024 * 1024;
/** When a receiver reports at the latest, and when for a sender that asks for it. */
const latestReport = 256 * 1024;
const promptReport = 16 * 1024;

const started: string[] = [];
const lateResults: (() => void)[] = [];

@Singleton("Source")
class Source extends MarshalByRefObject {
  bytes(length: number): Buffer {
    return Buffer.alloc(length, 1);
  }

  late(length: number): Promise<Buffer> {
    return new Promise((resolve) => lateResults.push(() => resolve(Buffer.alloc(length, 2))));
  }

  note(text: string): string {
    started.push(text);
    return text;
  }

  measure(bytes: Buffer): number {
    return bytes.length;
  }
}

afterEach(() => {
  started.length = 0;
  lateResults.length = 0;
});

function hello(features: number) {
  return frame(kind.hello, 0, 0, (writer) => {
    writer.writeUint32(0x524d5447);
    writer.writeUint8(1);
    writer.writeUint8(0);
    writer.writeUint32(features);
    writer.writeUint32(64 * 1024 * 1024);
    writer.writeString("json");
    writer.writeVarUint(0);
  });
}

function call(id: number, method: string, argument: unknown) {
  return frame(kind.call, 0, id, (writer) => {
    writer.writeVarUint(0);
    writer.writeString("Source");
    writer.writeString(method);
    writer.writeBytes(Buffer.from(JSON.stringify([argument])));
  });
}

function credit(bytes: number, flags: number = ofReturn) {
  return frame(kind.credit, flags, 0, (writer) => writer.writeVarUint(bytes));
}

const errors: unknown[] = [];

async function listen(limits: ChannelOptions["limits"] = {}, domainLimits: ChannelOptions["limits"] = {}) {
  const transport = new ScriptedTransport();
  const domain = new RemotingDomain({ closeGrace: 0, limits: domainLimits });
  onTestFinished(() => domain.close());
  errors.length = 0;
  domain.on("unobservedError", (error) => errors.push(error));
  domain.registerChannel(transportChannel(transport, { formatter: jsonFormatter(), limits }));
  await domain.serve("scripted://here", [Source]);
  return { transport, domain };
}

async function open(features: number, limits?: ChannelOptions["limits"], isLocal = false) {
  const { transport, domain } = await listen(limits);
  const connection = transport.accept(isLocal);
  connection.deliver(hello(features));
  await connection.next(kind.welcome);
  const disconnected: string[] = [];
  domain.on("disconnected", (_peer, error) => disconnected.push(String(error)));
  return { connection, disconnected };
}

function fragmentBytes({ sent }: ScriptedConnection): number {
  return sent.filter((one) => one.kind === kind.fragment).reduce((sum, { body }) => sum + body.length, 0);
}

/** Lets everything happen that is going to happen without the peer. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("credit", () => {
  test("no more than the credit is under way; a report lets more through", async () => {
    const { connection } = await open(creditFeature);
    connection.deliver(call(1, "bytes", 5 * 1024 * 1024));
    await settled();
    expect(fragmentBytes(connection)).toBeGreaterThanOrEqual(initialCredit);
    expect(fragmentBytes(connection)).toBeLessThan(initialCredit + fragmentSize);

    const before = fragmentBytes(connection);
    connection.deliver(credit(512 * 1024));
    await settled();
    expect(fragmentBytes(connection) - before).toBeGreaterThanOrEqual(512 * 1024 - fragmentSize);
    expect(fragmentBytes(connection) - before).toBeLessThanOrEqual(512 * 1024);
    let granted = 512 * 1024;
    while (granted < 5 * 1024 * 1024) {
      const more = Math.min(initialCredit, fragmentBytes(connection) - granted);
      if (more === 0) break;
      connection.deliver(credit(more));
      granted += more;
      await settled();
    }
    expect(fragmentBytes(connection)).toBeGreaterThanOrEqual(5 * 1024 * 1024);
  });

  test.each([
    ["that reports as it likes", creditFeature, true],
    ["that is far away", creditFeature | promptFeature, false],
  ])(
    "what is small goes past it; after that, to a peer %s, a quarter of it is used until 2 MiB are reported",
    async (_who, features, isLocal) => {
      const { connection } = await open(features, {}, isLocal);
      connection.deliver(call(1, "bytes", 9 * 1024 * 1024));
      await settled();
      connection.deliver(call(2, "note", "small"));
      expect((await connection.next(kind.result, 2)).body.toString()).toBe('"small"');

      const report = 128 * 1024;
      let reported = 0;
      const underWay = () => fragmentBytes(connection) - reported;
      while (reported < initialCredit - report) {
        connection.deliver(credit(report));
        reported += report;
        await settled();
        const allowed = Math.max(initialCredit - reported, initialCredit / 4);
        expect(underWay()).toBeGreaterThan(initialCredit / 4 - fragmentSize);
        expect(underWay()).toBeLessThan(allowed + fragmentSize);
      }
      connection.deliver(credit(report));
      reported += report;
      await settled();
      expect(underWay()).toBeGreaterThanOrEqual(initialCredit);
      expect(underWay()).toBeLessThan(initialCredit + fragmentSize);
    },
  );

  test("to a peer on this machine that reports promptly little is under way beside what is small", async () => {
    const { connection } = await open(creditFeature | promptFeature, {}, true);
    connection.deliver(call(1, "bytes", 100_000));
    await settled();
    connection.deliver(credit(fragmentBytes(connection)), call(2, "note", "small"));
    await connection.next(kind.result, 2);
    connection.sent.length = 0;
    connection.deliver(call(3, "bytes", 9 * 1024 * 1024));
    await settled();
    let reported = 0;
    while (reported < initialCredit) {
      const fragments = connection.sent.splice(0).filter((one) => one.kind === kind.fragment);
      expect(fragments.length).toBeGreaterThan(0);
      let underWay = 0;
      for (const { flags, body } of fragments) {
        expect(flags).toBe(ofReturn | reportFlag);
        underWay += body.length;
      }
      // One begun when less than one was under way.
      expect(underWay).toBeLessThan(2 * localFragment);
      connection.deliver(credit(underWay));
      reported += underWay;
      await settled();
    }
    // Nothing small has come for so long that nothing waits any more.
    expect(fragmentBytes(connection)).toBeGreaterThanOrEqual(initialCredit);
    expect(connection.sent.filter((one) => (one.flags & reportFlag) !== 0)).toEqual([]);
  });

  test("no receiver that reports as late as it may brings the sender to a halt, whenever something small comes", async () => {
    // What is small comes before all credit is used again, after that, and at every place in between; the last fragments
    // of payloads are smaller than what is reported.
    const record = 16 * 1024;
    const sizes = Array.from({ length: 60 }, (_, index) => 99_000 + index * 250);
    for (let every = 3; every < 120; every += 3) {
      const { connection } = await open(creditFeature | promptFeature, {}, true);
      let notReported = 0;
      let fragments = 0;
      for (const [index, size] of sizes.entries()) {
        connection.deliver(call(index + 1, "bytes", size));
        // One fragment after the other, as they come over a wire.
        for (let arrived = 0; arrived < size; ) {
          await new Promise((resolve) => setImmediate(resolve));
          const at = connection.sent.findIndex((one) => one.kind === kind.fragment);
          const [fragment] = at < 0 ? [] : connection.sent.splice(at, 1);
          if (fragment === undefined) expect.fail(`${arrived} of ${size} bytes, ${notReported} not reported`);
          const most = (fragment.flags & reportFlag) === 0 ? latestReport : promptReport;
          // In pieces, as within records of TLS: what is reported of the first lets the next fragment go.
          for (let taken = 0; taken < fragment.body.length; taken += record) {
            notReported += Math.min(record, fragment.body.length - taken);
            if (notReported < most) continue;
            connection.deliver(credit(notReported));
            notReported = 0;
          }
          arrived += fragment.body.length;
          if (++fragments % every === 0) connection.deliver(call(1000 + fragments, "note", "small"));
        }
      }
    }
  });

  test.each([
    ["nothing", undefined, fragmentSize],
    ["1,000 bytes", 1000, 1000],
    ["the most", 262_134, 262_134],
    ["more than the peer takes", 1_000_000, 262_134],
    ["none at all", 0, 1],
  ])("a transport that asks for %s in a fragment gets that, within bounds", async (_what, asked, size) => {
    const { transport } = await listen();
    const connection = transport.accept();
    connection.fragmentSize = asked;
    connection.deliver(hello(creditFeature));
    await connection.next(kind.welcome);
    const total = size === 1 ? 70_000 : 700_000;
    connection.deliver(call(1, "bytes", total));
    await settled();
    const sizes = connection.sent.filter((one) => one.kind === kind.fragment).map(({ body }) => body.length);
    expect(Math.max(...sizes.slice(0, 1000))).toBe(size);
    expect(fragmentBytes(connection)).toBeGreaterThanOrEqual(total);
  });

  test("calls have credit of their own: reports of the one are none of the other", async () => {
    const { connection } = await open(creditFeature);
    connection.deliver(call(1, "bytes", 5 * 1024 * 1024));
    await settled();
    const before = fragmentBytes(connection);
    connection.deliver(credit(0, 0));
    await settled();
    expect(fragmentBytes(connection)).toBe(before);
  });

  test("a peer that never agreed to it is not held back", async () => {
    const { connection } = await open(0);
    connection.deliver(call(1, "bytes", 5 * 1024 * 1024));
    await settled();
    expect(fragmentBytes(connection)).toBeGreaterThanOrEqual(5 * 1024 * 1024);
  });

  test("credit for more than was sent ends the connection", async () => {
    const { connection, disconnected } = await open(creditFeature);
    connection.deliver(call(1, "bytes", 1024 * 1024));
    await settled();
    connection.deliver(credit(8 * 1024 * 1024));
    expect(await connection.whenEnded()).toBe("destroyed");
    expect(disconnected.join()).toContain("gave credit for more than was sent");
  });

  test.each([
    ["before the sender has to wait", 0, initialCredit / 8],
    ["at once, if the sender asks for it", reportFlag, promptReport],
  ])("what has been taken is reported %s", async (_when, fragmentFlags, most) => {
    const { connection } = await open(creditFeature);
    const length = 3 * 1024 * 1024;
    const args = Buffer.from(JSON.stringify(["x".repeat(length - 4)]));
    connection.deliver(
      frame(kind.call, inSegments, 1, (writer) => {
        writer.writeVarUint(0);
        writer.writeString("Source");
        writer.writeString("measure");
      }),
      frame(kind.segments, 0, 1, (writer) => {
        writer.writeVarUint(1);
        writer.writeVarUint(args.length);
      }),
    );
    let reported = 0;
    for (let sent = 0; sent < args.length; sent += fragmentSize) {
      const piece = args.subarray(sent, sent + fragmentSize);
      connection.deliver(frame(kind.fragment, fragmentFlags, 1, (writer) => writer.writeBytes(piece)));
      await settled();
      for (const { body, flags } of connection.sent.splice(0).filter((one) => one.kind === kind.credit)) {
        expect(flags).toBe(0);
        let bytes = 0;
        for (const [index, byte] of body.entries()) bytes += (byte & 0x7f) * 128 ** index;
        reported += bytes;
      }
      expect(sent + piece.length - reported).toBeLessThanOrEqual(most);
    }
  });
});

describe("a peer that does not read", () => {
  test("its calls wait while more than maxQueuedBytes waits for it, and start in order when it has read", async () => {
    const limits = { maxQueuedBytes: 1000 };
    const { connection } = await open(0, limits);
    connection.queuedBytes = 1000;
    connection.deliver(call(1, "note", "at the limit"));
    await settled();
    connection.queuedBytes = 1001;
    connection.deliver(call(2, "note", "makes it known"));
    await settled();
    expect(started).toEqual(["at the limit", "makes it known"]);

    connection.deliver(call(3, "note", "first"), call(4, "note", "second"));
    connection.deliver(call(5, "note", "cancelled"), frame(kind.cancel, 0, 5));
    await settled();
    expect(started).toHaveLength(2);

    connection.queuedBytes = 1000;
    connection.handler?.onDrain();
    await connection.next(kind.result, 4);
    expect(started.slice(2)).toEqual(["first", "second"]);
  });

  test("calls that wait have a slot, and no more than maxCallsInFlight of them are kept", async () => {
    const { connection } = await open(0, { maxQueuedBytes: 1000, maxCallsInFlight: 3 });
    connection.queuedBytes = 2000;
    connection.deliver(frame(kind.ping));
    await connection.next(kind.pong);
    for (const id of [1, 2, 3, 4]) connection.deliver(call(id, "note", id));
    const { body } = await connection.next(kind.fault, 4);
    expect(body[0]).toBe(limitExceeded);
    expect(started).toEqual([]);
  });

  test("a call whose time is over before it could be started is not run", async () => {
    const { connection } = await open(0, { maxQueuedBytes: 1000 });
    connection.queuedBytes = 2000;
    connection.deliver(frame(kind.ping));
    await connection.next(kind.pong);
    const deadline = 0x04;
    connection.deliver(
      frame(kind.call, deadline, 7, (writer) => {
        writer.writeVarUint(0);
        writer.writeString("Source");
        writer.writeString("note");
        writer.writeUint32(1);
        writer.writeBytes(Buffer.from('["late"]'));
      }),
    );
    const later = performance.now() + 60_000;
    vi.spyOn(performance, "now").mockReturnValue(later);
    onTestFinished(() => void vi.restoreAllMocks());
    connection.queuedBytes = 0;
    connection.handler?.onDrain();
    const { body } = await connection.next(kind.fault, 7);
    expect(body[1]).toBe(0);
    expect(started).toEqual([]);
  });

  test("a result beyond four times maxQueuedBytes fails its call, and the connection goes on", async () => {
    const { connection } = await open(0, { maxQueuedBytes: 100_000 });
    connection.deliver(call(1, "late", 300_000), call(2, "late", 200_000), call(3, "late", 100));
    await vi.waitFor(() => expect(lateResults).toHaveLength(3), { timeout: 30_000 });
    // Nothing leaves any more: whatever is sent waits.
    const send = connection.send.bind(connection);
    connection.send = (memory, length, release, tail) => {
      connection.queuedBytes += length + (tail?.length ?? 0);
      send(memory, length, release, tail);
    };
    connection.queuedBytes = 100_000;
    for (const finish of lateResults) finish();
    const { body } = await connection.next(kind.fault, 2);
    expect(body[0]).toBe(limitExceeded);
    expect(body[1]).toBe(1);
    expect(body.toString()).toContain("maxQueuedBytes");
    await connection.next(kind.result, 3);
    expect(connection.ended).toBeUndefined();
  });

  test("one for which even small frames pile up is given up", async () => {
    const { connection, disconnected } = await open(0, { maxQueuedBytes: 1000 });
    connection.queuedBytes = 5000;
    connection.deliver(frame(kind.ping));
    await connection.next(kind.pong);
    expect(connection.ended).toBeUndefined();
    connection.queuedBytes = 5001;
    connection.deliver(frame(kind.ping));
    expect(await connection.whenEnded()).toBe("destroyed");
    expect(disconnected.join()).toContain("maxQueuedBytes");
  });

  test("a flood of pings gets one answer for each message", async () => {
    const { connection } = await open(0);
    connection.deliver(...Array.from({ length: 5000 }, (_, id) => frame(kind.ping, 0, id)));
    await connection.next(kind.pong, 4999);
    expect(connection.sent.filter((one) => one.kind === kind.pong)).toEqual([]);
  });
});

describe("a call in fragments that is cancelled", () => {
  test("is not run, and its memory is free for others at once", async () => {
    const { connection } = await open(0, { maxReassemblyBytes: 1000, maxPayloadBytes: 1000 });
    const begin = (id: number) => [
      frame(kind.call, inSegments, id, (writer) => {
        writer.writeVarUint(0);
        writer.writeString("Source");
        writer.writeString("note");
      }),
      frame(kind.segments, 0, id, (writer) => {
        writer.writeVarUint(1);
        writer.writeVarUint(1000);
      }),
    ];
    const text = JSON.stringify(["y".repeat(996)]);
    connection.deliver(...begin(1), frame(kind.cancel, 0, 1), ...begin(2));
    connection.deliver(frame(kind.fragment, 0, 2, (writer) => writer.writeBytes(Buffer.from(text))));
    await connection.next(kind.result, 2);
    connection.deliver(frame(kind.fragment, 0, 1, (writer) => writer.writeBytes(Buffer.from(text))));
    await connection.next(kind.fault, 1);
    expect(started).toHaveLength(1);
  });
});

describe("connections", () => {
  test("one beyond maxConnections is told so; when one has gone, another is taken", async () => {
    const { transport } = await listen({ maxConnections: 2 });
    const welcomed = async () => {
      const connection = transport.accept();
      connection.deliver(hello(0));
      await connection.next(kind.welcome);
      return connection;
    };
    const first = await welcomed();
    await welcomed();
    const third = transport.accept();
    const { body } = await third.next(kind.refuse);
    expect(body.toString()).toContain("maxConnections");
    expect(await third.whenEnded()).toBe("closed");
    first.destroy();
    await first.whenEnded();
    await settled();
    await welcomed();
  });

  test("silent strangers keep nobody out: a further one takes the place of the oldest", async () => {
    const { transport } = await listen({ maxHandshakes: 3 });
    const strangers = [transport.accept(), transport.accept(), transport.accept()];
    expect(strangers.map(({ ended }) => ended)).toEqual([undefined, undefined, undefined]);
    const late = transport.accept();
    const { body } = (await strangers[0]?.next(kind.refuse)) ?? expect.fail();
    expect(body.toString()).toContain("maxHandshakes");
    expect(strangers[1]?.ended).toBeUndefined();
    late.deliver(hello(0));
    await late.next(kind.welcome);
    // Those that are through do not count.
    const another = transport.accept();
    await settled();
    expect(strangers[1]?.ended).toBeUndefined();
    another.deliver(hello(0));
    await another.next(kind.welcome);
  });

  test("a domain's limits hold for its channels, unless a channel has its own", async () => {
    const { transport } = await listen({}, { maxConnections: 0 });
    expect((await transport.accept().next(kind.refuse)).body.toString()).toContain("maxConnections");
    const other = await listen({ maxConnections: 1 }, { maxConnections: 0 });
    const connection = other.transport.accept();
    connection.deliver(hello(0));
    await connection.next(kind.welcome);
  });
});
