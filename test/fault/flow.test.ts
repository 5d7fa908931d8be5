/**
 * Flow between real sockets: both sides full, small calls beside large ones, peers that stall or do not read, frames by
 * the million. What is demanded is said in bytes and counts, so that it holds on a slow machine too; times are printed.
 */
import {
  AbortError,
  LimitExceededError,
  MarshalByRefObject,
  type Remote,
  RemotingDomain,
  Singleton,
  tcpChannel,
  transportChannel,
} from "remoting";
import { type Connection, messageHeadroom } from "remoting/spi";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { TcpTransport } from "../../src/transports/tcp/tcp-transport.ts";
import { Target } from "./contract.ts";
import { printFigures } from "./figures.ts";
import {
  call,
  fragment,
  frame,
  kind,
  message,
  packedArray,
  packedNumber,
  segmentedCall,
  segments,
} from "./frames.ts";
import { FuzzLink } from "./fuzz/fuzz-socket.ts";
import { GoodClient } from "./good-client.ts";
import { overheard } from "./overheard.ts";
import { RawPeer } from "./raw-peer.ts";
import { Journal, ServerProcess } from "./server-process.ts";
import { within } from "./within.ts";

const mebibyte = 1024 * 1024;
/** The fragments that are sent within a machine beside small calls. */
const localFragment = 48 * 1024;

@Singleton("Mirror")
class Mirror extends MarshalByRefObject {
  echo(value: unknown): unknown {
    return value;
  }

  async through(
    bytes: Uint8Array,
    callback: (bytes: Uint8Array) => Promise<Uint8Array>,
  ): Promise<Uint8Array> {
    return await callback(bytes);
  }
}

/** That of which `part` are below: for 0.99 the 99th of a hundred, the 990th of a thousand. */
function percentile(times: readonly number[], part: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * part)] ?? Number.NaN;
}

describe("both sides at their limit, calling each other back", () => {
  const limit = 16;

  async function open(size: number) {
    const limits = { maxCallsInFlight: limit };
    const server = new RemotingDomain({ closeGrace: 0, limits });
    const client = new RemotingDomain({ closeGrace: 0, limits });
    onTestFinished(async () => {
      await client.close();
      await server.close();
    });
    const host = await server.serve("tcp://127.0.0.1:0", [Mirror]);
    const mirror = client.getObject(Mirror, `${host.urls[0]}/Mirror`);
    return { mirror, bytes: new Uint8Array(size).fill(7) };
  }

  test.each([
    ["small", 10],
    ["beyond the credit", mebibyte],
  ])("%s: all are answered", async (_name, size) => {
    const { mirror, bytes } = await open(size);
    // None is answered before all have come: so both sides are full at the same time.
    let arrived = 0;
    let open_: () => void = () => {};
    const all = new Promise<void>((resolve) => {
      open_ = resolve;
    });
    const refused: unknown[] = [];
    const results = Array.from({ length: limit }, () =>
      mirror.through(bytes, async (passed) => {
        if (++arrived === limit) open_();
        await all;
        // One more in either direction is one too many: it is told so and does not wait.
        await mirror.echo(1).catch((error: unknown) => refused.push(error));
        return passed;
      }),
    );
    for (const result of await within(60_000, Promise.all(results), "the end of a deadlock")) {
      expect(Buffer.compare(result, bytes)).toBe(0);
    }
    expect(refused.length).toBeGreaterThan(0);
    for (const error of refused) expect(error).toBeInstanceOf(LimitExceededError);
    expect(await mirror.echo("after")).toBe("after");
  });
});

