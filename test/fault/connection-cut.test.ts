/**
 * A connection that ends after every single byte of a conversation, in either direction, in good order and by
 * a reset: the call fails as it should, the server lives, and others never notice.
 */
import assert from "node:assert/strict";
import { ConnectError, ConnectionLostError, type Remote, RemotingDomain } from "remoting";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Target } from "./contract.ts";
import { CuttingProxy } from "./cutting-proxy.ts";
import { printFigures } from "./figures.ts";
import { connectionFailureOf, judge, type Outcome, outcomeOf } from "./outcome.ts";
import { createRandom } from "./random.ts";
import { Journal, ServerProcess } from "./server-process.ts";
import { within } from "./within.ts";

/** In which a conversation has to end. Long, for busy machines; how long it took is printed. */
const caseTime = 15_000;

let journal: Journal;
let server: ServerProcess;
let proxy: CuttingProxy;
let witnessDomain: RemotingDomain;
let witness: Remote<Target>;
let lost = 0;

beforeAll(async () => {
  journal = await Journal.create();
  server = await ServerProcess.start({ journal: journal.path });
  await server.listen();
  proxy = await CuttingProxy.start(server.port);
  witnessDomain = new RemotingDomain();
  witnessDomain.on("disconnected", () => void lost++);
  witness = witnessDomain.getObject(Target, server.url);
  await witness.echo("connected");
});

afterAll(async () => {
  await proxy?.close();
  await witnessDomain?.close();
  await server?.stop();
  await journal?.remove();
});

/** Ids whose encoding is equally long, so that all conversations are. */
let lastId = 100_000;
const outcomes = new Map<number, Outcome>();

/** A conversation of handshake, call, callback, its answer, and the result, over a connection of its own. */
async function converse(): Promise<{ readonly outcome: Outcome; readonly milliseconds: number }> {
  const id = ++lastId;
  const started = performance.now();
  const domain = new RemotingDomain();
  try {
    const call = domain
      .getObject(Target, proxy.url)
      .callBack(id, (point) => Promise.resolve({ x: point.x, y: point.y }));
    const outcome = await within(caseTime, outcomeOf(call), `the call ${id}`);
    outcomes.set(id, outcome);
    if (outcome.kind === "result") assert.deepEqual(outcome.value, { x: id, y: -id });
    return { outcome, milliseconds: performance.now() - started };
  } finally {
    await within(caseTime, domain.close(), "the client's close");
  }
}

async function measureConversation(): Promise<{ readonly client: number; readonly server: number }> {
  proxy.plan = {};
  proxy.recording = true;
  assert.equal((await converse()).outcome.kind, "result");
  proxy.recording = false;
  const carried = proxy.carried.pop();
  assert(carried !== undefined);
  return { client: Buffer.concat(carried.client).length, server: Buffer.concat(carried.server).length };
}

/** The bytes of the first message, which is the handshake: a length and as many bytes. */
async function handshakeLength(direction: "client" | "server"): Promise<number> {
  proxy.plan = {};
  proxy.recording = true;
  await converse();
  proxy.recording = false;
  const carried = proxy.carried.pop();
  assert(carried !== undefined);
  return 4 + Buffer.concat(carried[direction]).readUInt32BE(0);
}

describe.each(["client", "server"] as const)("the %s's bytes", (direction) => {
  test.each(["end", "reset"] as const)("then the connection sees an %s", async (end) => {
    const length = (await measureConversation())[direction];
    const handshake = await handshakeLength(direction);
    expect(handshake).toBeLessThan(length);
    const started = performance.now();
    let slowest = 0;
    let connectErrors = 0;
    for (let bytes = 0; bytes <= length; bytes++) {
      proxy.plan =
        direction === "client" ? { clientBytes: bytes, finish: end } : { serverBytes: bytes, finish: end };
      const { outcome, milliseconds } = await converse();
      slowest = Math.max(slowest, milliseconds);
      // Whoever got the last byte before the end may have answered it, or been answered.
      if (bytes < length || outcome.kind === "failed") {
        const error = connectionFailureOf(outcome);
        if (bytes < handshake) {
          expect(error, `after ${bytes} bytes`).toBeInstanceOf(ConnectError);
          connectErrors++;
        } else if (direction === "server") {
          // The handshake was complete, so the call has left.
          expect(error, `after ${bytes} bytes`).toBeInstanceOf(ConnectionLostError);
          expect(error).toMatchObject({ mayHaveExecuted: true });
        }
        if (error instanceof ConnectionLostError) expect(error.reason).toBe("closed");
      }
      assert.equal(await within(caseTime, witness.echo(bytes), "the other client's call"), bytes);
    }
    printFigures(`connection cut in the ${direction}'s bytes by ${end}`, {
      cases: length + 1,
      "before the handshake's end": connectErrors,
      "slowest ms": slowest,
      seconds: (performance.now() - started) / 1000,
    });
  });
});

