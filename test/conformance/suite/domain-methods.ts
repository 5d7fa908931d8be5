/** What a domain offers beside calls: publishing objects, finding their addresses, events. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { ObjectDisconnectedError, RemotingDomain, ServiceNotFoundError } from "remoting";
import { describe, expect, test } from "vitest";
import { type ConformanceContext, rejectionOf } from "../conformance-context.ts";
import { Cart, SlowTally, Tally } from "../server/activated-services.ts";
import { Echo } from "../server/call-services.ts";
import { Exchange, TreeNode } from "../server/exchange.ts";

export function describeDomainMethods(context: ConformanceContext): void {
  describe("marshal", () => {
    test("publishes a live object at a URI, until it is disconnected", async () => {
      const { domain, url } = await context.serveHere();
      const client = context.connect(url);
      const node = new TreeNode("live");
      const marshaled = domain.marshal(node, "nodes/live");
      expect(marshaled).toEqual({ uri: "nodes/live", typeName: "TreeNode", urls: [`${url}/nodes/live`] });
      const proxy = client.getObject(TreeNode, `${url}/nodes/live`);
      await proxy.rename("renamed");
      expect(node.name()).toBe("renamed");
      expect(domain.getObjectUri(node)).toBe("nodes/live");

      expect(domain.disconnect(node)).toBe(true);
      expect(domain.disconnect(node)).toBe(false);
      expect(domain.getObjectUri(node)).toBeUndefined();
      await rejectionOf(proxy.name(), ServiceNotFoundError);
    });

    test("without a URI gives one that cannot be guessed, which unmarshal understands", async () => {
      const { domain, url } = await context.serveHere();
      const client = context.connect(url);
      const node = new TreeNode("secret");
      const marshaled = domain.marshal(node);
      expect(marshaled.uri).toMatch(/^~[\w-]{22}$/);
      expect(domain.marshal(node)).toEqual(marshaled);
      expect(domain.getObjectUri(node)).toBe(marshaled.uri);
      // Plain data: it may be stored and mailed.
      const received = JSON.parse(JSON.stringify(marshaled)) as typeof marshaled;
      const proxy = client.unmarshal(received, TreeNode);
      expect(await proxy.name()).toBe("secret");
      expect(client.getObjectUri(proxy)).toBe(marshaled.uri);
      expect(await client.unmarshal<TreeNode>(received).name()).toBe("secret");

      expect(domain.disconnect(node)).toBe(true);
      await rejectionOf(proxy.name(), ObjectDisconnectedError);
    });

    test("what was marshaled outlives its holders", async () => {
      const { domain, url } = await context.serveHere();
      const marshaled = domain.marshal(new TreeNode("lasting"));
      const first = context.connect(url);
      expect(await first.unmarshal(marshaled, TreeNode).name()).toBe("lasting");
      await first.close();
      expect(await context.connect(url).unmarshal(marshaled, TreeNode).name()).toBe("lasting");
    });

    test("by a domain that listens nowhere it has no address", () => {
      const domain = context.connect();
      const marshaled = domain.marshal(new TreeNode("lonely"));
      expect(marshaled.urls).toEqual([]);
      expect(() => context.client.unmarshal(marshaled, TreeNode)).toThrow(/listen(s|ed) nowhere/);
    });

    test("a URI that is taken or not one is refused", async () => {
      const { domain } = await context.serveHere();
      domain.marshal(new TreeNode("first"), "taken");
      expect(() => domain.marshal(new TreeNode("second"), "taken")).toThrow(TypeError);
      expect(() => domain.marshal(new TreeNode("third"), "~id")).toThrow(TypeError);
      expect(() => domain.marshal(new Date() as never, "date")).toThrow(/extends? MarshalByRefObject/);
    });

    test("disconnect by URI", async () => {
      const { domain, url } = await context.serveHere();
      domain.register(Tally);
      const proxy = context.connect(url).getObject(Tally, url);
      await proxy.add();
      expect(domain.disconnect("Tally")).toBe(true);
      expect(domain.disconnect("Tally")).toBe(false);
      await rejectionOf(proxy.add(), ServiceNotFoundError);
    });
  });

  describe("isProxy and getObjectUri", () => {
    test("tell proxies from everything else", async () => {
      const { client } = context;
      const exchange = context.service(Exchange);
      const proxies = [
        exchange,
        client.getObject<Exchange>(`${context.url}/Exchange`),
        await exchange.root(),
        await exchange.adder(1),
        client.withOptions(exchange, { timeout: 1 }),
        await client.createInstance(Cart, context.url, context.newKey()),
      ];
      for (const proxy of proxies) expect(client.isProxy(proxy)).toBe(true);
      for (const value of [undefined, null, 1, "text", {}, () => 1, new TreeNode("x"), client]) {
        expect(client.isProxy(value)).toBe(false);
      }
    });

    test("a proxy's URI is its object's", async () => {
      const exchange = context.service(Exchange);
      expect(context.client.getObjectUri(exchange)).toBe("Exchange");
      expect(context.client.getObjectUri(await exchange.root())).toMatch(/^~/);
      expect(context.client.getObjectUri(new TreeNode("mine"))).toBeUndefined();
    });
  });

  describe("withOptions", () => {
    test("adds to the options that a proxy has, and leaves the proxy alone", async () => {
      const echo = context.service(Echo);
      const impatient = context.client.withOptions(echo, { timeout: 1000 });
      const aborted = context.client.withOptions(impatient, { signal: AbortSignal.abort() });
      await expect(aborted.echo(1)).rejects.toMatchObject({ name: "AbortError" });
      expect(await impatient.echo(1)).toBe(1);
      expect(await echo.echo(1)).toBe(1);
    });

    test("works on functions and references", async () => {
      const exchange = context.service(Exchange);
      const options = { signal: AbortSignal.abort() };
      const root = await exchange.root();
      await expect(context.client.withOptions(root, options).name()).rejects.toMatchObject({
        name: "AbortError",
      });
      const add = await exchange.adder(1);
      await expect(context.client.withOptions(add, options)(1)).rejects.toMatchObject({ name: "AbortError" });
      expect(await exchange.isRoot(context.client.withOptions(root, { timeout: 1 }))).toBe(true);
    });

    test("refuses what is no proxy", () => {
      expect(() => context.client.withOptions({} as never, {})).toThrow(TypeError);
    });
  });

  describe("whenDisconnected and events", () => {
    test("connected with the first call, disconnected when the server goes", async () => {
      const server = await context.bench.start({});
      const client = context.connect(server.url);
      const log: unknown[] = [];
      client.on("connected", (peer) => log.push(["connected", peer]));
      client.on("disconnected", (peer) => log.push(["disconnected", peer]));
      const echo = client.getObject(Echo, server.url);
      expect(log).toEqual([]);
      expect(await client.whenDisconnected(echo)).toBeUndefined();
      await Promise.all([echo.echo(1), echo.echo(2)]);
      const peer = { url: server.url, peerName: expect.any(String) as string, direction: "outgoing" };
      expect(log).toEqual([["connected", expect.objectContaining(peer)]]);

      const disconnected = client.whenDisconnected(echo);
      const event = once(client, "disconnected");
      await server.close();
      await disconnected;
      await event;
      expect(log).toEqual([
        ["connected", expect.objectContaining(peer)],
        ["disconnected", expect.objectContaining(peer)],
      ]);
    });

    test("whenDisconnected of a reference that was given over the connection", async () => {
      const server = await context.bench.start({});
      const client = context.connect(server.url);
      const root = await client.getObject(Exchange, server.url).root();
      const disconnected = client.whenDisconnected(root);
      await server.close();
      await disconnected;
    });

    test("the server hears of its clients", async () => {
      const server = await context.start({});
      const client = context.connect(server.url);
      const observer = context.connect(server.url);
      const probe = context.probeOf(observer, server.url);
      expect(await probe.events()).toEqual(["connected incoming"]);
      await client.getObject(Echo, server.url).echo(1);
      expect(await probe.events()).toEqual(["connected incoming", "connected incoming"]);
    });

    test("refuses what is no proxy", async () => {
      await expect(context.client.whenDisconnected({} as never)).rejects.toThrow(TypeError);
    });
  });

  describe("mistakes are told at once", () => {
    test.each([
      [
        "a class that is client-activated",
        () => context.client.getObject(Cart, context.url),
        /createInstance\(Cart/,
      ],
      ["a URL without an object", () => context.client.getObject<Echo>(context.url), /names no object/],
      ["an unknown scheme", () => context.client.getObject(Echo, "gopher://x"), /No channel serves gopher/],
      ["no URL and no configuration", () => context.client.getObject(Echo), /not configured/],
      ["no URL at all", () => context.client.getObject(Echo, "nonsense"), /not a channel URL/],
      [
        "a class that is not remotable",
        () => context.client.getObject(Date as never, context.url),
        /not remotable/,
      ],
    ])("getObject with %s", (_name, get, message) => {
      expect(get).toThrow(TypeError);
      expect(get).toThrow(message);
    });

    test("createInstance of a well-known class, and with an object's URL", async () => {
      await expect(context.client.createInstance(Tally, context.url)).rejects.toThrow(/use getObject\(Tally/);
      await expect(context.client.createInstance(Cart, `${context.url}/Cart`, "x")).rejects.toThrow(
        /names an object/,
      );
    });

    test("a URI that another class has, and a class without activation", async () => {
      const domain = context.connect();
      domain.register(Tally);
      expect(() => domain.register(Tally)).not.toThrow();
      expect(() => domain.register(SlowTally, { uri: "Tally" })).toThrow(/published at "Tally" already/);
      expect(() => domain.register(TreeNode)).toThrow(/cannot be registered/);
    });

    test("a channel that is registered twice", () => {
      const domain = new RemotingDomain();
      const [channel] = context.client.registeredChannels;
      assert(channel !== undefined);
      domain.registerChannel(channel);
      expect(() => domain.registerChannel(channel)).toThrow(/registered already/);
    });
  });
}
