// Runs a plan: in every round every workload goes through all contenders one after the other, so that what is
// compared was measured within seconds of each other, and each round begins with another contender. Several times in a
// run all of them are started anew.

import type { Contender } from "./contenders.ts";
import { Pair } from "./pair.ts";
import type { Plan, Results } from "./plan.ts";
import type { Workload } from "./workloads.ts";

export type Progress = (what: string) => void;

const rotated = <Item>(items: readonly Item[], by: number): Item[] =>
  items.map((_, index) => items[(index + by) % items.length] as Item);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * V8's young generation as small as it begins. Else it grows while connections are made, by megabytes that belong to none
 * of them, and by the more the less a contender has loaded before.
 */
const fixedYoungGeneration = ["--max-semi-space-size=1"];

class Run {
  readonly results: Results = { samples: {}, latencies: {}, failures: {} };
  readonly #plan: Plan;
  readonly #progress: Progress;

  constructor(plan: Plan, progress: Progress) {
    this.#plan = plan;
    this.#progress = progress;
  }

  async calls(): Promise<void> {
    const callWorkloads = this.#plan.workloads.filter(({ idleConnections }) => idleConnections === 0);
    if (callWorkloads.length === 0) return;
    const { starts, rounds } = this.#plan;
    for (let start = 0; start < starts; start++) {
      const first = Math.round((start * rounds) / starts);
      const end = Math.round(((start + 1) * rounds) / starts);
      await this.#callsOfOneStart(callWorkloads, first, end);
    }
  }

  /** Starts all contenders, warms them up, and measures rounds `first` to `end`, which is left out. */
  async #callsOfOneStart(workloads: readonly Workload[], first: number, end: number): Promise<void> {
    const { rounds, warmUpRounds } = this.#plan;
    const pairs = this.#plan.contenders.map((contender) => new Pair(contender));
    try {
      for (const pair of pairs) await this.#attempt(pair.contender, () => this.#start(pair));
      for (let round = 0; round < warmUpRounds; round++) {
        await this.#round(`warming up, ${round + 1} of ${warmUpRounds}`, pairs, workloads, (pair, workload) =>
          pair.run(workload, this.#plan.milliseconds),
        );
      }
      for (let round = first; round < end; round++) {
        await this.#round(
          `round ${round + 1} of ${rounds}`,
          rotated(pairs, round),
          workloads,
          (pair, workload) => this.#measureCalls(pair, workload),
        );
      }
    } finally {
      await Promise.all(pairs.map((pair) => pair.stop()));
    }
  }

  async memory(): Promise<void> {
    for (const workload of this.#plan.workloads) {
      if (workload.idleConnections === 0) continue;
      const contenders = this.#plan.contenders.filter(({ hasNoServer }) => hasNoServer !== true);
      for (let round = 0; round < this.#plan.memoryRounds; round++) {
        for (const contender of rotated(contenders, round)) {
          this.#progress(`round ${round + 1} of ${this.#plan.memoryRounds}: W5, ${contender.title}`);
          await this.#attempt(contender, () => this.#measureMemory(contender, workload));
        }
      }
    }
  }

  async #attempt(contender: Contender, step: () => Promise<unknown>): Promise<void> {
    if (this.results.failures[contender.name] !== undefined) return;
    try {
      await step();
    } catch (error) {
      this.results.failures[contender.name] = messageOf(error);
    }
  }

  async #start(pair: Pair): Promise<void> {
    this.#progress(`starting: ${pair.contender.title}`);
    await pair.start();
    await pair.verify();
  }

  async #round(
    name: string,
    pairs: readonly Pair[],
    workloads: readonly Workload[],
    run: (pair: Pair, workload: Workload) => Promise<unknown>,
  ): Promise<void> {
    for (const workload of workloads) {
      for (const pair of pairs) {
        const { contender } = pair;
        this.#progress(`${name}: ${workload.id}, ${contender.title}`);
        await this.#attempt(contender, () => run(pair, workload));
      }
    }
  }

  async #measureCalls(pair: Pair, workload: Workload): Promise<void> {
    await pair.run(workload, this.#plan.leadInMilliseconds);
    const { callsPerSecond, medianMicroseconds } = await pair.run(workload, this.#plan.milliseconds);
    const perSecond =
      workload.unit === "MB/s" ? (callsPerSecond * workload.payloadBytes) / 1e6 : callsPerSecond;
    this.#record(pair.contender, workload, perSecond);
    if (medianMicroseconds !== undefined) {
      const latencies = this.results.latencies;
      latencies[pair.contender.name] ??= [];
      latencies[pair.contender.name]?.push(medianMicroseconds);
    }
  }

  async #measureMemory(contender: Contender, workload: Workload): Promise<void> {
    const pair = new Pair(contender, fixedYoungGeneration);
    try {
      await pair.start();
      this.#record(contender, workload, (await pair.idleMemory(workload.idleConnections)) / 1024);
    } finally {
      await pair.stop();
    }
  }

  #record(contender: Contender, workload: Workload, value: number): void {
    const { samples } = this.results;
    samples[contender.name] ??= {};
    const ofContender = samples[contender.name] ?? {};
    ofContender[workload.id] ??= [];
    ofContender[workload.id]?.push(value);
  }
}

export const measure = async (plan: Plan, progress: Progress): Promise<Results> => {
  const run = new Run(plan, progress);
  await run.calls();
  await run.memory();
  return run.results;
};
