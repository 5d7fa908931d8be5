// The price of each layer: remoting against itself with one thing changed, and the time that importing it
// takes. What a layer changes is said in `contenders/remoting-layers/layer.ts`.

import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Contender } from "./contenders.ts";
import { median } from "./statistics.ts";

export const layerBase = "default";

const layer = (name: string, title: string): Contender => ({
  name,
  title,
  kind: name === layerBase ? "remoting" : "layer",
  folder: "contenders/remoting-layers",
  variant: name,
});

export const layers: readonly Contender[] = [
  layer(layerBase, "tcp://, default settings"),
  layer("message-sink", "with one message sink that passes calls on"),
  layer("channel-sink", "with one channel sink that passes payloads on"),
  layer("json", "with the JSON formatter"),
  layer("dynamic", "a proxy without the class, for a stub"),
];

const here = dirname(fileURLToPath(import.meta.url));

const millisecondsOf = (script: string): number => {
  const begin = performance.now();
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: here,
  });
  if (status !== 0) throw new Error(/^.*Error.*$/m.exec(stderr.toString())?.[0] ?? `status ${status}`);
  return performance.now() - begin;
};

/** Milliseconds that `import "remoting"` adds to a process's start, each paired with an empty process. */
export const importTime = (rounds: number): number => {
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const empty = millisecondsOf("");
    samples.push(millisecondsOf('import "remoting"') - empty);
  }
  return median(samples);
};
