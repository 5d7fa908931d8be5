/**
 * `npm run example -- <name>`: runs one example as its reader would. `main.ts` is run alone; otherwise `server.ts`
 * is started in a process of its own, `client.ts` is run as soon as the server has said its first word, and the
 * server is ended after it.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill();
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

/** Runs one file of the example; its lines are printed behind the name that is given. */
function start(
  folder: string,
  file: string,
  prefix: string,
): { child: ChildProcess; firstLine: Promise<void> } {
  const child = fork(join(folder, file), { cwd: folder, stdio: ["ignore", "pipe", "inherit", "ipc"] });
  running.add(child);
  child.once("exit", () => running.delete(child));
  if (child.stdout === null) throw new Error("the output was asked for as a pipe");
  const lines = createInterface(child.stdout);
  lines.on("line", (line) => console.log(prefix + line));
  const firstLine = Promise.race([once(lines, "line"), once(child, "exit")]).then(() => {});
  return { child, firstLine };
}

async function exitCodeOf(child: ChildProcess): Promise<number> {
  if (child.exitCode !== null) return child.exitCode;
  const [code] = await once(child, "close");
  return typeof code === "number" ? code : 1;
}

async function run(folder: string): Promise<number> {
  if (existsSync(join(folder, "main.ts"))) return exitCodeOf(start(folder, "main.ts", "").child);
  const server = start(folder, "server.ts", "server: ");
  await server.firstLine;
  if (server.child.exitCode !== null) return server.child.exitCode;
  const { child } = start(folder, "client.ts", "client: ");
  const code = await exitCodeOf(child);
  server.child.kill();
  await exitCodeOf(server.child);
  return code;
}

const [name] = process.argv.slice(2);
const folder = name === undefined ? undefined : resolve(import.meta.dirname, name);
if (folder === undefined || !existsSync(folder)) {
  const names = readdirSync(import.meta.dirname, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  console.error(`Usage: npm run example -- <name>, where the name is one of ${names.join(", ")}`);
  process.exitCode = 2;
} else {
  process.exitCode = await run(folder);
}
