/** Names that JavaScript knows and contracts do not: no caller may reach them, whatever it writes on the wire. */
import { type MarshalByRefObject, MethodNotFoundError } from "remoting";
import type { MessageSinkProvider } from "remoting/spi";
import { describe, expect, test } from "vitest";
import { type ConformanceContext, rejectionOf } from "../conformance-context.ts";
import { Echo, Secretive } from "../server/call-services.ts";
import { Exchange } from "../server/exchange.ts";

const names = [
  "constructor",
  "__proto__",
  "__defineGetter__",
  "toString",
  "valueOf",
  "hasOwnProperty",
  "isPrototypeOf",
  "toJSON",
  "then",
  "catch",
  "prototype",
  "initializeLifetimeService",
  "_underscore",
  "#hidden",
  "hidden",
  "accessor",
  "field",
  "local",
  "shared",
  "apply",
  "Symbol(Symbol.dispose)",
  "",
  "visible ",
];

export function describeMethodNames(context: ConformanceContext): void {
  /** A client that writes another name on the wire than the one that was called. */
  function connectForger(forged: { method: string }) {
    const forge: MessageSinkProvider = {
      name: "forge",
      createClientSink: () => ({
        processMessage: (call, next) => next(call.method === "visible" ? { ...call, ...forged } : call),
      }),
    };
    return context.connect(context.url, { messageSinks: [forge] });
  }

  describe.each(names)("%j", (method) => {
    test("of a published object", async () => {
      const client = connectForger({ method });
      const error = await rejectionOf(
        client.getObject(Secretive, context.url).visible(),
        MethodNotFoundError,
      );
      expect(error.message).toBe(`"Secretive" has no remote method "${method}"`);
      expect(error.mayHaveExecuted).toBe(false);
      expect(await context.ledger.eventsOf("Secretive")).toEqual([]);
    });

    test("of an object that was passed by reference", async () => {
      const renaming = context.connect(context.url, {
        messageSinks: [
          {
            name: "forge",
            createClientSink: () => ({
              processMessage: (call, next) =>
                next(call.method === "areSame" && call.target.startsWith("~") ? { ...call, method } : call),
            }),
          },
        ],
      });
      const lent = await renaming.getObject(Exchange, context.url).self();
      await rejectionOf(lent.areSame(1, 1), MethodNotFoundError);
    });
  });

  test("a function has no methods, and an object cannot be called like a function", async () => {
    const renamed = context.connect(context.url, {
      messageSinks: [
        {
          name: "forge",
          createClientSink: () => ({
            processMessage: (call, next) => {
              if (!call.target.startsWith("~")) return next(call);
              return next({ ...call, method: call.method === "" ? "call" : "" });
            },
          }),
        },
      ],
    });
    const exchange = renamed.getObject(Exchange, context.url);
    await rejectionOf((await exchange.adder(1))(1), MethodNotFoundError);
    await rejectionOf((await exchange.root()).name(), MethodNotFoundError);
  });

  test("through a dynamic proxy, what looks like JavaScript's own is not sent, and the rest is refused", async () => {
    const server = await context.start({ countCalls: true });
    const client = context.connect(server.url);
    const proxy = client.getObject<MarshalByRefObject>(`${server.url}/Secretive`);
    for (const name of [
      "constructor",
      "toString",
      "valueOf",
      "hasOwnProperty",
      "__proto__",
      "then",
      "toJSON",
      "_underscore",
    ]) {
      const member: unknown = Reflect.get(proxy, name);
      if (name === "toString" || name === "valueOf") Reflect.apply(member as () => unknown, proxy, []);
    }
    const probe = context.probeOf(client, server.url);
    expect(await probe.calls()).toEqual([]);
    for (const name of ["accessor", "field", "local", "shared", "#hidden"]) {
      await rejectionOf(Reflect.apply(Reflect.get(proxy, name), proxy, []), MethodNotFoundError);
    }
    expect(await context.ledger.eventsOf("Secretive")).toEqual([]);
  });

  test("names that are too long are refused here, and the connection goes on", async () => {
    const client = connectForger({ method: "m".repeat(256) });
    await expect(client.getObject(Secretive, context.url).visible()).rejects.toThrow("too long");
    expect(await client.getObject(Echo, context.url).echo(1)).toBe(1);
  });

  test("what the class really offers can be called", async () => {
    expect(await context.service(Secretive).visible()).toBe("function");
  });

  test('with exposure "marked" only what is marked', async () => {
    const server = await context.start({ domain: { exposure: "marked" } });
    const client = context.connect(server.url);
    await rejectionOf(client.getObject(Echo, server.url).echo(1), MethodNotFoundError);
  });
}
