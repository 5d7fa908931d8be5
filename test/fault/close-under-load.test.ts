/** `close()` while calls stream in: of a server, and of a client. */
import assert from "node:assert/strict";
import { ConnectionLostError, RemotingDomain } from "remoting";
import { expect, test } from "vitest";
import { closeUnderLoad } from "./closes-under-load.ts";
import { Target } from "./contract.ts";
import { printFigures } from "./figures.ts";
import { judge, type Outcome, outcomeOf } from "./outcome.ts";
import { Journal, ServerProcess } from "./server-process.ts";
import { within } from "./within.ts";

const closes = 10;

test(`${closes} servers are closed under load`, { timeout: 240_000 }, async () => {
  const started = performance.now();
  const figures = await closeUnderLoad((done) => done >= closes);
  expect(figures.mayHaveAndDid).toBeGreaterThan(0);
  expect(figures.answeredInGrace).toBeGreaterThan(0);
  printFigures("server closed under load", { ...figures, seconds: (performance.now() - started) / 1000 });
});

test("clients are closed under load, with and without a grace", { timeout: 120_000 }, async () => {
  const journal = await Journal.create();
  const server = await ServerProcess.start({ journal: journal.path });
  const outcomes = new Map<number, Outcome>();
  let lastId = 0;
  let slowest = 0;
  try {
    await server.listen();
    for (const grace of [0, 300, 0, 300, 0, 300]) {
      const domain = new RemotingDomain({ closeGrace: grace });
      const target = domain.getObject(Target, server.url);
      await target.echo("connected");
      const calls: Promise<void>[] = [];
      const call = (make: (id: number) => PromiseLike<unknown>) => {
        const id = ++lastId;
        calls.push(outcomeOf(make(id)).then((outcome) => void outcomes.set(id, outcome)));
        return id;
      };
      const blocked = Array.from({ length: 20 }, () => call((id) => target.block(id)));
      for (const id of blocked) await server.whenStarted(id);
      for (let index = 0; index < 200; index++) call((id) => target.journaledLater(id));
      // These are still in the memory of this process when it closes.
      const started = performance.now();
      const closing = domain.close();
      call((id) => target.journaled(id));
      await within(20_000, closing, "the client's close");
      slowest = Math.max(slowest, performance.now() - started - grace);
      await within(20_000, Promise.all(calls), "the calls of a closed client");
      assert.deepEqual({ ...domain.statistics }, { ...domain.statistics, connections: 0, outgoingCalls: 0 });
      for (const id of blocked) {
        const outcome = outcomes.get(id);
        assert(outcome?.kind === "failed" && outcome.error instanceof ConnectionLostError);
        expect(outcome.error).toMatchObject({ reason: "local", mayHaveExecuted: true });
      }
    }
    expect(slowest).toBeLessThan(4_000);
    const other = new RemotingDomain();
    const target = other.getObject(Target, server.url);
    // Whoever was left behind has ended by now, and nothing was run twice or against its word.
    await target.wait(200);
    const verdict = judge(outcomes, await journal.executions());
    await other.close();
    printFigures("client closed under load", { ...verdict, "slowest beyond the grace ms": slowest });
  } finally {
    await server.kill();
    await journal.remove();
  }
});
