/** What a client does in a conversation: a little of everything, each thing whether or not the one before succeeded. */
import type { RemotingDomain } from "remoting";
import { Account, Bank, Coin, Purse, Sum } from "./contract.ts";

/** The size of a conversation: `large` has payloads in fragments. */
export type ScriptName = "small" | "references" | "large";

/** Does a thing that may fail, because it is the peer that is wrong. */
async function attempt(thing: () => PromiseLike<unknown>): Promise<unknown> {
  try {
    return await thing();
  } catch {
    return undefined;
  }
}

const values = [
  undefined,
  -0,
  1.5,
  70_000,
  "text",
  "ünïcödé 𝄞",
  [1, "a", null, true, [[[]]]],
  { a: { b: { c: [1] } }, $dollar: 1 },
  new Map<unknown, unknown>([
    ["key", 1],
    [2, new Set([1])],
  ]),
  new Date(86_400_000),
  2n ** 70n,
  new Float64Array([1, 2]),
  new Coin(5),
  new TypeError("by value", { cause: new Error("inner") }),
];

const scripts: Readonly<Record<ScriptName, (domain: RemotingDomain, url: string) => Promise<void>>> = {
  async small(domain, url) {
    const bank = domain.getObject(Bank, `${url}/Bank`);
    const sum = domain.getObject(Sum, `${url}/Sum`);
    await Promise.all([
      ...[...values, ...values].map((value) => attempt(() => bank.echo(value))),
      // Twice the same shape, so that it gets a number.
      ...[1, 2, 3, 4, 5, 6].map((row) => attempt(() => bank.later({ row, name: "x", flags: [true] }))),
      attempt(() => sum.of(1, 2, 3)),
      attempt(() => bank.fail("on purpose")),
      attempt(() => bank.note("one-way")),
      attempt(() => bank.length(new Uint8Array(5_000), Buffer.alloc(6_000))),
      attempt(() => bank.bytes(5_000)),
    ]);
  },

  async references(domain, url) {
    const bank = domain.getObject(Bank, `${url}/Bank`);
    await attempt(() => bank.ask(async (text) => `${text} nothing`));
    await attempt(async () => {
      const purse = await bank.purse();
      await attempt(() => purse.add(new Coin(2)));
      await attempt(() => bank.count(purse));
      await attempt(() => bank.echo([purse, purse]));
      await attempt(() => purse[Symbol.asyncDispose]());
    });
    await attempt(() => bank.count(new Purse()));
    await attempt(async () => {
      const account = await domain.createInstance(Account, url, "ada");
      await account.name();
      await account[Symbol.asyncDispose]();
    });
    await attempt(async () => {
      const controller = new AbortController();
      const waiting = attempt(() => bank.wait(controller.signal));
      await attempt(() => bank.echo("meanwhile"));
      controller.abort();
      await waiting;
    });
    await attempt(async () => {
      const controller = new AbortController();
      const given = domain.withOptions(bank, { signal: controller.signal });
      const waiting = attempt(() => given.wait(new AbortController().signal));
      await attempt(() => bank.echo("meanwhile"));
      controller.abort();
      await waiting;
    });
  },

  async large(domain, url) {
    const bank = domain.getObject(Bank, `${url}/Bank`);
    await Promise.all([
      attempt(() => bank.echo("x".repeat(70_000))),
      attempt(() => bank.length(new Uint8Array(80_000), new Uint8Array(10))),
      attempt(() => bank.bytes(90_000)),
      attempt(() => bank.echo("small")),
    ]);
  },
};

/** Runs a conversation to its end. Never rejects. */
export function converse(name: ScriptName, domain: RemotingDomain, url: string): Promise<void> {
  return scripts[name](domain, url);
}
