/**
 * Programs in processes of their own, that start as fast as Node does: all of `programs/` is bundled once, because to
 * load sixty modules through a loader takes four times as long as everything else that a killed server costs.
 */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const repository = fileURLToPath(new URL("../../", import.meta.url));
const programs = fileURLToPath(new URL("./programs/", import.meta.url));

const running = new Set<ChildProcess>();
let bundled: Promise<string> | undefined;
let folder: string | undefined;

process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});
// So does vitest end its workers, in which otherwise nothing of that would happen.
process.once("SIGTERM", () => process.exit());

/** Bundles the programs. Returns where they are. */
async function bundle(): Promise<string> {
  const target = mkdtempSync(join(tmpdir(), "remoting-programs-"));
  folder = target;
  const files = await readdir(programs);
  await build({
    entryPoints: files.filter((file) => file.endsWith(".ts")).map((file) => join(programs, file)),
    outdir: target,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "es2022",
    // Contracts and errors go by the names of their classes.
    keepNames: true,
    absWorkingDir: repository,
    // What msgpackr looks for and can do without: native code, which cannot be bundled.
    external: ["msgpackr-extract"],
    banner: {
      js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
    },
    logLevel: "warning",
  });
  return target;
}

/** How a program is started. */
export interface ProgramOptions {
  /** How many files and sockets it may have open. Default: what this process may. */
  readonly descriptors?: number | undefined;
  /** How large files may become that it writes, in blocks of 512 bytes. Default: what this process may. */
  readonly fileBlocks?: number | undefined;
  /** Environment variables beside those of this process. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

/** Starts a program by the name of its file. It is killed with this process if it has not ended by then. */
export async function forkProgram(
  name: string,
  args: readonly string[],
  { descriptors, fileBlocks, environment }: ProgramOptions = {},
): Promise<ChildProcess> {
  bundled ??= bundle();
  const path = join(await bundled, `${basename(name, ".ts")}.mjs`);
  const nodeOptions = ["--expose-gc"];
  const limits = [
    ...(descriptors === undefined ? [] : [`ulimit -n ${descriptors}`]),
    ...(fileBlocks === undefined ? [] : [`ulimit -f ${fileBlocks}`]),
  ];
  const child = fork(path, args, {
    cwd: repository,
    // The shell lowers the limits and becomes Node.
    ...(limits.length === 0
      ? { execArgv: nodeOptions }
      : {
          execPath: "/bin/sh",
          execArgv: ["-c", `${limits.join(" && ")} && exec "$0" "$@"`, process.execPath, ...nodeOptions],
        }),
    env: { ...process.env, NO_COLOR: "1", ...environment },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}