describe("small calls beside a payload of 16 MiB", () => {
  /** What lay before a small call when it was handed to the socket. */
  interface Handed {
    /** Bytes that the socket had not taken. */
    readonly queued: number;
    /** Bytes of fragments that the peer had not reported. */
    readonly underWay: number;
  }

  /** What the credit frames of a message report; this server's messages come in one piece. */
  function reportedBy(frames: Buffer): number {
    let reported = 0;
    for (let at = 0; at < frames.length; at += 4 + frames.readUInt32BE(at)) {
      if (frames[at + 4] !== kind.credit) continue;
      for (let digit = at + 10, shift = 0; ; digit++, shift += 7) {
        reported += ((frames[digit] ?? 0) & 0x7f) * 2 ** shift;
        if ((frames[digit] ?? 0) < 0x80) break;
      }
    }
    return reported;
  }

  /** Looks at what goes through a connection. */
  function watching(connection: Connection, handed: Handed[]): Connection {
    let underWay = 0;
    return overheard(connection, {
      sending(memory, length, tail) {
        const isFragment = memory[messageHeadroom + 4] === kind.fragment;
        if (isFragment) underWay += length - messageHeadroom - 10 + (tail?.length ?? 0);
        else handed.push({ queued: connection.queuedBytes, underWay });
      },
      received(bytes) {
        underWay -= reportedBy(bytes);
      },
    });
  }

  async function timeSmall(target: Remote<Target>, isOver: () => boolean, least: number): Promise<number[]> {
    const times: number[] = [];
    while (!isOver() || times.length < least) {
      const started = performance.now();
      await target.echo(times.length);
      times.push(performance.now() - started);
    }
    return times;
  }

  test("wait for no more than what the socket holds and the peer has been given credit for", async () => {
    const handed: Handed[] = [];
    const journal = await Journal.create();
    const server = await ServerProcess.start({ journal: journal.path });
    const client = new RemotingDomain();
    onTestFinished(async () => {
      await client.close();
      await server.stop();
      await journal.remove();
    });
    const url = await server.listen();
    const transport = new TcpTransport();
    const connect = transport.connect.bind(transport);
    transport.connect = async (address, signal) => watching(await connect(address, signal), handed);
    client.registerChannel(transportChannel(transport));
    const target = client.getObject(Target, url);
    await target.echo("connected");

    const large = new Uint8Array(16 * mebibyte - 1000);
    const upload = async (times: number) => {
      for (let time = 0; time < times; time++) expect(await target.inherits(large, "length")).toBe(true);
    };
    // Both kinds of calls are compiled, and have their memory, before they are timed. That calls are small and large by
    // turns is known from the first large one on.
    await upload(2);
    await timeSmall(target, () => true, 1000);
    handed.length = 0;
    const alone: number[] = [];
    const beside: number[] = [];
    // By turns, so that what else goes on in the machine is the same for both.
    for (let round = 0; round < 5; round++) {
      alone.push(...(await timeSmall(target, () => true, 400)));
      let over = false;
      const uploads = upload(2).finally(() => {
        over = true;
      });
      beside.push(...(await timeSmall(target, () => over, 20)));
      await uploads;
    }

    const queued = Math.max(...handed.map((one) => one.queued));
    const underWay = Math.max(...handed.map((one) => one.underWay));
    printFigures("small calls beside 16 MiB", {
      "alone p50 ms": percentile(alone, 0.5),
      "beside p50 ms": percentile(beside, 0.5),
      "p50 ratio": percentile(beside, 0.5) / percentile(alone, 0.5),
      "alone p99 ms": percentile(alone, 0.99),
      "beside p99 ms": percentile(beside, 0.99),
      "p99 ratio": percentile(beside, 0.99) / percentile(alone, 0.99),
      "small calls": beside.length,
      "most in the socket KiB": queued / 1024,
      "most under way KiB": underWay / 1024,
    });
    // 16 MiB were to be sent each time. At most one fragment waits when another goes, in the socket and in all.
    expect(queued).toBeLessThanOrEqual(2 * localFragment);
    expect(underWay).toBeLessThanOrEqual(2 * localFragment);
    expect(underWay).toBeGreaterThan(0);
  }, 120_000);
});

