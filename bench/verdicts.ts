// Holds the measured ratios against the targets. A verdict is information: no run fails because of one.

import type { Contender } from "./contenders.ts";
import { type Results, samplesOf } from "./plan.ts";
import { median, pairedRatio } from "./statistics.ts";
import { describeTarget, reaches, type Target, targets } from "./targets.ts";
import type { Workload } from "./workloads.ts";

export interface Verdict {
  readonly workload: string;
  readonly text: string;
  /** Ratio of medians, which the target speaks of; `undefined` where one side was not measured. */
  readonly ratio: number | undefined;
  /** Median of the ratios of each round. */
  readonly paired: number | undefined;
  readonly reached: boolean;
}

const rivalsOf = (target: Target, measured: readonly Contender[]): Contender[] =>
  measured.filter(({ name, kind }) =>
    target.against === "peers" ? kind === "peer" : name === target.against,
  );

/** A run without the judged contender or without a target's rival says nothing about the target. */
const concerns = (target: Target, measured: readonly Contender[]): boolean =>
  measured.some(({ name }) => name === target.of) && rivalsOf(target, measured).length > 0;

/** The ratio to the strongest rival: the least of them, or with memory the greatest. */
const strongest = (ratios: readonly number[], workload: Workload): number | undefined =>
  ratios.length === 0 ? undefined : workload.lowerIsBetter ? Math.max(...ratios) : Math.min(...ratios);

const verdictOn = (
  target: Target,
  workload: Workload,
  measured: readonly Contender[],
  results: Results,
): Verdict => {
  const own = samplesOf(results, target.of, workload.id);
  const rivals = rivalsOf(target, measured)
    .map(({ name }) => samplesOf(results, name, workload.id))
    .filter((samples) => samples !== undefined);
  const ratio =
    own &&
    strongest(
      rivals.map((rival) => median(own) / median(rival)),
      workload,
    );
  const paired =
    own &&
    strongest(
      rivals.map((rival) => pairedRatio(own, rival)),
      workload,
    );
  return {
    workload: workload.id,
    text: describeTarget(target, measured),
    ratio,
    paired,
    reached: ratio !== undefined && reaches(target, ratio),
  };
};

export const verdictsOf = (
  workloads: readonly Workload[],
  measured: readonly Contender[],
  results: Results,
): Verdict[] =>
  workloads.flatMap((workload) =>
    targets
      .filter((target) => target.workload === workload.id && concerns(target, measured))
      .map((target) => verdictOn(target, workload, measured, results)),
  );
