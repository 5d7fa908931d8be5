/**
 * Answers that their callers do not read: because they are more than is taken, or because nobody waits any more. The
 * server has counted the references in them, and must not keep the objects behind them for the rest of the connection.
 */
import {
  AbortError,
  type ChannelOptions,
  ClientActivated,
  type DomainLimits,
  type Formatter,
  jsonFormatter,
  LimitExceededError,
  MarshalByRefObject,
  msgpackFormatter,
  RemotingDomain,
  RemotingError,
  Singleton,
  tcpChannel,
} from "remoting";
import type { ChannelSinkProvider } from "remoting/spi";
import { describe, expect, onTestFinished, test } from "vitest";
import { call, frame, kind, packedArray, packedNumber } from "./frames.ts";
import { RawPeer } from "./raw-peer.ts";

const kibibyte = 1024;

@ClientActivated("Item")
class Item extends MarshalByRefObject {
  look(): string {
    return "it is there";
  }
}

@Singleton("Shop")
class Shop extends MarshalByRefObject {
  readonly #item = new Item();
  #opened: () => void = () => {};
  /** Resolves when a call of {@link late} has begun. */
  readonly begun: Promise<void>;
  #begin: () => void = () => {};

  constructor() {
    super();
    this.begun = new Promise((resolve) => {
      this.#begin = resolve;
    });
  }

  /** The same one each time. */
  item(): Item {
    return this.#item;
  }