test("no call ran that was said not to have, and the server has forgotten all of them", async () => {
  const verdict = judge(outcomes, await journal.executions());
  expect(verdict.mayHaveAndDid).toBeGreaterThan(100);
  expect(verdict.notExecuted).toBeGreaterThan(20);
  expect(lost).toBe(0);
  expect((await witness.vitals()).connections).toBe(1);
  printFigures("connection cut, against the journal", { ...verdict });
});

describe("a stream that arrives in pieces means the same", () => {
  /** Whoever answers this has read what was sent to it before. */
  const barrier = () => witness.echo(0);

  test("cut once at every byte, in both directions", async () => {
    const { client, server: answers } = await measureConversation();
    const started = performance.now();
    for (let at = 1; at < client; at++) {
      proxy.plan = { clientCuts: [at], barrier };
      assert.equal((await converse()).outcome.kind, "result", `cut at ${at} of the client's bytes`);
    }
    for (let at = 1; at < answers; at++) {
      proxy.plan = { serverCuts: [at] };
      assert.equal((await converse()).outcome.kind, "result", `cut at ${at} of the server's bytes`);
    }
    printFigures("stream cut once", {
      cases: client + answers - 2,
      seconds: (performance.now() - started) / 1000,
    });
  });

  test("byte by byte, in both directions", async () => {
    const { client, server: answers } = await measureConversation();
    const all = (length: number) => Array.from({ length }, (_, index) => index + 1);
    const started = performance.now();
    proxy.plan = { clientCuts: all(client), serverCuts: all(answers), barrier };
    assert.equal((await converse()).outcome.kind, "result");
    printFigures("stream byte by byte", {
      bytes: client + answers,
      seconds: (performance.now() - started) / 1000,
    });
  });

  test("large payloads in fragments, and attachments, cut at random", async () => {
    const random = createRandom(7);
    const text = "fragment ".repeat(20_000);
    const binary = Buffer.from(text);
    const small = new Uint8Array(5_000).fill(3);
    const started = performance.now();
    const conversations = 20;
    const cutsEach = 60;
    for (let index = 0; index < conversations; index++) {
      // Half of them close to each other, as headers are.
      const cuts = () =>
        [
          ...new Set(Array.from({ length: cutsEach }, (_, cut) => 1 + random(cut % 2 === 0 ? 400 : 370_000))),
        ].sort((a, b) => a - b);
      proxy.plan = { clientCuts: cuts(), serverCuts: cuts(), barrier };
      const domain = new RemotingDomain();
      try {
        const target = domain.getObject(Target, proxy.url);
        // One by one first: see the test that fails below.
        await target.echo(0);
        await target.sum(small);
        await target.produce(1);
        const [echoed, total, produced, smallEcho] = await within(
          caseTime,
          Promise.all([
            target.echo({ text, list: [1, "two", { three: 3 }] }),
            target.sum(binary),
            target.produce(150_000),
            target.echo([small, small]),
          ]),
          "the large calls",
        );
        assert.deepEqual(echoed, { text, list: [1, "two", { three: 3 }] });
        assert.equal(
          total,
          binary.reduce((sum, byte) => sum + byte, 0),
        );
        assert.deepEqual(produced, new Uint8Array(150_000).fill(7));
        assert.deepEqual(smallEcho, [small, small]);
      } finally {
        await domain.close();
      }
    }
    printFigures("large payloads cut at random", {
      conversations,
      cuts: conversations * cutsEach * 2,
      seconds: (performance.now() - started) / 1000,
    });
  });

  // Routes are numbered as frames come, and not when the last fragment has come: else a small call that overtakes a
  // large one would get its number, and later calls would run the wrong method.
  test("calls that overtake large first calls do not take their names", async () => {
    proxy.plan = {};
    const domain = new RemotingDomain();
    try {
      const target = domain.getObject(Target, proxy.url);
      await Promise.all([target.echo("x".repeat(100_000)), target.produce(1)]);
      assert.deepEqual(await target.echo(3), 3);
    } finally {
      await domain.close();
    }
  });
});
