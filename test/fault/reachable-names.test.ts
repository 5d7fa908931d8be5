/**
 * What a peer can name. On the wire there are two things to ask for, a call and a construction: every name that
 * JavaScript knows is asked for in both ways, of every kind of thing that can be called.
 */
import { jsonFormatter, RemotingDomain, transportChannel } from "remoting";
import { parseChannelUrl } from "remoting/spi";
import { describe, expect, onTestFinished, test } from "vitest";
import { checkObjectUri } from "../../src/contract/object-uri.ts";
import { parseTcpAddress } from "../../src/transports/tcp/tcp-address.ts";
import { frame, ScriptedTransport } from "../unit/session/scripted-connection.ts";
import { fingerprintPrototypes } from "./contract.ts";
import { fault, flag, kind, magic, readFault } from "./frames.ts";
import { Account, Bank, Purse, Sum } from "./fuzz/contract.ts";
import { createRandom } from "./random.ts";

const names = [
  ...new Set(
    [Object, Function, Promise, Array, Symbol, Proxy, Reflect].flatMap((type) => [
      ...Object.getOwnPropertyNames(type),
      ...("prototype" in type ? Object.getOwnPropertyNames(type.prototype) : []),
    ]),
  ),
  "get",
  "set",
  "get name",
  "set name",
  "Symbol(Symbol.dispose)",
  "Symbol.asyncDispose",
  "initializeLifetimeService",
  "toJSON",
  "#coins",
  "owner",
]
  // These two are methods of the contract.
  .filter((name) => name !== "of" && name !== "name" && name !== "length");

async function open() {
  const transport = new ScriptedTransport();
  const domain = new RemotingDomain({ closeGrace: 0 });
  onTestFinished(() => domain.close());
  domain.on("unobservedError", () => {});
  domain.registerChannel(transportChannel(transport, { formatter: jsonFormatter() }));
  await domain.serve("scripted://here", [Account, Bank, Sum]);
  const connection = transport.accept();
  connection.deliver(
    frame(kind.hello, 0, 0, (writer) => {
      writer.writeUint32(magic);
      writer.writeUint8(1);
      writer.writeUint8(0);
      writer.writeUint32(0);
      writer.writeUint32(1024 * 1024);
      writer.writeString("json");
      writer.writeVarUint(0);
    }),
  );
  await connection.next(kind.welcome);
  let id = 0;
  const ask = (target: string, method: string, args = "[]", flags = 0): number => {
    connection.deliver(
      frame(kind.call, flags, ++id, (writer) => {
        writer.writeVarUint(0);
        writer.writeString(target);
        writer.writeString(method);
        writer.writeBytes(Buffer.from(args));
      }),
    );
    return id;
  };
  const idIn = async (asked: number): Promise<string> => {
    const { body } = await connection.next(kind.result, asked);
    return /~[\w-]{22}/.exec(body.toString())?.[0] ?? expect.fail(body.toString());
  };
  return { connection, ask, idIn };
}

describe(`${names.length} names`, () => {
  test.each<readonly [string, (scene: Awaited<ReturnType<typeof open>>) => Promise<string>]>([
    ["a singleton", async () => "Bank"],
    ["a single call", async () => "Sum"],
    ["an activated object", ({ ask, idIn }) => idIn(ask("Account", "", '["ada"]', flag.construct))],
    ["a returned object", ({ ask, idIn }) => idIn(ask("Bank", "purse"))],
    [
      "an object of the server's that it has passed on to the client",
      async ({ ask, idIn }) => {
        const purse = await idIn(ask("Bank", "purse"));
        return idIn(ask("Bank", "echo", `[{"$":[10,"${purse}"]}]`));
      },
    ],
    [
      "a function that the server has lent",
      async ({ connection, ask }) => {
        ask("Bank", "lend", '[{"$":[9,"~receiver"]}]');
        const { body } = await connection.next(kind.call);
        return /~[\w-]{22}/.exec(body.toString("latin1"))?.[0] ?? expect.fail("nothing was lent");
      },
    ],
  ])("of %s are refused, before the arguments are looked at", async (_what, targetOf) => {
    const scene = await open();
    const { connection, ask } = scene;
    const before = fingerprintPrototypes();
    const target = await targetOf(scene);
    for (const name of names) {
      for (const flags of [0, flag.construct]) {
        // The arguments are no JSON at all.
        const refusal = readFault(await connection.next(kind.fault, ask(target, name, "{[", flags)));
        expect([fault.methodNotFound, fault.serviceNotFound], `${name}: ${refusal.message}`).toContain(
          refusal.code,
        );
        expect(refusal.mayHaveExecuted).toBe(false);
      }
    }
    expect(connection.sent.filter((one) => one.kind === kind.call)).toEqual([]);
    expect(fingerprintPrototypes()).toBe(before);
  });

  test("as keys of arguments are only data", async () => {
    const { connection, ask } = await open();
    for (const name of names.filter((candidate) => candidate !== "__proto__")) {
      const value = JSON.stringify([{ [name.startsWith("$") ? `$${name}` : name]: 1 }]);
      const { body } = await connection.next(kind.result, ask("Bank", "echo", value));
      expect(`[${body}]`).toBe(value);
    }
    const proto = ask("Bank", "echo", '[{"__proto__":{"polluted":true}}]');
    expect(readFault(await connection.next(kind.fault, proto)).code).toBe(fault.serialization);
    expect("polluted" in {}).toBe(false);
  });

  test("that are not on the prototype of a class are none of its methods, whatever the object has", () => {
    expect(Object.getOwnPropertyNames(Purse.prototype)).toEqual(["constructor", "add", "self"]);
  });
});

describe("addresses and URIs", () => {
  const alphabet = [
    "a",
    "1",
    ":",
    "/",
    "//",
    "[",
    "]",
    "%",
    ".",
    "..",
    "~",
    " ",
    "\\",
    "\0",
    "é",
    "@",
    "?",
    "#",
    "tcp://",
  ];

  test("100,000 strings, made to be read slowly: none takes 5 ms of the processor", () => {
    const random = createRandom(17);
    let worst = 0;
    for (let made = 0; made < 100_000; made++) {
      const unit = Array.from({ length: 1 + random(4) }, () => alphabet[random(alphabet.length)]).join("");
      const text = (random(2) === 0 ? "tcp://" : "") + unit.repeat(1 + random(made % 100 === 0 ? 2_000 : 20));
      const read = () => {
        for (const parse of [
          parseChannelUrl,
          parseTcpAddress,
          (uri: string) => checkObjectUri(uri, "Test"),
        ]) {
          try {
            parse(text);
          } catch (error) {
            if (!(error instanceof TypeError)) throw error;
          }
        }
      };
      const started = performance.now();
      read();
      if (performance.now() - started < 5) continue;
      // Others may have had the processor: three times in a row they do not, if it is the string.
      const times = [1, 2, 3].map(() => {
        const cpu = process.cpuUsage();
        read();
        return process.cpuUsage(cpu).user / 1000;
      });
      worst = Math.max(worst, Math.min(...times));
      expect(worst, JSON.stringify(text.slice(0, 100))).toBeLessThan(5);
    }
  });

  test("2,048 characters of a URL are read and 2,049 are not", () => {
    const url = (length: number) => `tcp://${"x".repeat(length - 6)}`;
    expect(parseChannelUrl(url(2_047)).address).toHaveLength(2_041);
    expect(parseChannelUrl(url(2_048)).address).toHaveLength(2_042);
    expect(() => parseChannelUrl(url(2_049))).toThrow("2048 characters, not 2049");
  });
});
