/**
 * A server that is killed: before a call is sent, while its methods run, and after it has answered, with calls
 * streaming in all the time. The journal, which the server appends to before a method does anything, is the
 * witness of what really ran.
 */
import assert from "node:assert/strict";
import {
  ConnectError,
  ConnectionLostError,
  ObjectDisconnectedError,
  type Remote,
  RemotingDomain,
} from "remoting";
import { afterAll, expect, test } from "vitest";
import { freePort } from "../free-port.ts";
import { Cart, Target } from "./contract.ts";
import { printFigures } from "./figures.ts";
import { killServers } from "./killed-servers.ts";
import { connectionFailureOf, judge, type Outcome, outcomeOf } from "./outcome.ts";
import { createRandom } from "./random.ts";
import { Journal, ServerProcess } from "./server-process.ts";
import { within } from "./within.ts";

const rounds = 30;
const standbyServers = 2;
/** Long enough for the busiest machine; what is measured is printed. */
const settleTime = 15_000;

const closing: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

test(`${rounds} servers are killed at one port`, { timeout: 300_000 }, async () => {
  const journal = await Journal.create();
  closing.push(() => journal.remove());
  const random = createRandom(20_260_729);
  const port = await freePort();
  const url = `tcp://127.0.0.1:${port}`;

  // The next servers start up while the present one is being killed.
  const standby: Promise<ServerProcess>[] = [];
  let servers = 0;
  const nextServer = async (): Promise<ServerProcess> => {
    while (standby.length < standbyServers && servers <= rounds) {
      servers++;
      const started = ServerProcess.start({ journal: journal.path });
      closing.push(async () => (await started).kill());
      started.catch(() => {});
      standby.push(started);
    }
    const server = await standby.shift();
    assert(server !== undefined);
    await server.listen(port);
    return server;
  };

  const connect = () => {
    const domain = new RemotingDomain();
    closing.push(() => domain.close());
    return { domain, target: domain.getObject(Target, url) };
  };
  const main = connect();
  const streaming = connect();
  const idle = connect();

  const outcomes = new Map<number, Outcome>();
  let lastId = 0;
  let settled = 0;
  const track = async (id: number, call: PromiseLike<unknown>): Promise<Outcome> => {
    const outcome = await outcomeOf(call);
    assert(!outcomes.has(id));
    outcomes.set(id, outcome);
    settled++;
    return outcome;
  };
  const callJournaled = (target: Remote<Target>): Promise<Outcome> => {
    const id = ++lastId;
    return track(id, target.journaled(id));
  };

  /** Keeps 16 calls in flight until one of them fails; resolves `reached` after so many results. */
  const stream = (wanted: number) => {
    let results = 0;
    let reach: () => void = () => {};
    const reached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    const lane = async (_: unknown, number: number): Promise<Outcome> => {
      for (;;) {
        const id = ++lastId;
        const { target } = streaming;
        const call = number % 2 === 0 ? target.journaled(id) : target.journaledLater(id);
        const outcome = await track(id, call);
        if (outcome.kind === "failed") return outcome;
        if (++results === wanted) reach();
      }
    };
    const ended = Promise.all(Array.from({ length: 16 }, lane));
    return { reached, ended };
  };

  const started = performance.now();
  let slowestSettling = 0;
  let slowestReconnect = 0;
  let inFlight = 0;
  let server = await nextServer();
  for (let round = 0; round < rounds; round++) {
    // Answered before the kill.
    const answered = await callJournaled(main.target);
    assert.deepEqual(answered, { kind: "result", value: lastId });
    const cart = await main.domain.createInstance(Cart, url, "ada");
    const child = await main.target.child();
    assert.equal(await cart.getOwner(), "ada");
    assert.equal(await child.ping(), "child");
    assert.equal((await callJournaled(idle.target)).kind, "result");

    // In the handler when it is killed.
    const blocked = Array.from({ length: 1 + random(64) }, () => ++lastId);
    inFlight += blocked.length;
    let settledBlocked = 0;
    let settledInOneTurn: number | undefined;
    const failures = blocked.map(async (id) => {
      const outcome = await track(id, main.target.block(id));
      settledBlocked++;
      // Promise reactions run before the next turn: whatever has not settled then did not settle at once.
      if (settledBlocked === 1) setImmediate(() => (settledInOneTurn = settledBlocked));
      return outcome;
    });
    for (const id of blocked) await server.whenStarted(id);
    const { reached, ended } = stream(1 + random(400));
    await reached;

    const killedAt = performance.now();
    const killed = server.kill();
    // Sent into a connection whose other end is gone, which nobody has noticed yet.
    const lateCall = callJournaled(idle.target);
    for (const outcome of await within(settleTime, Promise.all(failures), "the calls in flight")) {
      const error = connectionFailureOf(outcome);
      expect(error).toBeInstanceOf(ConnectionLostError);
      expect(error).toMatchObject({ reason: "closed", mayHaveExecuted: true, code: "ERR_CONNECTION_LOST" });
    }
    slowestSettling = Math.max(slowestSettling, performance.now() - killedAt);
    await new Promise(setImmediate);
    expect(settledInOneTurn).toBe(blocked.length);
    // The last of a stream may have come after the end of the connection, and met a port on which nobody listens.
    for (const outcome of await within(settleTime, ended, "the streaming calls"))
      connectionFailureOf(outcome);
    connectionFailureOf(await within(settleTime, lateCall, "the late call"));
    await killed;

    // Not sent at all: nobody listens.
    const refused = await within(settleTime, callJournaled(main.target), "the refused call");
    const refusal = connectionFailureOf(refused);
    expect(refusal).toBeInstanceOf(ConnectError);
    expect(refusal.message).toContain(url);
    expect(refusal.message).toContain("ECONNREFUSED");

    // Back at the same port.
    server = await nextServer();
    const backAt = performance.now();
    const again = await within(settleTime, callJournaled(main.target), "the call to the new server");
    assert.deepEqual(again, { kind: "result", value: lastId });
    slowestReconnect = Math.max(slowestReconnect, performance.now() - backAt);
    for (const gone of [cart.getOwner(), child.ping()]) {
      const outcome = await within(settleTime, outcomeOf(gone), "the call to an object that is gone");
      assert(outcome.kind === "failed");
      expect(outcome.error).toBeInstanceOf(ObjectDisconnectedError);
      expect(outcome.error.mayHaveExecuted).toBe(false);
    }
  }
  expect(settled).toBe(lastId);
  const verdict = judge(outcomes, await journal.executions());
  expect(verdict.notExecuted).toBeGreaterThanOrEqual(rounds);
  expect(verdict.mayHaveAndDid).toBeGreaterThanOrEqual(inFlight);
  await main.domain.close();
  await streaming.domain.close();
  await idle.domain.close();
  await server.stop();
  printFigures("server killed", {
    kills: rounds,
    ...verdict,
    "killed in the handler": inFlight,
    "slowest settling ms": slowestSettling,
    "slowest reconnect ms": slowestReconnect,
    seconds: (performance.now() - started) / 1000,
  });
});

/** So many at each moment, in two lanes, each with a port of its own: as many as there are cores. */
const killsInEachLane = 50;

test.each(["before sending", "in the handler", "after the reply"] as const)(
  `${killsInEachLane * 2} servers are killed %s`,
  { timeout: 900_000 },
  async (moment) => {
    const started = performance.now();
    const figures = await Promise.all(
      [1, 2].map((lane) => killServers(moment, (kills) => kills >= killsInEachLane, lane)),
    );
    for (const [index, lane] of figures.entries()) {
      printFigures(`server killed ${moment}, lane ${index + 1}`, {
        ...lane,
        seconds: (performance.now() - started) / 1000,
      });
      expect(lane.notExecuted).toBeGreaterThanOrEqual(killsInEachLane);
      if (moment === "in the handler") expect(lane.mayHaveAndDid).toBeGreaterThanOrEqual(killsInEachLane * 2);
    }
  },
);