describe("at a server in a process of its own", () => {
  const limits = {
    maxQueuedBytes: mebibyte,
    writeTimeout: 3_000,
    progressTimeout: 1_500,
  };
  let journal: Journal;
  let server: ServerProcess;
  let good: GoodClient;

  beforeAll(async () => {
    journal = await Journal.create();
    server = await ServerProcess.start({ journal: journal.path, limits });
    await server.listen();
    good = await GoodClient.start(server.url);
  }, 120_000);

  afterAll(async () => {
    await good?.close();
    await server?.stop();
    await journal?.remove();
  });

  test("50 who ask for 64 MiB each and read none of it hold little more than maxQueuedBytes each, and are given up", async () => {
    const before = await good.vitals();
    good.slowest = 0;
    const count = 50;
    const deaf = await Promise.all(Array.from({ length: count }, () => RawPeer.open(server.port)));
    for (const peer of deaf) {
      peer.socket.pause();
      peer.send(
        ...Array.from({ length: 1000 }, (_, id) =>
          call(id, "Target", "produce", packedArray(packedNumber(60_000))),
        ),
      );
    }
    await good.expectUnaffected();
    const { mostUsedBytes, after } = await good.returnsTo(before, 16 * mebibyte);
    const held = mostUsedBytes - before.usedBytes;
    // A megabyte in 18 buffers of 76 KiB, and nearly a thousand calls that wait to be started.
    expect(held).toBeLessThan(count * 3 * mebibyte);
    await good.expectUnaffected();
    printFigures("50 slow readers", {
      "held MiB": held / mebibyte,
      "left MiB": (after.usedBytes - before.usedBytes) / mebibyte,
      "good client's slowest ms": good.slowest,
    });
    for (const peer of deaf) await peer.close();
  }, 120_000);

  test("1,000 who begin a payload of 16 MiB and a message, and go on with neither", async () => {
    const before = await good.vitals();
    good.slowest = 0;
    const count = 1_000;
    const stalled: RawPeer[] = [];
    for (let opened = 0; opened < count; opened += 50) {
      stalled.push(...(await Promise.all(Array.from({ length: 50 }, () => RawPeer.open(server.port)))));
    }
    const started = performance.now();
    for (const peer of stalled) {
      peer.send(segmentedCall(1, "Target", "sum"), segments(1, [16 * mebibyte]));
      peer.send(fragment(1, Buffer.alloc(10_000)));
      peer.socket.write(message([call(2, "Target", "echo")]).subarray(0, 12));
    }
    await good.expectUnaffected();
    await within(
      60_000,
      Promise.all(stalled.map((peer) => peer.expectClosed())),
      "the end of 1,000 that stall",
    );
    const { after } = await good.returnsTo(before, 16 * mebibyte);
    await good.expectUnaffected();
    printFigures("1,000 stalled peers", {
      "peak growth MiB": (after.peakBytes - before.peakBytes) / mebibyte,
      "left MiB": (after.usedBytes - before.usedBytes) / mebibyte,
      "all given up after ms": performance.now() - started,
      "good client's slowest ms": good.slowest,
    });
    // They have announced 16 GiB. What is there is what they have sent, and some kilobytes for each connection.
    expect(after.peakBytes - before.peakBytes).toBeLessThan(256 * mebibyte);
  }, 120_000);

  test("a million frames that say nothing, in one write", async () => {
    const before = await good.vitals();
    good.slowest = 0;
    const peer = await RawPeer.open(server.port);
    const empty = frame(kind.pong, 0, 0);
    const perMessage = 8_000;
    const one = message(Array.from({ length: perMessage }, () => empty));
    await peer.write(Buffer.concat(Array.from({ length: 1_000_000 / perMessage }, () => one)));
    const pings = message(Array.from({ length: perMessage }, (_, id) => frame(kind.ping, 0, id)));
    await peer.write(Buffer.concat(Array.from({ length: 25 }, () => pings)));
    await peer.expectOpen();
    await good.expectUnaffected();
    await peer.close();
    await good.returnsTo(before, 8 * mebibyte);
    printFigures("a million empty frames", { "good client's slowest ms": good.slowest });
  }, 120_000);
});

