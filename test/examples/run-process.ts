/** Real processes for tests: they run to their end, or are ended with all their children when the test's time is up. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

/** The top of this repository. */
export const repository = fileURLToPath(new URL("../../", import.meta.url));

/** tsx as its own program runs it; its path does not depend on where the process is started. */
export const tsx = fileURLToPath(new URL("../../node_modules/tsx/dist/cli.mjs", import.meta.url));

export interface ProcessOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let guardian: ChildProcessByStdio<Writable, null, null> | undefined;

function startGuardian(): ChildProcessByStdio<Writable, null, null> {
  const program = fileURLToPath(new URL("./guardian.mjs", import.meta.url));
  const child = spawn(process.execPath, [program], { stdio: ["pipe", "inherit", "inherit"] });
  // It waits for this process, which does not wait for it.
  child.unref();
  if (child.stdin instanceof Socket) child.stdin.unref();
  return child;
}

/** Has a program and its children ended with this process, even if that is killed. */
function guard({ pid }: ChildProcess, begins: boolean): void {
  if (pid === undefined) return;
  guardian ??= startGuardian();
  guardian.stdin.write(`${begins ? pid : -pid}\n`);
}

/** Starts a program in a process group of its own, so that {@link endProcess} reaches its children too. */
export function startProcess(command: string, args: readonly string[], options: ProcessOptions = {}) {
  const child = spawn(command, args, {
    cwd: options.cwd ?? repository,
    env: { ...process.env, NO_COLOR: "1", ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
    detached: process.platform !== "win32",
  });
  guard(child, true);
  child.once("close", () => guard(child, false));
  return child;
}

/** Ends a program and its children at once. Does nothing if they have ended. */
export function endProcess({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

/** Runs a program to its end. */
export async function runProcess(
  command: string,
  args: readonly string[],
  options: ProcessOptions & { readonly timeout?: number } = {},
): Promise<Outcome> {
  const child = startProcess(command, args, options);
  const watchdog = setTimeout(() => endProcess(child), options.timeout ?? 120_000);
  try {
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close"),
    ]);
    return { code: typeof code === "number" ? code : null, stdout, stderr };
  } finally {
    clearTimeout(watchdog);
    endProcess(child);
  }
}

/** Resolves with the first line that a program prints; the rest is thrown away. */
export async function firstLineOf(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("its output is not a pipe");
  const ended = once(child, "close").then(([code]) => {
    throw new Error(`It has ended with ${code} and without a line`);
  });
  const [line] = await Promise.race([once(createInterface(child.stdout), "line"), ended]);
  ended.catch(() => {});
  return String(line);
}
