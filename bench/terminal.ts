// The report that a person reads: one block for each workload, best first, and under it the targets.

import { styleText } from "node:util";
import { type Contender, floorName } from "./contenders.ts";
import { figure, ratioFigure } from "./format.ts";
import { type Plan, type Results, samplesOf } from "./plan.ts";
import { median, pairedRatio } from "./statistics.ts";
import { type Verdict, verdictsOf } from "./verdicts.ts";
import type { Workload } from "./workloads.ts";

type Style = Parameters<typeof styleText>[0];

const colourful = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
const styled = (style: Style, text: string): string => (colourful ? styleText(style, text) : text);

const barWidth = 24;
const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

const bar = (share: number): string => {
  const units = Math.max(1, Math.round(share * barWidth * 8));
  return ("█".repeat(units >> 3) + (eighths[units & 7] ?? "")).padEnd(barWidth);
};

interface Row {
  readonly contender: Contender;
  readonly samples: number[];
  readonly median: number;
}

const rowsOf = (plan: Plan, results: Results, workload: Workload): Row[] =>
  plan.contenders
    .flatMap((contender) => {
      const samples = samplesOf(results, contender.name, workload.id);
      return samples === undefined ? [] : [{ contender, samples, median: median(samples) }];
    })
    .sort((a, b) => (workload.lowerIsBetter ? a.median - b.median : b.median - a.median));

const columns = (cells: readonly string[]): string => cells.join(" ");

const headOf = (titleWidth: number, base: Contender | undefined): string => {
  const ratio = base === undefined ? "" : `× ${base.kind === "floor" ? "floor" : base.name}`;
  return styled(
    "gray",
    columns([
      "  ",
      " ".repeat(titleWidth),
      "median".padStart(8),
      " ".repeat(barWidth),
      ratio.padStart(9),
      (base === undefined ? "" : "paired").padStart(7),
      " least … most",
    ]),
  );
};

/** `latencies` are shown where one call at a time is under way, so that each call's time is known. */
const lineOf = (
  row: Row,
  greatest: number,
  titleWidth: number,
  base: readonly number[] | undefined,
  latencies: readonly number[] | undefined,
): string => {
  const own = row.contender.kind === "remoting";
  const latency = latencies === undefined ? "" : `   p50 ${figure(median(latencies))} µs`;
  const line = columns([
    own ? " ▸" : "  ",
    row.contender.title.padEnd(titleWidth),
    figure(row.median).padStart(8),
    styled(own ? "green" : "gray", bar(row.median / greatest)),
    (base === undefined ? "" : ratioFigure(row.median / median(base))).padStart(9),
    (base === undefined ? "" : ratioFigure(pairedRatio(row.samples, base))).padStart(7),
    ` ${figure(Math.min(...row.samples))} … ${figure(Math.max(...row.samples))}${latency}`,
  ]);
  return own ? styled("bold", line) : line;
};

const verdictLine = ({ text, ratio, paired, reached }: Verdict): string => {
  if (ratio === undefined || paired === undefined) return styled("gray", `   –  ${text}: not measured`);
  const mark = reached ? styled("green", "✓") : styled("red", "✗");
  return `   ${mark}  target ${text}: ${ratioFigure(ratio)}  (paired ${ratioFigure(paired)})`;
};

const blockOf = (plan: Plan, results: Results, workload: Workload, baseName: string): string[] => {
  const rows = rowsOf(plan, results, workload);
  if (rows.length === 0) return [];
  const titleWidth = Math.max(...plan.contenders.map(({ title }) => title.length));
  const base = rows.find(({ contender }) => contender.name === baseName);
  const greatest = Math.max(...rows.map((row) => row.median));
  const unit = workload.lowerIsBetter ? `${workload.unit}, less is better` : workload.unit;
  const showsLatency = workload.inFlight === 1 && workload.idleConnections === 0;
  return [
    "",
    `${styled("bold", workload.id)}  ${workload.title}  ${styled("gray", `(${unit})`)}`,
    headOf(titleWidth, base?.contender),
    ...rows.map((row) => {
      const latencies = showsLatency ? results.latencies[row.contender.name] : undefined;
      return lineOf(row, greatest, titleWidth, base?.samples, latencies);
    }),
    ...verdictsOf([workload], plan.contenders, results).map(verdictLine),
  ];
};

/** The report of one plan. `baseName` is whose ratios are shown: the floor, unless layers are compared. */
export const report = (plan: Plan, results: Results, baseName: string = floorName): string => {
  const blocks = plan.workloads.flatMap((workload) => blockOf(plan, results, workload, baseName));
  const failures = Object.entries(results.failures).map(([name, reason]) =>
    styled("red", `   ${name} failed: ${reason}`),
  );
  return [...blocks, ...(failures.length > 0 ? ["", ...failures] : [])].join("\n");
};
