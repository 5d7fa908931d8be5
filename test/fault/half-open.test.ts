/**
 * A connection that is half open: one side or the network is gone without a word. Only time can tell, and it
 * has to; but a peer that is merely silent, because it works, is left alone.
 */
import assert from "node:assert/strict";
import { ConnectionLostError, RemotingDomain, type SessionLimits, tcpChannel } from "remoting";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { Target } from "./contract.ts";
import { CuttingProxy } from "./cutting-proxy.ts";
import { printFigures } from "./figures.ts";
import { connectionFailureOf, type Outcome, outcomeOf } from "./outcome.ts";
import { Journal, ServerProcess } from "./server-process.ts";
import { within } from "./within.ts";

// Longer than a busy machine keeps a process waiting: whoever is alive has to have answered by then.
const pingInterval = 250;
const pingTimeout = 2_000;
const limits: Partial<SessionLimits> = { pingInterval, pingTimeout };
/** The silence is looked for every quarter of the shorter of the two, twice; the rest is for a busy machine. */
const latest = pingInterval + pingTimeout + 600 + 20_000;
const connections = 50;

let journal: Journal;
let server: ServerProcess;
let direct: RemotingDomain;
let proxy: CuttingProxy;
let lastId = 0;

beforeAll(async () => {
  journal = await Journal.create();
  server = await ServerProcess.start({ journal: journal.path, limits });
  await server.listen();
  direct = new RemotingDomain();
});

afterAll(async () => {
  await direct?.close();
  await server?.stop();
  await journal?.remove();
});

beforeEach(async () => {
  const started = await CuttingProxy.start(server.port);
  proxy = started;
  onTestFinished(() => started.close());
});

/** A client of its own, which looks after its connection or does not. */
function connect(watchful: boolean) {
  const domain = new RemotingDomain({ closeGrace: 0 });
  domain.registerChannel(tcpChannel(watchful ? { limits } : {}));
  onTestFinished(() => domain.close());
  return domain.getObject(Target, proxy.url);
}

/** Calls that are under way, each over a connection of its own. */
async function block(watchful: boolean): Promise<Promise<{ outcome: Outcome; at: number }>[]> {
  return Promise.all(
    Array.from({ length: connections }, async () => {
      const id = ++lastId;
      const call = outcomeOf(connect(watchful).block(id, new AbortController().signal));
      await server.whenStarted(id);
      // Wrapped, or it would be waited for here.
      return [call.then((outcome) => ({ outcome, at: performance.now() }))] as const;
    }),
  ).then((calls) => calls.map(([call]) => call));
}

async function expectLost(
  calls: readonly Promise<{ outcome: Outcome; at: number }>[],
  since: number,
  reason: string,
): Promise<{ soonest: number; latest: number }> {
  const settled = await within(latest + 1_000, Promise.all(calls), "the end of the calls");
  for (const { outcome } of settled) {
    const error = connectionFailureOf(outcome);
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect(error).toMatchObject({ reason, mayHaveExecuted: true });
  }
  const times = settled.map(({ at }) => at - since);
  return { soonest: Math.min(...times), latest: Math.max(...times) };
}

test(`nothing comes any more: ${connections} clients notice it, and so does the server`, async () => {
  const watch = direct.getObject(Target, server.url);
  const before = await watch.abortedCount();
  const calls = await block(true);
  proxy.silence();
  const times = await expectLost(calls, performance.now(), "unresponsive");
  expect(times.latest).toBeLessThan(latest);
  // Not before they were asked and had time to answer. The last sign of life may be older than the silence.
  expect(times.soonest).toBeGreaterThan(pingTimeout - 20);
  const gone = async () => {
    while ((await watch.vitals()).connections > 1) await watch.wait(20);
  };
  await within(latest, gone(), "the server's end of the connections");
  expect((await watch.abortedCount()) - before).toBe(connections);
  printFigures("half open", {
    connections,
    "soonest ms": times.soonest,
    "latest ms": times.latest,
    "configured ms": pingInterval + pingTimeout,
  });
});

test("the client can be heard no more: the server ends the connection, and the calls with it", async () => {
  const calls = await block(false);
  proxy.silence("client");
  const times = await expectLost(calls, performance.now(), "closed");
  expect(times.latest).toBeLessThan(latest);
});

test("a call that takes far longer than the silence allowed is left alone", async () => {
  const time = (pingInterval + pingTimeout) * 2;
  const started = performance.now();
  assert.equal(await connect(true).wait(time), "waited");
  expect(performance.now() - started).toBeGreaterThan(time - 20);
});

test("an idle connection that is answered stays the same one", async () => {
  const domain = new RemotingDomain();
  domain.registerChannel(tcpChannel({ limits }));
  onTestFinished(() => domain.close());
  let connected = 0;
  domain.on("connected", () => void connected++);
  const target = domain.getObject(Target, proxy.url);
  await target.echo(1);
  // Time that passes elsewhere: this connection carries nothing but its own signs of life.
  await direct.getObject(Target, server.url).wait((pingInterval + pingTimeout) * 2);
  assert.equal(await target.echo(2), 2);
  expect(connected).toBe(1);
});

test("a server that accepts and is never heard of again is given up after the handshake time", async () => {
  proxy.silence();
  const domain = new RemotingDomain();
  domain.registerChannel(tcpChannel({ limits: { handshakeTimeout: 200 } }));
  onTestFinished(() => domain.close());
  const outcome = await within(20_000, outcomeOf(domain.getObject(Target, proxy.url).echo(1)), "the call");
  const error = connectionFailureOf(outcome);
  expect(error.name).toBe("ConnectError");
  expect(error.message).toContain("200 ms");
});
