// What tcp:// with default settings is to reach: ratios of medians of one run, from the issue on speed.

import { type Contender, floorName } from "./contenders.ts";

export interface Target {
  readonly workload: string;
  /** A contender's name, or `peers` for the best of them. */
  readonly against: string;
  readonly comparison: "at least" | "at most" | "more than";
  readonly ratio: number;
}

export const judged = "remoting-tcp";

export const targets: readonly Target[] = [
  { workload: "W1", against: floorName, comparison: "at least", ratio: 0.9 },
  { workload: "W1", against: "peers", comparison: "more than", ratio: 1 },
  { workload: "W2", against: floorName, comparison: "at least", ratio: 0.8 },
  { workload: "W2", against: "nestjs", comparison: "at least", ratio: 4 },
  { workload: "W2", against: "capnweb", comparison: "at least", ratio: 8 },
  { workload: "W2", against: "vscode-jsonrpc", comparison: "at least", ratio: 10 },
  { workload: "W2", against: "grpc-js", comparison: "at least", ratio: 40 },
  { workload: "W3", against: floorName, comparison: "at least", ratio: 0.8 },
  { workload: "W3", against: "capnweb", comparison: "at least", ratio: 3 },
  { workload: "W3", against: "nestjs", comparison: "at least", ratio: 1.4 },
  { workload: "W4-64KiB", against: floorName, comparison: "at least", ratio: 1.1 },
  { workload: "W4-64KiB", against: "peers", comparison: "at least", ratio: 5 },
  { workload: "W4-1MiB", against: floorName, comparison: "at least", ratio: 1.1 },
  { workload: "W4-1MiB", against: "peers", comparison: "at least", ratio: 6 },
  { workload: "W5", against: floorName, comparison: "at most", ratio: 1.3 },
  { workload: "W5", against: "capnweb", comparison: "at most", ratio: 1 },
];

const symbols = { "at least": "≥", "at most": "≤", "more than": ">" } as const;

export const describeTarget = (target: Target, measured: readonly Contender[]): string => {
  const title = measured.find(({ name }) => name === target.against)?.title;
  const shared: Record<string, string> = { peers: "the best peer", [floorName]: "the floor" };
  const against = shared[target.against] ?? title ?? target.against;
  return `${symbols[target.comparison]} ${target.ratio} × ${against}`;
};

export const reaches = (target: Target, ratio: number): boolean => {
  if (target.comparison === "at least") return ratio >= target.ratio;
  return target.comparison === "at most" ? ratio <= target.ratio : ratio > target.ratio;
};
