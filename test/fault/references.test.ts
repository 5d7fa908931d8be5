/** References over a long time, and after the death of whoever held them: nothing piles up, and nothing stays. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { MarshalByRefObject, RemotingDomain, type Sponsor } from "remoting";
import { describe, expect, onTestFinished, test } from "vitest";
import { FakeClock } from "../fake-clock.ts";
import { printFigures } from "./figures.ts";
import { forkProgram } from "./program.ts";
import { type PassedReport, type ReferenceReport, Taker, Token } from "./reference-contract.ts";

/** The whole number takes minutes on a busy machine: the soak test makes it. */
const isSoak = process.env.REMOTING_SOAK !== undefined;
const closures = isSoak ? 1_000_000 : 40_000;

async function start(name: string, ...args: string[]): Promise<ChildProcess> {
  const child = await forkProgram(name, args);
  child.stdout?.resume();
  child.stderr?.pipe(process.stderr);
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  });
  return child;
}

async function startServer(): Promise<{ readonly server: ChildProcess; readonly url: string }> {
  const server = await start("reference-server");
  const [url] = await once(server, "message");
  return { server, url: String(url) };
}

async function ask(child: ChildProcess, command: string): Promise<ReferenceReport> {
  const answer = once(child, "message");
  child.send(command);
  const [told] = await answer;
  return told as ReferenceReport;
}

/** Asks, and collects meanwhile, until both hold nothing. The end of the test is what bounds it. */
async function untilNothingIsHeld(server: ChildProcess, client: ChildProcess): Promise<void> {
  for (;;) {
    const reports = [await ask(server, "collect"), await ask(client, "collect")];
    if (reports.every(({ lent, borrowed }) => lent === 0 && borrowed === 0)) return;
  }
}

describe("functions that are passed and forgotten", { timeout: isSoak ? 3_600_000 : 120_000 }, () => {
  test(`${closures} calls with a fresh one each leave both tables as they were`, async () => {
    const { server, url } = await startServer();
    const client = await start("reference-client", url, "pass", String(closures));
    const [passed] = (await once(client, "message")) as [PassedReport];
    // As many as the garbage collector leaves, without being told: the limit is 100,000, and no call was refused.
    expect(passed.most).toBeLessThan(100_000);
    await untilNothingIsHeld(server, client);
    printFigures("fresh functions", { calls: closures, ...passed });
  });

  test(`${closures} calls with a scoped one each never leave any`, async () => {
    const { server, url } = await startServer();
    const client = await start("reference-client", url, "pass scoped", String(closures));
    const [passed] = (await once(client, "message")) as [PassedReport];
    expect(passed).toMatchObject({ most: 0, left: 0 });
    // Nothing had to be collected for it.
    expect(await ask(server, "look")).toEqual({ lent: 0, borrowed: 0 });
    printFigures("scoped functions", { calls: closures, ...passed });
  });
});

describe("objects that a client holds", { timeout: 120_000 }, () => {
  test("stay as long as it has their proxies, and go when those were collected", async () => {
    const { server, url } = await startServer();
    const client = await start("reference-client", url, "hold", "2000");
    await once(client, "message");
    await ask(client, "collect");
    expect(await ask(server, "collect")).toEqual({ lent: 2_000, borrowed: 0 });
    await ask(client, "drop");
    await untilNothingIsHeld(server, client);
  });

  test("go when their time is over after it was killed, and sponsors are asked once", async () => {
    const held = 10_000;
    const clock = new FakeClock();
    const server = new RemotingDomain({ leases: { clock } });
    onTestFinished(() => server.close());
    const lent: object[] = [];
    server.on("objectMarshaled", (object) => {
      if (object instanceof Token) lent.push(object);
    });
    const host = await server.serve("tcp://127.0.0.1:0", [Taker, Token]);
    const client = await start("reference-client", String(host.urls[0]), "hold and sponsor", String(held));
    await once(client, "message");
    expect(lent).toHaveLength(held);

    const asked = new Map<object, number>();
    class Watcher extends MarshalByRefObject implements Sponsor {
      readonly object: object;

      constructor(object: object) {
        super();
        this.object = object;
      }

      renewal(): number {
        asked.set(this.object, (asked.get(this.object) ?? 0) + 1);
        return 0;
      }
    }
    for (const object of lent) {
      assert(object instanceof Token);
      const lease = await server.getLifetimeService(object);
      lease?.register(new Watcher(object));
    }

    const disconnected = once(server, "disconnected");
    client.kill("SIGKILL");
    await disconnected;
    await clock.passAndSettle(4.5 * 60_000);
    expect(server.statistics.lentObjects).toBe(held);
    expect(asked.size).toBe(0);
    await clock.passAndSettle(60_000);
    while (server.statistics.lentObjects > 0) await turn();
    expect(asked.size).toBe(held);
    expect([...asked.values()].every((times) => times === 1)).toBe(true);
    expect(clock.waiting).toBe(0);
    printFigures("client killed with references", { held, sponsorsAskedOnce: asked.size });
  });
});
