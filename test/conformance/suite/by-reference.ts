/** Objects that stay where they are: identity in both directions, at any depth, and through a third process. */
import assert from "node:assert/strict";
import { ObjectDisconnectedError } from "remoting";
import { describe, expect, test } from "vitest";
import { type ConformanceContext, rejectionOf } from "../conformance-context.ts";
import { Tally } from "../server/activated-services.ts";
import { Exchange, TreeNode } from "../server/exchange.ts";

export function describeByReference(context: ConformanceContext): void {
  describe("the server's objects", () => {
    test("arrive as proxies that work on the object itself", async () => {
      const exchange = context.service(Exchange);
      const child = await (await exchange.root()).child("worked-on");
      expect(child).not.toBeInstanceOf(TreeNode);
      await child.rename("renamed");
      const again = await (await exchange.root()).child("worked-on");
      expect(await again.name()).toBe("renamed");
    });

    test("the same object is the same proxy, however it arrives", async () => {
      const exchange = context.service(Exchange);
      const root = await exchange.root();
      const child = await root.child("same");
      expect(await exchange.root()).toBe(root);
      expect((await root.children()).get("same")).toBe(child);
      expect(await exchange.areSame(root, child)).toBe(false);
      expect(await exchange.areSame(root, root)).toBe(true);
    });

    test("come home as the original, at any depth", async () => {
      const exchange = context.service(Exchange);
      const root = await exchange.root();
      expect(await exchange.isRoot(root)).toBe(true);
      const key = context.newKey();
      await exchange.keep(key, { nodes: new Map([["root", [root]]]) });
      const kept = await exchange.take(key);
      assert.deepStrictEqual(kept, { nodes: new Map([["root", [root]]]) });
      expect((kept as { nodes: Map<string, unknown[]> }).nodes.get("root")?.[0]).toBe(root);
    });

    test("functions in results can be called and come home", async () => {
      const exchange = context.service(Exchange);
      const add = await exchange.adder(10);
      expect(await add(5)).toBe(15);
      const key = context.newKey();
      await exchange.keep(key, add);
      expect(await exchange.isKept(key, add)).toBe(true);
      expect(await exchange.take(key)).toBe(add);
    });

    test("a service that returns itself gives a proxy that comes home as the service", async () => {
      const exchange = context.service(Exchange);
      expect(await exchange.isSelf(await exchange.self())).toBe(true);
    });
  });

  describe("the client's objects", () => {
    test("can be called by the server, in arguments, Map values and nested arrays", async () => {
      const exchange = context.service(Exchange);
      expect(await exchange.nameOf(new TreeNode("mine"))).toBe("mine");
      const nodes = new Map([["list", [new TreeNode("first"), new TreeNode("second")]]]);
      expect(await exchange.namesOf(nodes)).toEqual(["first", "second"]);
    });

    test("come home as the original", async () => {
      const exchange = context.service(Exchange);
      const node = new TreeNode("original");
      const key = context.newKey();
      await exchange.keep(key, { list: [node, new Map([["again", node]])] });
      const kept = (await exchange.take(key)) as { list: [TreeNode, Map<string, TreeNode>] };
      expect(kept.list[0]).toBe(node);
      expect(kept.list[1].get("again")).toBe(node);
    });

    test("passed twice, in one call or in two, are one proxy at the server", async () => {
      const exchange = context.service(Exchange);
      const node = new TreeNode("twice");
      const callback = () => 1;
      expect(await exchange.areSame(node, node)).toBe(true);
      expect(await exchange.areSame(callback, callback)).toBe(true);
      const key = context.newKey();
      await exchange.keep(key, node);
      expect(await exchange.isKept(key, node)).toBe(true);
      expect(await exchange.isKept(key, new TreeNode("other"))).toBe(false);
    });

    test("objects that come in a result of a callback work as well", async () => {
      const exchange = context.service(Exchange);
      const node = new TreeNode("from callback");
      expect(await exchange.call(() => ({ node }))).toEqual({ node });
      const root = await exchange.root();
      const back = await exchange.call((value) => value === root, root);
      expect(back).toBe(true);
    });

    test("what the server has disposed of can be passed again", async () => {
      const exchange = context.service(Exchange);
      const key = context.newKey();
      const callback = () => "called";
      await exchange.keep(key, callback);
      expect(await exchange.callKept(key)).toBe("called");
      await exchange.disposeKept(key);
      await expect(exchange.callKept(key)).rejects.toThrow("disposed");
      await exchange.keep(key, callback);
      expect(await exchange.callKept(key)).toBe("called");
    });
  });

  describe("a third process", () => {
    test("can use an object that it was passed by one that only has its proxy", async () => {
      const other = await context.start({});
      const exchange = context.service(Exchange);
      const otherExchange = context.client.getObject(Exchange, other.url);
      const child = await (await exchange.root()).child("relayed");
      expect(await otherExchange.nameOf(child)).toBe("relayed");

      const key = context.newKey();
      await otherExchange.keep(key, child);
      expect(await otherExchange.take(key)).toBe(child);
      await child.rename("renamed");
      expect(await otherExchange.call(child.name.bind(child))).toBe("renamed");
      expect(await otherExchange.namesOf(new Map([["a", [child, child]]]))).toEqual(["renamed", "renamed"]);
    });

    test("arguments and results of relayed calls keep their identity", async () => {
      const other = await context.start({});
      const otherExchange = context.client.getObject(Exchange, other.url);
      const add = await context.service(Exchange).adder(100);
      expect(await otherExchange.call((value) => add(Number(value)), 1)).toBe(101);
      const node = new TreeNode("mine");
      const key = context.newKey();
      const keep = (value: unknown) => context.service(Exchange).keep(key, value);
      await otherExchange.call(keep, node);
      expect(await context.service(Exchange).isKept(key, node)).toBe(true);
    });

    test("well-known objects can be passed on as well", async () => {
      const other = await context.start({});
      const tally = context.service(Tally);
      const otherExchange = context.client.getObject(Exchange, other.url);
      const key = context.newKey();
      await otherExchange.keep(key, { tally });
      expect(await otherExchange.take(key)).toEqual({ tally });
      const before = await tally.add(0);
      await otherExchange.call(async (given) => await (given as { tally: typeof tally }).tally.add(4), {
        tally,
      });
      expect(await tally.add(0)).toBe(before + 4);
    });

    test("a callback in a relayed call reaches the one who passed it", async () => {
      const other = await context.start({});
      const otherExchange = context.client.getObject(Exchange, other.url);
      const exchange = context.service(Exchange);
      expect(
        await otherExchange.call((value) => exchange.call((inner) => `${inner}!`, value), "over two"),
      ).toBe("over two!");
    });
  });

  test("an object belongs to the connection over which it was passed", async () => {
    const key = context.newKey();
    const client = context.connect();
    await client.getObject(Exchange, context.url).keep(key, () => 1);
    expect(await context.service(Exchange).callKept(key)).toBe(1);
    await client.close();
    const error = await rejectionOf(context.service(Exchange).callKept(key), Error);
    expect(error.message).toContain("closed");
  });

  test("a proxy is of no use to a server that has forgotten the object", async () => {
    const server = await context.bench.start({});
    const client = context.connect(server.url);
    const root = await client.getObject(Exchange, server.url).root();
    await context.stop(server, client);
    await context.start({}, server.url);
    const error = await rejectionOf(root.name(), ObjectDisconnectedError);
    expect(error.mayHaveExecuted).toBe(false);
  });
}
