// What a run is to do, and what came of it.

import type { Contender } from "./contenders.ts";
import type { Workload } from "./workloads.ts";

export interface Plan {
  readonly contenders: readonly Contender[];
  readonly workloads: readonly Workload[];
  readonly rounds: number;
  /**
   * How often the processes are started anew, each time for as many of the rounds: how fast the same code is differs from
   * start to start, in what V8 inlines and where its memory lies.
   */
  readonly starts: number;
  /** How long each contender runs each workload in each round. */
  readonly milliseconds: number;
  /**
   * How long it does so before that, which does not count: its code and memory have not been used for seconds.
   */
  readonly leadInMilliseconds: number;
  /**
   * Rounds before those that count. What V8 has compiled for one workload it throws away in the next, until it has seen
   * all of them a few times: so a warm-up goes through them as the measurement does.
   */
  readonly warmUpRounds: number;
  /** Idle memory takes seconds for each figure, so it may be measured in fewer rounds. */
  readonly memoryRounds: number;
}

export interface Results {
  /** By contender, then by workload: one figure for each round, in the workload's unit. */
  readonly samples: Record<string, Record<string, number[]>>;
  /** By contender: the median time of a call in microseconds, for each round of W1. */
  readonly latencies: Record<string, number[]>;
  /** By contender: why it was not measured. */
  readonly failures: Record<string, string>;
}

/** The figures that compare a contender with a base: `undefined` where either was not measured. */
export const samplesOf = (results: Results, contender: string, workload: string): number[] | undefined => {
  const samples = results.samples[contender]?.[workload];
  return samples === undefined || samples.length === 0 ? undefined : samples;
};
