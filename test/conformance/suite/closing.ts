/** The end in good order, the end in bad order, and a new beginning. */
import { once } from "node:events";
import { ConnectError, ConnectionLostError, ObjectDisconnectedError, RemotingError } from "remoting";
import { describe, expect, test } from "vitest";
import { type ConformanceContext, rejectionOf } from "../conformance-context.ts";
import { Cart, Tally } from "../server/activated-services.ts";
import { Calls, Echo } from "../server/call-services.ts";
import { Exchange } from "../server/exchange.ts";

export function describeClosing(context: ConformanceContext): void {
  describe("a server that closes", () => {
    test("lets calls under way finish, refuses new ones, then is gone", async () => {
      const server = await context.bench.start({});
      const client = context.connect(server.url);
      const calls = client.getObject(Calls, server.url);
      const key = context.newKey();
      const lateKey = context.newKey();
      const underWay = calls.block(key);
      await context.ledger.whenRecorded("started", key);

      const draining = once(client, "draining");
      const closed = server.close();
      await draining;
      const refused = await rejectionOf(calls.block(lateKey), RemotingError);
      expect(refused.mayHaveExecuted).toBe(false);
      await context.ledger.open(key);
      expect(await underWay).toBe(key);
      await closed;
      const gone = await rejectionOf(calls.block(lateKey), ConnectError);
      expect(gone.mayHaveExecuted).toBe(false);
      expect(gone.message).toContain(server.url);
      expect(await context.ledger.eventsOf(lateKey)).toEqual([]);
    });

    test("lets callbacks of calls under way through", async () => {
      const server = await context.bench.start({});
      const client = context.connect(server.url);
      const exchange = client.getObject(Exchange, server.url);
      const draining = once(client, "draining");
      let closed: Promise<void> | undefined;
      const root = await exchange.root();
      const result = await exchange.call(async () => {
        closed = server.close();
        await draining;
        // A call to an object that the server has lent belongs to the work under way.
        return `called while closing, ${await root.name()}`;
      });
      expect(result).toBe("called while closing, root");
      await closed;
    });

    test("gives up calls that do not finish in time, and says that they may have run", async () => {
      const server = await context.bench.start({ domain: { closeGrace: 30 } });
      const client = context.connect(server.url);
      const key = context.newKey();
      const call = rejectionOf(client.getObject(Calls, server.url).block(key), ConnectionLostError);
      await context.ledger.whenRecorded("started", key);
      await server.close();
      expect((await call).mayHaveExecuted).toBe(true);
      await context.ledger.open(key);
    });

    test("can be closed twice", async () => {
      const server = await context.bench.start({});
      await Promise.all([server.close(), server.close()]);
    });
  });

  describe("a client that closes", () => {
    test("lets its calls under way finish", async () => {
      const client = context.connect();
      const key = context.newKey();
      const call = client.getObject(Calls, context.url).block(key);
      await context.ledger.whenRecorded("started", key);
      const closed = client.close();
      await context.ledger.open(key);
      expect(await call).toBe(key);
      await closed;
    });

    test("lets calls finish that still wait for their connection", async () => {
      const client = context.connect();
      const call = client.getObject(Echo, context.url).echo("made before close");
      const closed = client.close();
      expect(await call).toBe("made before close");
      await closed;
    });

    test("makes no new calls, neither while it closes nor afterwards", async () => {
      const client = context.connect();
      const key = context.newKey();
      const lateKey = context.newKey();
      const calls = client.getObject(Calls, context.url);
      const underWay = calls.block(key);
      await context.ledger.whenRecorded("started", key);
      let connections = 0;
      client.on("connected", () => void connections++);

      const closed = client.close();
      const during = await rejectionOf(calls.note(lateKey, "during"), RemotingError);
      expect(during.mayHaveExecuted).toBe(false);
      await context.ledger.open(key);
      await underWay;
      await closed;
      const after = await rejectionOf(calls.note(lateKey, "after"), RemotingError);
      expect(after.mayHaveExecuted).toBe(false);
      expect(() => client.getObject(Calls, context.url)).toThrow(/closed/);
      expect(await context.ledger.eventsOf(lateKey)).toEqual([]);
      expect(connections).toBe(0);
    });

    test("lets go of what it was lent: its client-activated objects stay for others or until their time is over", async () => {
      const client = context.connect();
      const key = context.newKey();
      const cart = await client.createInstance(Cart, context.url, key);
      const uri = client.getObjectUri(cart);
      await client.close();
      const again = context.client.getObject(Cart, `${context.url}/${uri}`);
      expect(await again.owner()).toBe(key);
    });

    test("a domain that is closed cannot be used any more", async () => {
      const client = context.connect();
      await client.close();
      await client.close();
      expect(() => client.register(Tally)).toThrow(/closed/);
      await expect(client.serve(context.bench.localUrl())).rejects.toThrow(/closed/);
      await expect(client.createInstance(Cart, context.url, "x")).rejects.toThrow(/closed/);
    });
  });

  describe("reconnection", () => {
    test("a well-known object works again when its server is back, with the next call", async () => {
      const server = await context.bench.start({});
      const client = context.connect(server.url);
      const tally = client.getObject(Tally, server.url);
      expect(await tally.add(5)).toBe(5);
      await context.stop(server, client);
      const error = await rejectionOf(tally.add(), ConnectError);
      expect(error).toMatchObject({ code: "ERR_CONNECT", mayHaveExecuted: false });
      await context.start({}, server.url);
      expect(await tally.add(1)).toBe(1);
    });

    test("calls made at the same time share the new connection", async () => {
      const server = await context.bench.start({});
      const client = context.connect(server.url);
      const echo = client.getObject(Echo, server.url);
      await echo.echo(1);
      await context.stop(server, client);
      await context.start({}, server.url);
      let connections = 0;
      client.on("connected", () => void connections++);
      const values = Array.from({ length: 20 }, (_, index) => index);
      expect(await Promise.all(values.map((value) => echo.echo(value)))).toEqual(values);
      expect(connections).toBe(1);
    });

    test("a client-activated object whose process was restarted is gone", async () => {
      const server = await context.bench.start({});
      const client = context.connect(server.url);
      const cart = await client.createInstance(Cart, server.url, context.newKey());
      await context.stop(server, client);
      await context.start({}, server.url);
      const error = await rejectionOf(cart.add("pen"), ObjectDisconnectedError);
      expect(error.mayHaveExecuted).toBe(false);
    });

    test("nobody has ever listened there", async () => {
      const server = await context.bench.start({});
      await server.close();
      const client = context.connect(server.url);
      const error = await rejectionOf(client.getObject(Echo, server.url).echo(1), ConnectError);
      expect(error.message).toContain(`Cannot connect to ${server.url}`);
    });
  });

  test("unregisterChannel closes what runs over the channel", async () => {
    const client = context.connect();
    const echo = client.getObject(Echo, context.url);
    await echo.echo(1);
    const [channel] = client.registeredChannels;
    const disconnected = client.whenDisconnected(echo);
    await client.unregisterChannel(channel?.name ?? "");
    expect(await disconnected).toBeUndefined();
    expect(client.registeredChannels).toEqual([]);
    await expect(client.unregisterChannel("nothing")).rejects.toThrow(TypeError);
  });
}
