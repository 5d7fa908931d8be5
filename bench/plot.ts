// The picture in the README: what a run has measured, as bars.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Contender, ContenderKind } from "./contenders.ts";
import { figure } from "./format.ts";
import { describeMachine } from "./machine.ts";
import { type Plan, type Results, samplesOf } from "./plan.ts";
import { median } from "./statistics.ts";
import type { Workload } from "./workloads.ts";

/** What each panel shows, in words for people who do not know the workloads. */
const panels: readonly { readonly workload: string; readonly title: string }[] = [
  { workload: "W1", title: "One call at a time" },
  { workload: "W2", title: "64 calls in flight" },
  { workload: "W4-1MiB", title: "1 MiB there and back" },
];

const width = 900;
const margin = 24;
const titleWidth = 230;
const figureWidth = 120;
const barHeight = 16;
const rowHeight = 22;
const panelGap = 26;
const headHeight = 64;

/** Two shades for each kind: in bright and in dark surroundings. */
const colours: Record<ContenderKind, readonly [bright: string, dark: string]> = {
  remoting: ["#1a7f64", "#3fb68b"],
  floor: ["#8c959f", "#6e7681"],
  layer: ["#8c959f", "#6e7681"],
  peer: ["#c4cbd2", "#484f58"],
  transport: ["#c4cbd2", "#484f58"],
};

const style = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 17px; font-weight: 600; }
  .panel { font-weight: 600; }
  .own { font-weight: 600; }
  .small { font-size: 11px; fill: #59636e; }
  ${Object.entries(colours)
    .map(([kind, [bright]]) => `.${kind} { fill: ${bright}; }`)
    .join("\n  ")}
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .small { fill: #9198a1; }
    ${Object.entries(colours)
      .map(([kind, [, dark]]) => `.${kind} { fill: ${dark}; }`)
      .join("\n    ")}
  }`;

interface Row {
  readonly contender: Contender;
  readonly value: number;
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const textAt = (x: number, y: number, text: string, classes = "", anchor = "start"): string =>
  `<text x="${x}" y="${y}" class="${classes}" text-anchor="${anchor}">${escaped(text)}</text>`;

const rowsOf = (plan: Plan, results: Results, workload: string): Row[] =>
  plan.contenders
    .map((contender) => ({
      contender,
      value: median(samplesOf(results, contender.name, workload) ?? [Number.NaN]),
    }))
    .filter(({ value }) => Number.isFinite(value))
    .sort((a, b) => b.value - a.value);

const panelOf = (rows: readonly Row[], { unit }: Workload, title: string, top: number): string => {
  const greatest = Math.max(...rows.map(({ value }) => value));
  const widest = width - 2 * margin - titleWidth - figureWidth;
  const bars = rows.map(({ contender: { title: name, kind }, value }, index) => {
    const y = top + 14 + index * rowHeight;
    const length = Math.max(1, (value / greatest) * widest);
    const classes = kind === "remoting" ? "own" : "";
    return [
      textAt(margin + titleWidth - 10, y + 13, name, classes, "end"),
      `<rect x="${margin + titleWidth}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="2" class="${kind}"/>`,
      textAt(margin + titleWidth + length + 8, y + 13, `${figure(value)} ${unit}`, classes),
    ].join("\n");
  });
  return [textAt(margin, top, title, "panel"), ...bars].join("\n");
};

/** The whole picture. Only what was measured is in it. */
export const plotOf = (plan: Plan, results: Results, date: string): string => {
  const parts: string[] = [];
  let top = headHeight + 14;
  for (const { workload: id, title } of panels) {
    const workload = plan.workloads.find((candidate) => candidate.id === id);
    const rows = workload === undefined ? [] : rowsOf(plan, results, id);
    if (workload === undefined || rows.length === 0) continue;
    parts.push(panelOf(rows, workload, title, top));
    top += 14 + rows.length * rowHeight + panelGap;
  }
  const head = [
    textAt(margin, 30, "remoting beside hand-written code and other frameworks", "title"),
    textAt(
      margin,
      50,
      `${date}, ${describeMachine()}; two processes, medians of ${plan.rounds} interleaved rounds`,
      "small",
    ),
  ];
  const size = `width="${width}" height="${top}" viewBox="0 0 ${width} ${top}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="Benchmark of remoting">\n<style>${style}\n</style>\n${[...head, ...parts].join("\n")}\n</svg>\n`;
};

export const writePlot = (file: string, plan: Plan, results: Results): void => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, plotOf(plan, results, new Date().toISOString().slice(0, 10)));
};
