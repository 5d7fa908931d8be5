// The table in README.md, between its two markers, and the same results as a file.

import { readFileSync, writeFileSync } from "node:fs";
import { floorName } from "./contenders.ts";
import { figure, ratioFigure } from "./format.ts";
import { describeMachine } from "./machine.ts";
import { type Plan, type Results, samplesOf } from "./plan.ts";
import { median } from "./statistics.ts";
import { verdictsOf } from "./verdicts.ts";

const begin = "<!-- bench:start -->";
const end = "<!-- bench:end -->";

const cellOf = (results: Results, contender: string, workload: string): string => {
  const samples = samplesOf(results, contender, workload);
  if (samples === undefined) return "–";
  const base = samplesOf(results, floorName, workload);
  const value = median(samples);
  return base === undefined ? figure(value) : `${figure(value)} (${ratioFigure(value / median(base))})`;
};

const rowOf = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

const targetRows = (plan: Plan, results: Results): string[] =>
  verdictsOf(plan.workloads, plan.contenders, results)
    .filter(({ ratio }) => ratio !== undefined)
    .map(({ workload, text, ratio, reached }) =>
      rowOf([workload, text, ratioFigure(ratio ?? Number.NaN), reached ? "✓" : "✗"]),
    );

export const tableOf = (plan: Plan, results: Results, date: string): string => {
  const heads = plan.workloads.map(({ id, unit }) => `${id}, ${unit}`);
  const measured = plan.contenders.filter(({ name }) => results.samples[name] !== undefined);
  const rows = measured.map(({ name, title, kind }) =>
    rowOf([
      kind === "remoting" ? `**${title}**` : title,
      ...plan.workloads.map(({ id }) => cellOf(results, name, id)),
    ]),
  );
  const verdicts = targetRows(plan, results);
  return [
    `Measured on ${date}: ${describeMachine()}. Medians of ${plan.rounds} interleaved rounds;`,
    "in brackets the ratio to the floor of the same run. Believe the ratios, not the figures.",
    "",
    rowOf(["", ...heads]),
    rowOf(["---", ...heads.map(() => "---:")]),
    ...rows,
    "",
    ...plan.workloads.map(({ id, title }) => `- ${id}: ${title}.`),
    ...(verdicts.length === 0
      ? []
      : [
          "",
          rowOf(["workload", "target", "reached", ""]),
          rowOf(["---", "---", "---:", "---"]),
          ...verdicts,
        ]),
  ].join("\n");
};

const replaceBetweenMarkers = (document: string, table: string): string => {
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the README has no ${begin} … ${end}`);
  return `${document.slice(0, from + begin.length)}\n${table}\n${document.slice(to)}`;
};

export const rewriteReadme = (file: string, plan: Plan, results: Results): void => {
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(file, replaceBetweenMarkers(readFileSync(file, "utf8"), tableOf(plan, results, date)));
};

export const writeJson = (file: string, plan: Plan, results: Results): void => {
  const summary = Object.fromEntries(
    plan.contenders.map(({ name }) => [
      name,
      Object.fromEntries(
        plan.workloads.map(({ id }) => [id, median(samplesOf(results, name, id) ?? [])] as const),
      ),
    ]),
  );
  const content = {
    date: new Date().toISOString(),
    machine: describeMachine(),
    medians: summary,
    ...results,
  };
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
};
