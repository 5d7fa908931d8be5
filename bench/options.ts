// The command line of the benchmark.

import { parseArgs } from "node:util";
import { type Contender, contenders, contendersNamed } from "./contenders.ts";
import type { Plan } from "./plan.ts";
import { workloads, workloadsNamed } from "./workloads.ts";

export const usage = `npm run bench -- [options]

  --workloads W1,W2      only these (W4 means W4-64KiB and W4-1MiB)
  --contenders a,b       only these: ${contenders.map(({ name }) => name).join(", ")}
  --rounds 15            rounds, each of which measures everything once, idle memory in the first five; in three
                         parts, for each of which all processes are started anew
  --quick                five short rounds; believe them less
  --layers               instead: the price of hardening, sinks, stubs, and of import "remoting"
  --json results.json    also write every sample to a file
  --readme               also rewrite the table in README.md
  --plot                 also draw docs/images/benchmark.svg
`;

export interface Options {
  readonly plan: Plan;
  readonly quick: boolean;
  readonly layers: boolean;
  readonly help: boolean;
  readonly json: string | undefined;
  readonly readme: boolean;
  readonly plot: boolean;
}

const listOf = (text: string): string[] => text.split(",").map((name) => name.trim());

const chosen = <Item>(text: string | undefined, all: readonly Item[], named: (names: string[]) => Item[]) => {
  if (text === undefined) return all;
  const found = named(listOf(text));
  if (found.length === 0) throw new Error(`nothing is called ${text}\n\n${usage}`);
  return found;
};

const roundsOf = (text: string | undefined, otherwise: number): number => {
  const rounds = text === undefined ? otherwise : Number(text);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) throw new Error("--rounds takes 1 to 100");
  return rounds;
};

export const optionsOf = (args: string[]): Options => {
  const { values } = parseArgs({
    args,
    options: {
      workloads: { type: "string" },
      contenders: { type: "string" },
      rounds: { type: "string" },
      json: { type: "string" },
      quick: { type: "boolean", default: false },
      layers: { type: "boolean", default: false },
      readme: { type: "boolean", default: false },
      plot: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const rounds = roundsOf(values.rounds, values.quick ? 5 : 15);
  const chosenContenders: readonly Contender[] = chosen(values.contenders, contenders, contendersNamed);
  return {
    plan: {
      contenders: chosenContenders,
      workloads: chosen(values.workloads, workloads, workloadsNamed),
      rounds,
      starts: values.quick ? 1 : Math.min(rounds, 3),
      milliseconds: values.quick ? 120 : 200,
      leadInMilliseconds: values.quick ? 50 : 100,
      warmUpRounds: values.quick ? 2 : 6,
      memoryRounds: values.quick ? 1 : Math.min(rounds, 5),
    },
    quick: values.quick,
    layers: values.layers,
    help: values.help,
    json: values.json,
    readme: values.readme,
    plot: values.plot,
  };
};