describe("in single bytes", () => {
  test("16 MiB of a payload are put together in the memory that they need", async () => {
    let measured = 0;
    @Singleton("Sink")
    class Sink extends MarshalByRefObject {
      take(bytes: Uint8Array): number {
        measured = bytes.length;
        return bytes.length;
      }
    }
    const domain = new RemotingDomain({ closeGrace: 0 });
    onTestFinished(() => domain.close());
    let accept: (connection: Connection) => void = () => {};
    const transport = new TcpTransport();
    transport.listen = async (address, accepting) => {
      accept = accepting;
      return { address, close: async () => {} };
    };
    domain.registerChannel(transportChannel(transport));
    await domain.serve("tcp://127.0.0.1:1", [Sink]);
    const link = new FuzzLink();
    accept(link.connection);
    const { hello, packedTagged } = await import("./frames.ts");
    link.deliver(message([hello()]));
    const body = packedArray(packedTagged(Buffer.from([5]), Buffer.from([1]), Buffer.from([0])));
    const size = 16 * mebibyte - 100;
    link.deliver(message([segmentedCall(1, "Sink", "take"), segments(1, [body.length, size])]));
    link.deliver(message([fragment(1, body)]));
    const before = process.memoryUsage();
    let peak = 0;
    const one = Buffer.alloc(1);
    const used = () => {
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external - before.heapUsed - before.external;
    };
    for (let sent = 0; sent < size; sent += 65_536) {
      const bytes = message([fragment(1, Buffer.alloc(Math.min(65_536, size - sent), 1))]);
      for (const byte of bytes) {
        one[0] = byte;
        link.connection.receive(one, 1);
      }
      peak = Math.max(peak, used());
    }
    expect(measured).toBe(size);
    printFigures("16 MiB in single bytes", { "peak growth MiB": peak / mebibyte });
    expect(peak).toBeLessThan(64 * mebibyte);
  }, 180_000);
});

describe("calls that are cancelled as soon as they are made", () => {
  test("100,000 of them: no more than maxCallsInFlight run at a time, and the connection goes on", async () => {
    let running = 0;
    let most = 0;
    let ran = 0;
    const gates: (() => void)[] = [];
    @Singleton("Stubborn")
    class Stubborn extends MarshalByRefObject {
      async work(): Promise<void> {
        ran++;
        most = Math.max(most, ++running);
        // It does not listen to its signal: that is what makes the attack.
        await new Promise<void>((resolve) => gates.push(resolve));
        running--;
      }

      done(): number {
        return ran;
      }
    }
    const limit = 50;
    const domain = new RemotingDomain({ closeGrace: 0 });
    onTestFinished(() => domain.close());
    domain.registerChannel(tcpChannel({ limits: { maxCallsInFlight: limit } }));
    const host = await domain.serve("tcp://127.0.0.1:0", [Stubborn]);
    const peer = await RawPeer.open(Number(new URL(host.urls[0] ?? "").port));
    onTestFinished(() => peer.close());
    const count = 100_000;
    const perMessage = 500;
    for (let first = 1; first <= count; first += perMessage) {
      const pairs = Array.from({ length: perMessage }, (_, index) => [
        call(first + index, "Stubborn", "work"),
        frame(kind.cancel, 0, first + index),
      ]);
      peer.send(...pairs.flat());
      if (first % 10_000 === 1) {
        // Some end meanwhile, and their places are taken by others.
        await peer.expectOpen();
        for (const open of gates.splice(0, 20)) open();
        peer.received.length = 0;
      }
    }
    await peer.expectOpen();
    expect(most).toBe(limit);
    expect(ran).toBeLessThan(limit + 20 * 11);
    for (const open of gates.splice(0)) open();
    await peer.expectOpen();
    peer.send(call(count + 1, "Stubborn", "done"));
    await peer.next(kind.result, count + 1);
  }, 120_000);

  test("by a client of ours: each is an AbortError, and nothing is left", async () => {
    const server = new RemotingDomain();
    const client = new RemotingDomain();
    onTestFinished(async () => {
      await client.close();
      await server.close();
    });
    const host = await server.serve("tcp://127.0.0.1:0", [Mirror]);
    const mirror = client.getObject(Mirror, `${host.urls[0]}/Mirror`);
    await mirror.echo("connected");
    for (let round = 0; round < 20; round++) {
      const outcomes = Array.from({ length: 500 }, () => {
        const controller = new AbortController();
        const call = client.withOptions(mirror, { signal: controller.signal }).echo(1);
        controller.abort();
        return call.catch((error: unknown) => error);
      });
      for (const outcome of await Promise.all(outcomes)) expect(outcome).toBeInstanceOf(AbortError);
    }
    expect(await mirror.echo("after")).toBe("after");
  });
});
