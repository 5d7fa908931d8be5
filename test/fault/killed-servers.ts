/**
 * Servers that are killed one after the other at one port, each at a chosen moment, while calls stream in. What the
 * clients were told is kept, to be judged by the journal, which servers append to before a method does anything.
 */
import assert from "node:assert/strict";
import { ConnectError, ConnectionLostError, type Remote, RemotingDomain } from "remoting";
import { freePort } from "../free-port.ts";
import { Target } from "./contract.ts";
import { connectionFailureOf, judge, type Outcome, outcomeOf, type Verdict } from "./outcome.ts";
import { createRandom } from "./random.ts";
import { Journal, ServerProcess } from "./server-process.ts";
import { Victim } from "./victim.ts";
import { within } from "./within.ts";

/** When a server is killed. */
export type KillMoment = "before sending" | "in the handler" | "after the reply";

/** What came of it. */
export interface KillFigures extends Verdict {
  readonly kills: number;
  /** Milliseconds from the kill to the last failure of a call that was under way. */
  readonly slowestSettling: number;
  /** Milliseconds from when a server listened again to the first result. */
  readonly slowestReconnect: number;
}

/** What calls are given; far more than any of them takes. */
const timeout = 15_000;
/** By how much a call may overrun its deadline: the promise. */
const lateness = 1_000;
const lanes = 8;
const standbyServers = 2;

/**
 * Kills servers until it is enough.
 *
 * @param isEnough Told the number of kills so far.
 */
export async function killServers(
  moment: KillMoment,
  isEnough: (kills: number) => boolean,
  seed: number,
): Promise<KillFigures> {
  const scene = await KillScene.create(seed);
  try {
    let kills = 0;
    await scene.begin();
    while (!isEnough(kills)) {
      await scene.round(moment);
      kills++;
    }
    return { kills, ...(await scene.judge()) };
  } finally {
    await scene.end();
  }
}

/** The clients, the port, and the servers that come and go there. */
class KillScene {
  readonly #journal: Journal;
  readonly #port: number;
  readonly #random: (limit: number) => number;
  readonly #main = new RemotingDomain();
  readonly #quiet = new RemotingDomain();
  readonly #streaming = new RemotingDomain();
  readonly #outcomes = new Map<number, Outcome>();
  readonly #standby: Promise<ServerProcess>[] = [];
  #server: ServerProcess | undefined;
  #lastId = 0;
  #slowestSettling = 0;
  #slowestReconnect = 0;

  private constructor(journal: Journal, port: number, seed: number) {
    this.#journal = journal;
    this.#port = port;
    this.#random = createRandom(seed);
  }

  static async create(seed: number): Promise<KillScene> {
    return new KillScene(await Journal.create(), await freePort(), seed);
  }

  /** The first server, and the connections to it. */
  async begin(): Promise<void> {
    await this.#nextServer();
  }

  /** The next servers start up while the present one is being killed. */
  async #nextServer(): Promise<void> {
    while (this.#standby.length < standbyServers) {
      const started = ServerProcess.start({ journal: this.#journal.path });
      started.catch(() => {});
      this.#standby.push(started);
    }
    this.#server = await this.#standby.shift();
    await this.#server?.listen(this.#port);
  }

  get #target(): Remote<Target> {
    return this.#proxy(this.#main);
  }

