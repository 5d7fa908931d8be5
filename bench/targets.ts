// What the channels are to reach with default settings: ratios of medians of one run, from the issues.

import { type Contender, floorName } from "./contenders.ts";

export interface Target {
  readonly workload: string;
  /** The contender that is judged. */
  readonly of: string;
  /** A contender's name, or `peers` for the best of them. */
  readonly against: string;
  readonly comparison: "at least" | "at most" | "more than";
  readonly ratio: number;
}

type Comparison = readonly [
  workload: string,
  against: string,
  comparison: Target["comparison"],
  ratio: number,
];

const targetsOf = (contender: string, comparisons: readonly Comparison[]): Target[] =>
  comparisons.map(([workload, against, comparison, ratio]) => ({
    workload,
    of: contender,
    against,
    comparison,
    ratio,
  }));

export const targets: readonly Target[] = [
  ...targetsOf("remoting-tcp", [
    ["W1", floorName, "at least", 0.9],
    ["W1", "peers", "more than", 1],
    ["W2", floorName, "at least", 0.8],
    ["W2", "nestjs", "at least", 4],
    ["W2", "capnweb", "at least", 8],
    ["W2", "vscode-jsonrpc", "at least", 10],
    ["W2", "grpc-js", "at least", 40],
    ["W3", floorName, "at least", 0.8],
    ["W3", "capnweb", "at least", 3],
    ["W3", "nestjs", "at least", 1.4],
    ["W4-64KiB", floorName, "at least", 1.1],
    ["W4-64KiB", "peers", "at least", 5],
    ["W4-1MiB", floorName, "at least", 1.1],
    ["W4-1MiB", "peers", "at least", 6],
    ["W5", floorName, "at most", 1.3],
    ["W5", "capnweb", "at most", 1],
  ]),
  ...targetsOf("remoting-pipe", [
    ["W1", "floor-unix", "at least", 0.9],
    ["W2", "floor-unix", "at least", 0.9],
    ["W2", "zeromq", "at least", 4],
    ["W4-64KiB", "floor-unix", "at least", 0.9],
    ["W4-1MiB", "floor-unix", "at least", 0.9],
  ]),
  ...targetsOf("remoting-shm", [
    ["W1", "remoting-tcp", "at least", 10],
    ["W1", "floor-unix", "at least", 10],
    ["W2", "remoting-tcp", "at least", 1.2],
    ["W2", "floor-unix", "at least", 1],
    ["W3", "remoting-tcp", "at least", 1.1],
    ["W3", "floor-unix", "at least", 1],
    ["W4-64KiB", "remoting-tcp", "at least", 2],
    ["W4-64KiB", "floor-unix", "at least", 1.5],
    ["W4-1MiB", "remoting-tcp", "at least", 2],
    ["W4-1MiB", "floor-unix", "at least", 2.5],
  ]),
  ...targetsOf("remoting-shm-sleeping", [["W1", "remoting-pipe", "at least", 1]]),
];

const symbols = { "at least": "≥", "at most": "≤", "more than": ">" } as const;

export const describeTarget = (target: Target, measured: readonly Contender[]): string => {
  const title = measured.find(({ name }) => name === target.against)?.title;
  const shared: Record<string, string> = { peers: "the best peer", [floorName]: "the floor" };
  const against = shared[target.against] ?? title ?? target.against;
  const judged = measured.find(({ name }) => name === target.of)?.title ?? target.of;
  return `${judged} ${symbols[target.comparison]} ${target.ratio} × ${against}`;
};

export const reaches = (target: Target, ratio: number): boolean => {
  if (target.comparison === "at least") return ratio >= target.ratio;
  return target.comparison === "at most" ? ratio <= target.ratio : ratio > target.ratio;
};
