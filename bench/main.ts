// The benchmark: compiles, measures, and shows what was measured. See `npm run bench -- --help`.

import { join } from "node:path";
import { buildBench, buildPackage, root } from "./build.ts";
import { killChildren } from "./child.ts";
import { importTime, layerBase, layers } from "./layers.ts";
import { describeMachine } from "./machine.ts";
import { measure, type Progress } from "./measure.ts";
import { type Options, optionsOf, usage } from "./options.ts";
import type { Plan } from "./plan.ts";
import { writePlot } from "./plot.ts";
import { rewriteReadme, writeJson } from "./readme.ts";
import { report } from "./terminal.ts";

const clearLine = "\r\u001b[2K";
const live = process.stderr.isTTY === true;

const showProgress: Progress = (what) => {
  if (live) process.stderr.write(`${clearLine}${what}`);
};

const planOf = ({ plan, layers: onlyLayers }: Options): Plan =>
  onlyLayers ? { ...plan, contenders: layers } : plan;

const importReport = (rounds: number): string => {
  try {
    return `${importTime(rounds).toFixed(1)} ms`;
  } catch (error) {
    return `failed: ${error instanceof Error ? error.message : error}`;
  }
};

const benchmark = async (options: Options): Promise<void> => {
  const begin = performance.now();
  const plan = planOf(options);
  showProgress("compiling");
  buildBench();
  const complaint = plan.contenders.some(({ folder }) => folder.startsWith("contenders/remoting"))
    ? buildPackage()
    : undefined;
  if (live) process.stderr.write(clearLine);
  if (complaint !== undefined) console.error(`the package does not compile:\n${complaint}\n`);

  console.log(`${describeMachine()}\nmedians of ${plan.rounds} interleaved rounds`);
  const results = await measure(plan, showProgress);
  if (live) process.stderr.write(clearLine);
  console.log(report(plan, results, options.layers ? layerBase : undefined));
  if (options.layers) console.log(`\nimport "remoting": ${importReport(plan.rounds)}`);
  if (options.json !== undefined) writeJson(options.json, plan, results);
  if (options.readme && !options.layers) rewriteReadme(join(root, "README.md"), plan, results);
  if (options.plot && !options.layers) writePlot(join(root, "docs/images/benchmark.svg"), plan, results);
  console.log(`\nmeasured in ${Math.round((performance.now() - begin) / 1000)} s`);
};

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    killChildren();
    process.exit(130);
  });
}

try {
  const options = optionsOf(process.argv.slice(2));
  if (options.help) console.log(usage);
  else await benchmark(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  killChildren();
}
