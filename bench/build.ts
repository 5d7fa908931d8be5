// What is measured is compiled JavaScript under plain `node`: a loader such as tsx adds work to every
// closure, of the floor's and the package's alike. The package is built to the root's `dist` and linked into
// this folder's `node_modules`, so that contenders import it as an application does.

import { spawnSync } from "node:child_process";
import { rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
export const root = dirname(here);

const compiler = join(
  dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
  "bin",
  "tsc",
);

/** Types are `npm run typecheck`'s business: a type error in unfinished work does not stop a measurement. */
const compile = (project: string): string | undefined => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, "-p", project, "--noCheck"], {
    cwd: root,
    encoding: "utf8",
  });
  return status === 0 ? undefined : `${stdout}${stderr}`.trim().split("\n").slice(0, 5).join("\n");
};

export const buildBench = (): void => {
  rmSync(join(here, "dist"), { recursive: true, force: true });
  const complaint = compile(join(here, "tsconfig.json"));
  if (complaint !== undefined) throw new Error(`the benchmark does not compile:\n${complaint}`);
};

/** Says what is wrong with the package, or nothing. */
export const buildPackage = (): string | undefined => {
  const link = join(here, "node_modules", "remoting");
  rmSync(link, { force: true });
  symlinkSync(root, link, "junction");
  return compile(join(root, "tsconfig.build.json"));
};