  /** One of which more may be there, a new one, and bytes. */
  both(bytes: number): unknown {
    return { item: this.#item, fresh: new Item(), bytes: new Uint8Array(bytes) };
  }

  many(count: number): unknown {
    return [...Array.from({ length: count }, () => new Item()), new Uint8Array(200 * kibibyte)];
  }

  /** The same, when the test says so. */
  async late(bytes: number): Promise<unknown> {
    const opened = new Promise<void>((resolve) => {
      this.#opened = resolve;
    });
    this.#begin();
    await opened;
    return this.both(bytes);
  }

  open(): void {
    this.#opened();
  }

  nested(): unknown {
    return [[[[[[[[[[[[{ item: this.#item, fresh: new Item() }]]]]]]]]]]]];
  }

  numbers(count: number): unknown {
    return [this.#item, new Item(), Array.from({ length: count }, (_, index) => index)];
  }

  fail(bytes: number): never {
    throw Object.assign(new Error("on purpose"), { fresh: new Item(), bytes: new Uint8Array(bytes) });
  }
}

/** Of the client, refuses what it is given if it is told to. */
function refusingSink(): { readonly provider: ChannelSinkProvider; refuses: boolean } {
  const sink = {
    refuses: false,
    provider: {
      name: "refusing",
      createSink: () => ({
        outgoing: (payload) => payload,
        incoming: (payload) => {
          if (sink.refuses) throw new RemotingError("not this one");
          return payload;
        },
      }),
    } satisfies ChannelSinkProvider,
  };
  return sink;
}

async function open(
  formatter: () => Formatter,
  limits: Partial<DomainLimits> = {},
  options: { readonly server?: ChannelOptions; readonly client?: ChannelOptions } = {},
) {
  const server = new RemotingDomain({ closeGrace: 0 });
  const client = new RemotingDomain({ closeGrace: 0, limits });
  onTestFinished(async () => {
    await client.close();
    await server.close();
  });
  server.registerChannel(tcpChannel({ formatter: formatter(), ...options.server }));
  client.registerChannel(tcpChannel({ formatter: formatter(), ...options.client }));
  const shop = new Shop();
  server.marshal(shop, "Shop");
  const host = await server.serve("tcp://127.0.0.1:0", [Item]);
  const url = String(host.urls[0]);
  let connections = 0;
  client.on("connected", () => void connections++);
  const remote = client.getObject(Shop, `${url}/Shop`);
  const held = await remote.item();
  expect(server.statistics.lentObjects).toBe(1);
  /** What the client has is still there, nothing else is, and the connection is the one with which the test began. */
  const expectOnlyHeld = async () => {
    // The answer has left before that to the first call; what is said of it comes before the second one.
    expect(await held.look()).toBe("it is there");
    expect(await held.look()).toBe("it is there");
    expect(server.statistics.lentObjects).toBe(1);
    expect(connections).toBe(1);
  };
  return { server, client, shop, remote, held, expectOnlyHeld };
}

describe.each([
  ["MessagePack", msgpackFormatter],
  ["JSON", jsonFormatter],
])("references in an answer in %s that its caller does not read are counted back", (_name, formatter) => {
  test("it is more than may be under way", async () => {
    const { remote, expectOnlyHeld } = await open(formatter, { maxReassemblyBytes: 100 * kibibyte });
    for (let times = 0; times < 3; times++) {
      const error = await remote.both(200 * kibibyte).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(LimitExceededError);
      expect(error).toMatchObject({ limit: "maxReassemblyBytes", mayHaveExecuted: true });
      await expectOnlyHeld();
    }
  });

  test("it is found to be more when some of it has come", async () => {
    const { remote, expectOnlyHeld } = await open(formatter, { maxTotalReassemblyBytes: 100 * kibibyte });
    const error = await remote.both(200 * kibibyte).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ limit: "maxTotalReassemblyBytes", mayHaveExecuted: true });
    await expectOnlyHeld();
  });

  test("it was thrown", async () => {
    const { remote, expectOnlyHeld } = await open(formatter, { maxReassemblyBytes: 100 * kibibyte });
    const error = await remote.fail(200 * kibibyte).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ limit: "maxReassemblyBytes", mayHaveExecuted: true });
    await expectOnlyHeld();
  });

  test("it has more references than are remembered of other answers", async () => {
    const { remote, expectOnlyHeld } = await open(formatter, { maxReassemblyBytes: 100 * kibibyte });
    const error = await remote.many(5_000).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ limit: "maxReassemblyBytes" });
    await expectOnlyHeld();
  });

  test("it is nested too deep", async () => {
    const { remote, expectOnlyHeld } = await open(formatter, { maxDepth: 4 });
    const error = await remote.nested().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ limit: "maxDepth", mayHaveExecuted: true });
    await expectOnlyHeld();
  });

  test("it has too many values", async () => {
    const { remote, expectOnlyHeld } = await open(formatter, { maxNodes: 100 });
    const error = await remote.numbers(200).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ limit: "maxNodes", mayHaveExecuted: true });
    await expectOnlyHeld();
  });

  test.each([
    ["in one frame", 10],
    ["in fragments", 200 * kibibyte],
  ])("nobody waits for it any more: %s", async (_how, bytes) => {
    const { client, shop, remote, expectOnlyHeld } = await open(formatter);
    const controller = new AbortController();
    const call = client.withOptions(remote, { signal: controller.signal }).late(bytes);
    await shop.begun;
    controller.abort();
    await expect(call).rejects.toBeInstanceOf(AbortError);
    shop.open();
    await expectOnlyHeld();
  });

  describe("with channel sinks", () => {
    test.each([
      ["in one frame", 10],
      ["in fragments", 200 * kibibyte],
    ])("nobody waits for it any more: %s", async (_how, bytes) => {
      const options = { channelSinks: [refusingSink().provider] };
      const { client, shop, remote, expectOnlyHeld } = await open(
        formatter,
        {},
        { server: options, client: options },
      );
      const controller = new AbortController();
      const call = client.withOptions(remote, { signal: controller.signal }).late(bytes);
      await shop.begun;
      controller.abort();
      await expect(call).rejects.toBeInstanceOf(AbortError);
      shop.open();
      await expectOnlyHeld();
    });

    test("a sink refuses it", async () => {
      const sink = refusingSink();
      const { remote, expectOnlyHeld } = await open(
        formatter,
        {},
        {
          server: { channelSinks: [refusingSink().provider] },
          client: { channelSinks: [sink.provider] },
        },
      );
      sink.refuses = true;
      await expect(remote.both(10)).rejects.toThrow("not this one");
      sink.refuses = false;
      await expectOnlyHeld();
    });
  });
});

describe("a peer that says of answers that it has not read them", () => {
  const unread = (id: number) => frame(24, 0, id);

  async function serve() {
    const server = new RemotingDomain({ closeGrace: 0 });
    onTestFinished(() => server.close());
    const shop = new Shop();
    server.marshal(shop, "Shop");
    const host = await server.serve("tcp://127.0.0.1:0", [Item]);
    const port = Number(new URL(String(host.urls[0])).port);
    const lent = () => server.statistics.lentObjects;
    const connect = async () => {
      const peer = await RawPeer.open(port);
      onTestFinished(() => peer.close());
      return peer;
    };
    return { shop, lent, connect };
  }

  /** Calls, and waits for the answer. */
  async function answered(peer: RawPeer, id: number, method: string, ...args: Buffer[]): Promise<void> {
    peer.send(call(id, "Shop", method, packedArray(...args)));
    await peer.next(kind.result, id);
  }

  test("takes back what each has counted, once", async () => {
    const { lent, connect } = await serve();
    const peer = await connect();
    await answered(peer, 1, "item");
    await answered(peer, 2, "item");
    await answered(peer, 3, "both", packedNumber(10));
    expect(lent()).toBe(2);
    peer.send(unread(3), unread(3), unread(3));
    await peer.expectOpen();
    // The new one is gone; the other was counted three times, and is counted twice.
    expect(lent()).toBe(1);
    peer.send(unread(2), unread(2), unread(2));
    await peer.expectOpen();
    expect(lent()).toBe(1);
    peer.send(unread(1));
    await peer.expectOpen();
    expect(lent()).toBe(0);
  });

  test("changes nothing with ids that mean nothing, or not yet, or something to somebody else", async () => {
    const { shop, lent, connect } = await serve();
    const peer = await connect();
    const other = await connect();
    await answered(peer, 7, "item");
    await answered(other, 8, "item");
    other.send(call(9, "Shop", "late", packedArray(packedNumber(10))));
    await shop.begun;
    other.send(unread(7), unread(9), unread(0), unread(0xffff_ffff));
    await other.expectOpen();
    expect(lent()).toBe(1);
    shop.open();
    await other.next(kind.result, 9);
    expect(lent()).toBe(2);
    // Said too early, it was not said; now it is.
    other.send(unread(9));
    await other.expectOpen();
    expect(lent()).toBe(1);
    other.send(unread(8));
    await other.expectOpen();
    expect(lent()).toBe(1);
    peer.send(unread(7));
    await peer.expectOpen();
    expect(lent()).toBe(0);
  });

  test("of many answers takes back the last ones, and nothing is kept of the others", async () => {
    const { lent, connect } = await serve();
    const peer = await connect();
    const answers = 1_500;
    const args = packedArray(packedNumber(10));
    for (let id = 1; id <= answers; id++) peer.send(call(id, "Shop", "both", args));
    await peer.next(kind.result, answers);
    expect(lent()).toBe(answers + 1);
    for (let id = 1; id <= answers; id++) peer.send(unread(id));
    await peer.expectOpen();
    // Each has two references, and 1,024 are remembered.
    expect(lent()).toBe(answers + 1 - 512);
  });
});
