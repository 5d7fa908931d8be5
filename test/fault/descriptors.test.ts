/** Processes that have run out of descriptors: they say so, they live, and they go on when there are some again. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { RemotingDomain } from "remoting";
import { afterAll, beforeAll, expect, test } from "vitest";
import { returnsToBaseline } from "./baseline.ts";
import { Target } from "./contract.ts";
import { printFigures } from "./figures.ts";
import { outcomeOf } from "./outcome.ts";
import { Journal, ServerProcess } from "./server-process.ts";
import { Victim } from "./victim.ts";
import { within } from "./within.ts";

const patience = 30_000;
/** Node itself has about twenty. */
const descriptors = 48;
const connections = 100;

let journal: Journal;
let poor: ServerProcess;
let domain: RemotingDomain;

beforeAll(async () => {
  journal = await Journal.create();
  poor = await ServerProcess.start(
    { journal: journal.path, limits: { handshakeTimeout: 60_000 } },
    { descriptors },
  );
  await poor.listen();
  domain = new RemotingDomain();
});

afterAll(async () => {
  await domain?.close();
  await poor?.stop();
  await journal?.remove();
});

test("a server serves whom it has, and takes others when it can again", async () => {
  const victim = domain.getObject(Victim, poor.url);
  await victim.holdings();
  const before = await victim.holdings();
  const sockets: Socket[] = [];
  for (let index = 0; index < connections; index++) {
    const socket = connect({ port: poor.port, host: "127.0.0.1" });
    socket.on("error", () => {});
    sockets.push(socket);
    await Promise.race([once(socket, "connect"), once(socket, "close")]);
  }
  const isOut = async () => {
    while (!(await victim.isOutOfDescriptors())) await domain.getObject(Target, poor.url).wait(10);
  };
  await within(patience, isOut(), "the last descriptor");

  // Who was there before notices nothing.
  for (let call = 0; call < 20; call++)
    assert.equal(await domain.getObject(Target, poor.url).echo(call), call);
  // A newcomer has to wait, or is turned away; either way it learns that nothing ran.
  const newcomer = new RemotingDomain({ limits: { handshakeTimeout: 500 } });
  const outcome = await within(
    patience,
    outcomeOf(newcomer.getObject(Target, poor.url).echo("in")),
    "the newcomer's call",
  );
  if (outcome.kind === "failed") assert.equal(outcome.error.mayHaveExecuted, false, outcome.error.message);

  for (const socket of sockets) socket.destroy();
  const again = async () => {
    for (;;) {
      const next = await outcomeOf(newcomer.getObject(Target, poor.url).echo("in"));
      if (next.kind === "result") return next.value;
    }
  };
  assert.equal(await within(patience, again(), "a result after there were descriptors again"), "in");
  await newcomer.close();
  const grown = await returnsToBaseline(before, () => victim.holdings());
  printFigures("server out of descriptors", {
    descriptors,
    "connections tried": connections,
    "newcomer at the worst": outcome.kind === "result" ? "served" : outcome.error.name,
    "growth MiB": grown / 1024 / 1024,
  });
});

test("a client's calls that cannot connect say so, and the next ones succeed", {
  timeout: 60_000,
}, async () => {
  const rich = await ServerProcess.start({ journal: journal.path });
  try {
    await rich.listen();
    const victim = domain.getObject(Victim, poor.url);
    await victim.dial(rich.url, 1);
    const before = await victim.holdings();
    const figures = await within(patience, victim.dial(rich.url, connections), "the calls");
    expect(figures.unexpected).toEqual([]);
    expect(figures.refused).toBeGreaterThan(connections - descriptors);
    expect(figures.results).toBeGreaterThan(0);
    expect(figures.results + figures.refused).toBe(connections);
    expect(figures.reason).toContain("EMFILE");
    assert.deepEqual(await victim.dial(rich.url, 5), { results: 5, refused: 0, unexpected: [], reason: "" });
    await returnsToBaseline(before, () => victim.holdings());
    const { results, refused, reason } = figures;
    printFigures("client out of descriptors", { calls: connections, results, refused, reason });
  } finally {
    await rich.stop();
  }
});
