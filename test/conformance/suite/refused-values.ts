/** What cannot travel is refused with the path to it, on either way, and the connection goes on. */
import { RemotingError, SerializationError } from "remoting";
import { describe, expect, test } from "vitest";
import { type ConformanceContext, rejectionOf } from "../conformance-context.ts";
import { Echo } from "../server/call-services.ts";
import { Exchange } from "../server/exchange.ts";
import { nest, Point, refusedValues, Talkative } from "../server/values.ts";

export function describeRefusedValues(context: ConformanceContext): void {
  async function expectStillConnected(client = context.client): Promise<void> {
    expect(await client.getObject(Echo, context.url).echo("still here")).toBe("still here");
  }

  describe.each(Object.entries(refusedValues))("%s", (name, { make, path, message }) => {
    test("in arguments", async () => {
      const client = context.connect();
      await expectStillConnected(client);
      let disconnects = 0;
      client.on("disconnected", () => void disconnects++);
      const echo = client.getObject(Echo, context.url);
      const error = await rejectionOf(echo.all(1, make()), SerializationError);
      // The list of arguments and the argument itself are levels.
      expect(error.path).toBe(`args[1]${path(63)}`);
      expect(error.message).toMatch(message);
      expect(error.message).toContain(error.path);
      expect(error.mayHaveExecuted).toBe(false);
      await expectStillConnected(client);
      expect(disconnects).toBe(0);
    });

    test("in a result", async () => {
      const error = await rejectionOf(context.service(Echo).produceRefused(name), SerializationError);
      expect(error.path).toBe(`result${path(64)}`);
      expect(error.message).toMatch(message);
      expect(error.mayHaveExecuted).toBe(true);
      await expectStillConnected();
    });

    test("in a callback's arguments and result", async () => {
      const exchange = context.service(Exchange);
      const error = await rejectionOf(exchange.call(make), Error);
      expect(error.message).toMatch(message);
      await expectStillConnected();
    });
  });

  test("what is passed before it is not called, released or leaked", async () => {
    const echo = context.service(Echo);
    const callback = () => 1;
    await rejectionOf(echo.all(callback, Symbol("x")), SerializationError);
    expect(await echo.all(callback)).toEqual([callback]);
  });

  test("the path leads past a reference whose object is cyclic inside", async () => {
    const { TreeNode } = await import("../server/exchange.ts");
    const node: { self?: unknown } & InstanceType<typeof TreeNode> = new TreeNode("cyclic");
    node.self = node;
    const error = await rejectionOf(
      context.service(Echo).all(node, { wrong: Symbol("x") }),
      SerializationError,
    );
    expect(error.path).toBe("args[1].wrong");
    expect(error.message).toMatch(/is a symbol/);
  });

  test("a getter that throws is told with its error as cause", async () => {
    const trap = {
      get value() {
        throw new RangeError("do not look");
      },
    };
    const error = await rejectionOf(context.service(Echo).echo(trap), SerializationError);
    expect(error.cause).toBeInstanceOf(RangeError);
    await expectStillConnected();
  });

  test("a getter or a serialize hook may make a call of its own", async () => {
    const echo = context.service(Echo);
    const inner: Promise<unknown>[] = [];
    const bytes = new Uint8Array(5_000).fill(3);
    const outer = {
      before: new Uint8Array(5_000).fill(1),
      get computed() {
        inner.push(echo.echo({ inner: bytes }));
        return "computed";
      },
      hook: new Talkative("hooked", () => void inner.push(echo.echo("from the hook"))),
      after: new Uint8Array(5_000).fill(2),
    };
    const result = await echo.echo(outer);
    expect(result).toMatchObject({
      before: new Uint8Array(5_000).fill(1),
      computed: "computed",
      hook: { text: "hooked" },
      after: new Uint8Array(5_000).fill(2),
    });
    const results = await Promise.all(inner);
    expect(results).toContainEqual({ inner: bytes });
    expect(results).toContain("from the hook");
    await expectStillConnected();
  });

  test("a cause that leads back to its error does not stop the error", async () => {
    const error: Error & { self?: unknown } = new Error("round");
    error.cause = error;
    error.self = { error };
    const arrived = await context.service(Echo).echo({ error });
    expect(arrived).toMatchObject({ error: { message: "round" } });
  });

  describe("at the edge of what may nest", () => {
    // 62 arrays in the list of arguments: what is in the innermost stands at level 64.
    test.each([
      [
        "an error with a cyclic cause",
        () => {
          const error = new Error("deep");
          error.cause = [error];
          return error;
        },
      ],
      ["a bigint", () => 5n],
      ["a function", () => () => 1],
      ["an invalid date", () => new Date(Number.NaN)],
      ["an object of a class", () => new Point(1, 1)],
    ])("%s either arrives or is refused here, with a path", async (_name, make) => {
      const echo = context.service(Echo);
      for (const levels of [60, 61, 62, 63]) {
        const outcome = await echo.count(nest(levels, make())).then(
          (count) => count,
          (error: unknown) => error,
        );
        if (outcome === 1) continue;
        expect(outcome).toBeInstanceOf(RemotingError);
        expect(outcome).toMatchObject({ code: "ERR_SERIALIZATION", mayHaveExecuted: false });
        expect((outcome as SerializationError).path).toMatch(/^args\[0\](\[0\])+/);
      }
    });
  });
}