  #proxy(domain: RemotingDomain): Remote<Target> {
    return domain.withOptions(domain.getObject(Target, `tcp://127.0.0.1:${this.#port}`), { timeout });
  }

  /** Makes a call with an id of its own, and sees to it that it settles once and in time. */
  async #track(make: (id: number) => PromiseLike<unknown>): Promise<Outcome> {
    const id = ++this.#lastId;
    const started = performance.now();
    const outcome = await within(timeout + lateness, outcomeOf(make(id)), `call ${id}`);
    assert(performance.now() - started <= timeout + lateness);
    assert(!this.#outcomes.has(id), `call ${id} has settled twice`);
    this.#outcomes.set(id, outcome);
    return outcome;
  }

  /** Keeps calls in flight until one of each lane fails. */
  #stream(wanted: number): { readonly reached: Promise<void>; readonly ended: Promise<Outcome[]> } {
    const target = this.#proxy(this.#streaming);
    let results = 0;
    let reach: () => void = () => {};
    const reached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    const lane = async (_: unknown, number: number): Promise<Outcome> => {
      for (;;) {
        const outcome = await this.#track((id) =>
          number % 2 === 0 ? target.journaled(id) : target.journaledLater(id),
        );
        if (outcome.kind === "failed") return outcome;
        if (++results === wanted) reach();
      }
    };
    return { reached, ended: Promise.all(Array.from({ length: lanes }, lane)) };
  }

  /** One server is used, killed, and replaced. */
  async round(moment: KillMoment): Promise<void> {
    const server = this.#server;
    assert(server !== undefined);
    const victim = this.#quiet.getObject(Victim, `tcp://127.0.0.1:${this.#port}`);
    assert.equal((await this.#track((id) => this.#target.journaled(id))).kind, "result");
    const { reached, ended } = this.#stream(1 + this.#random(50));
    await reached;
    // The connection over which the server will be told to die is there already, and carries nothing else.
    await this.#proxy(this.#quiet).echo("ready");

    let killedAt = performance.now();
    if (moment === "in the handler") {
      const blocked = await this.#block(server, 1 + this.#random(16));
      killedAt = performance.now();
      const last = this.#track((id) => victim.dieInHandler(id));
      for (const outcome of [...(await Promise.all(blocked)), await last]) expectPerhaps(outcome);
    } else if (moment === "after the reply") {
      const outcome = await this.#track((id) => victim.dieAfterReply(id));
      // It was sent before the server died, and the operating system delivers what was sent.
      assert.equal(outcome.kind, "result", "an answer was lost that had been sent");
    } else {
      void server.kill();
      // Sent into a connection whose other end is gone, which nobody has noticed yet.
      connectionFailureOf(await this.#track((id) => this.#target.journaled(id)));
    }
    for (const outcome of await ended) expectPerhaps(outcome);
    this.#slowestSettling = Math.max(this.#slowestSettling, performance.now() - killedAt);
    await server.whenEnded();
    await this.#expectRefusal();

    await this.#nextServer();
    const backAt = performance.now();
    assert.equal((await this.#track((id) => this.#target.journaled(id))).kind, "result");
    this.#slowestReconnect = Math.max(this.#slowestReconnect, performance.now() - backAt);
  }

  /** Calls that are in their methods, and do not come back from there. */
  async #block(server: ServerProcess, count: number): Promise<Promise<Outcome>[]> {
    const ids: number[] = [];
    const blocked = Array.from({ length: count }, () =>
      this.#track((id) => {
        ids.push(id);
        return this.#target.block(id);
      }),
    );
    for (const id of ids) await server.whenStarted(id);
    return blocked;
  }

  /** Nobody listens: what is called then is not sent at all. */
  async #expectRefusal(): Promise<void> {
    // The connections of a dead process end at once, but this side has to be told of it.
    while (this.#main.statistics.connections > 0) await new Promise(setImmediate);
    const error = connectionFailureOf(await this.#track((id) => this.#target.journaled(id)));
    assert(error instanceof ConnectError, `${error.name}: ${error.message}`);
    assert.equal(error.mayHaveExecuted, false);
  }

  /** What the clients were told, against what the servers did; and that nothing of the calls is left. */
  async judge(): Promise<Omit<KillFigures, "kills">> {
    for (const { statistics } of [this.#main, this.#quiet, this.#streaming]) {
      assert.equal(statistics.outgoingCalls, 0);
      assert.equal(statistics.queuedBytes, 0);
    }
    assert.equal(this.#outcomes.size, this.#lastId, "calls have not settled");
    return {
      ...judge(this.#outcomes, await this.#journal.executions()),
      slowestSettling: this.#slowestSettling,
      slowestReconnect: this.#slowestReconnect,
    };
  }

  async end(): Promise<void> {
    for (const domain of [this.#main, this.#quiet, this.#streaming]) await domain.close();
    await this.#server?.kill();
    for (const started of this.#standby) await (await started).kill();
    await this.#journal.remove();
  }
}

/** The call was lost with its connection, over which it had left. */
function expectPerhaps(outcome: Outcome): void {
  const error = connectionFailureOf(outcome);
  // A call of a stream may have come after the end of the connection, and met a port on which nobody listens.
  if (error instanceof ConnectError) return;
  assert(error instanceof ConnectionLostError);
  assert.equal(error.reason, "closed");
}
