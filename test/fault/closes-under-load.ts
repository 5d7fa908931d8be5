/**
 * Servers that are closed while calls stream in, wait in methods and are not read by those who made them: it takes the
 * grace and little more, nothing is run afterwards, and each call is told the truth.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { ConnectError, ConnectionLostError, type Remote, RemotingDomain } from "remoting";
import { Target } from "./contract.ts";
import { call, packedArray, packedNumber } from "./frames.ts";
import { judge, type Outcome, outcomeOf, type Verdict } from "./outcome.ts";
import { RawPeer } from "./raw-peer.ts";
import { Journal, ServerProcess } from "./server-process.ts";
import { within } from "./within.ts";

/** What came of it. */
export interface CloseFigures extends Verdict {
  readonly closes: number;
  readonly slowestClose: number;
  /** Calls that were in their methods when the closing began, and were answered within the grace. */
  readonly answeredInGrace: number;
}

const grace = 400;
/** What closing may take beyond its grace: the farewell of half a second, and a busy machine. */
const slack = 4_000;
const lanes = 16;
const blockedCalls = 8;
const patience = 30_000;

/** Closes servers under load until it is enough. */
export async function closeUnderLoad(isEnough: (closes: number) => boolean): Promise<CloseFigures> {
  const scene = new CloseScene(await Journal.create());
  try {
    let closes = 0;
    while (!isEnough(closes)) {
      await scene.round();
      closes++;
    }
    return { closes, ...(await scene.judge()) };
  } finally {
    await scene.end();
  }
}

class CloseScene {
  readonly #journal: Journal;
  readonly #outcomes = new Map<number, Outcome>();
  #standby: Promise<ServerProcess>;
  #lastId = 0;
  #slowest = 0;
  #answeredInGrace = 0;

  constructor(journal: Journal) {
    this.#journal = journal;
    this.#standby = this.#start();
  }

  #start(): Promise<ServerProcess> {
    return ServerProcess.start({ journal: this.#journal.path, closeGrace: grace });
  }

  async #track(make: (id: number) => PromiseLike<unknown>): Promise<Outcome> {
    const id = ++this.#lastId;
    const outcome = await within(patience, outcomeOf(make(id)), `call ${id}`);
    assert(!this.#outcomes.has(id), `call ${id} has settled twice`);
    this.#outcomes.set(id, outcome);
    return outcome;
  }

  /** Calls all the time, over new connections if need be, until nobody listens any more. */
  async #stream(target: Remote<Target>): Promise<void> {
    for (;;) {
      const outcome = await this.#track((id) => target.journaledLater(id));
      if (outcome.kind === "result") continue;
      const { error } = outcome;
      assert(error instanceof ConnectError || error instanceof ConnectionLostError, String(error));
      if (error instanceof ConnectError) return;
    }
  }

  async round(): Promise<void> {
    const server = await this.#standby;
    this.#standby = this.#start();
    await server.listen();
    const domains = [new RemotingDomain(), new RemotingDomain()];
    const proxies = domains.map((domain) => domain.getObject(Target, server.url));
    const [first, second] = proxies;
    assert(first !== undefined && second !== undefined);
    const deaf = await deafPeer(server);
    const streams = proxies.flatMap((target) =>
      Array.from({ length: lanes / 2 }, () => this.#stream(target)),
    );

    const ids: number[] = [];
    const blocked = Array.from({ length: blockedCalls * 2 }, () =>
      this.#track((id) => {
        ids.push(id);
        return first.block(id);
      }),
    );
    for (const id of ids) await server.whenStarted(id);
    await second.echo("all are under way");
    // Half of them can end within the grace: each by a call that was begun before the closing, and runs in it.
    const release = Promise.all(
      ids.slice(0, blockedCalls).map((id) => outcomeOf(first.releaseLater(id, grace / 2))),
    );
    await first.echo("the releases are under way");

    server.beginClose();
    const milliseconds = await within(patience, server.whenClosed(), "the server's close");
    const ran = (await readFile(this.#journal.path, "utf8")).length;
    assert(milliseconds < grace + slack, `closing took ${milliseconds} ms`);
    this.#slowest = Math.max(this.#slowest, milliseconds);
    for (const outcome of await Promise.all(blocked)) {
      if (outcome.kind === "result") {
        this.#answeredInGrace++;
      } else {
        assert(outcome.error instanceof ConnectionLostError);
        assert.equal(outcome.error.mayHaveExecuted, true);
      }
    }
    await release;
    await within(patience, Promise.all(streams), "the end of the streams");
    await deaf.close();
    for (const domain of domains) {
      assert.equal(domain.statistics.outgoingCalls, 0);
      await domain.close();
    }
    await server.expectGoodEnd();
    assert.equal((await readFile(this.#journal.path, "utf8")).length, ran, "calls ran after the close");
  }

  async judge(): Promise<Omit<CloseFigures, "closes">> {
    assert.equal(this.#outcomes.size, this.#lastId, "calls have not settled");
    return {
      ...judge(this.#outcomes, await this.#journal.executions()),
      slowestClose: this.#slowest,
      answeredInGrace: this.#answeredInGrace,
    };
  }

  async end(): Promise<void> {
    await (await this.#standby).kill();
    await this.#journal.remove();
  }
}

/** A peer that has asked for more than any buffer on the way holds, and reads nothing of it. */
async function deafPeer(server: ServerProcess): Promise<RawPeer> {
  const peer = await RawPeer.open(server.port);
  peer.socket.pause();
  for (let id = 1; id <= 4; id++) {
    peer.send(call(id, "Target", "produce", packedArray(packedNumber(8 * 1024 * 1024))));
  }

  return peer;
}
