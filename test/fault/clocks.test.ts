/**
 * Time that does strange things: a clock on the wall that jumps, a process that is stopped and goes on, a monotonic
 * clock that has moved on by ten minutes. Nothing may depend on the first, and nobody may be given up for the others.
 */
import assert from "node:assert/strict";
import { ConnectionLostError, type Remote, RemotingDomain, RemotingTimeoutError } from "remoting";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { Target } from "./contract.ts";
import { printFigures } from "./figures.ts";
import { connectionFailureOf, outcomeOf } from "./outcome.ts";
import { Journal, ServerProcess } from "./server-process.ts";
import { Victim } from "./victim.ts";
import { within } from "./within.ts";

const day = 24 * 60 * 60_000;
const patience = 30_000;
let lastId = 0;

let journal: Journal;
let server: ServerProcess;
let other: ServerProcess;
let domain: RemotingDomain;
let target: Remote<Target>;

beforeAll(async () => {
  journal = await Journal.create();
  [server, other] = await Promise.all([
    ServerProcess.start({ journal: journal.path }),
    ServerProcess.start({ journal: journal.path }),
  ]);
  await server.listen();
  await other.listen();
  domain = new RemotingDomain();
  target = domain.getObject(Target, server.url);
});

afterEach(() => {
  vi.useRealTimers();
});

afterAll(async () => {
  await domain?.close();
  await other?.stop();
  await server?.stop();
  await journal?.remove();
});

test.each([day, -day])("a wall clock that jumps by %i ms changes nothing, on either side", async (jump) => {
  let lost = 0;
  domain.on("disconnected", () => void lost++);
  const victim = domain.getObject(Victim, server.url);
  const id = ++lastId;
  const child = await target.child();
  const blocked = target.block(id);
  await server.whenStarted(id);
  const started = performance.now();
  const late = outcomeOf(domain.withOptions(target, { timeout: 300 }).block(++lastId));

  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Date.now() + jump);
  const there = new Date(await victim.shiftWallClock(jump));
  expect(Math.abs(there.getTime() - Date.now())).toBeLessThan(day / 2);

  assert.equal(await target.echo("still there"), "still there");
  assert.equal(await child.ping(), "child");
  // A deadline comes when it would have come: not at once, and not in a day.
  const outcome = await within(patience, late, "the end of a call with a deadline");
  assert(outcome.kind === "failed" && outcome.error instanceof RemotingTimeoutError);
  expect(performance.now() - started).toBeGreaterThan(290);
  await target.release(id);
  assert.equal(await within(patience, blocked, "the call that was under way"), id);
  await victim.shiftWallClock(0);
  expect(lost).toBe(0);
});

/** Long enough to be late for everything that these limits watch, several times. */
const sleep = 5_000;
const impatient = { pingInterval: 250, pingTimeout: 2_000, writeTimeout: 2_000, progressTimeout: 2_000 };

/** A call from one process to another that is under way while something happens to the two. */
async function whileWaiting(happens: () => Promise<void>) {
  const id = ++lastId;
  const waiting = domain
    .withOptions(domain.getObject(Victim, other.url), { timeout: 0 })
    .waitFor(server.url, id, impatient, 1_000);
  await server.whenStarted(id);
  await happens();
  // Time for the connection to be looked at, over there.
  await domain.getObject(Target, other.url).wait(3_000);
  await target.release(id);
  assert.deepEqual(await within(patience, waiting, "the calls of the other process"), {
    value: id,
    // Its time was over, and it said so in the usual way.
    timed: "RemotingTimeoutError",
    // The silence was not held against anybody.
    lost: 0,
    after: id,
  });
}

test("a client that is stopped and goes on keeps its connection, its calls, and its deadlines", async () => {
  const started = performance.now();
  await whileWaiting(async () => {
    other.freeze();
    await target.wait(sleep);
    other.thaw();
  });
  printFigures("client stopped", { "stopped ms": sleep, "ms in all": performance.now() - started });
});

test("a client and a server that are stopped and go on, as on one machine that sleeps, keep them too", async () => {
  await whileWaiting(async () => {
    const asleep = new Promise((resolve) => setTimeout(resolve, sleep));
    other.freeze();
    server.freeze();
    await asleep;
    server.thaw();
    other.thaw();
  });
});

test("a monotonic clock that has moved on by ten minutes, as after a sleep that it counts", async () => {
  await whileWaiting(async () => {
    await domain.getObject(Victim, other.url).shiftMonotonicClock(10 * 60_000);
  });
});

test("a server that stays stopped is given up, and is as good as new when it goes on", async () => {
  const watchful = new RemotingDomain({ limits: { pingInterval: 200, pingTimeout: 800 } });
  try {
    const watched = watchful.getObject(Target, server.url);
    const id = ++lastId;
    const blocked = outcomeOf(watched.block(id, new AbortController().signal));
    await server.whenStarted(id);
    server.freeze();
    const error = connectionFailureOf(await within(patience, blocked, "the end of the call"));
    assert(error instanceof ConnectionLostError);
    expect(error).toMatchObject({ reason: "unresponsive", mayHaveExecuted: true });
    const next = watched.echo("again");
    server.thaw();
    assert.equal(await within(patience, next, "the call over a new connection"), "again");
    // The method that was left behind is told.
    const aborted = async () => {
      while ((await target.abortedCount()) === 0) await target.wait(10);
    };
    await within(patience, aborted(), "the signal of the call that was given up");
  } finally {
    await watchful.close();
  }
});
