/** Processes at the ends of pipes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const file = fileURLToPath(new URL("./programs/pipe-program.ts", import.meta.url));

/** A program that is killed with the test. */
export function startProgram(
  command: string,
  args: readonly string[],
  environment: Record<string, string> = {},
) {
  const child = spawn(command, args, {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...environment },
  });
  const exited = once(child, "exit");
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await exited;
  });
  const line = once(createInterface(child.stdout), "line").then(([text]) => String(text));
  return { child, exited, line };
}

/** `programs/pipe-program.ts`. */
export function pipeProgram(args: readonly string[], environment: Record<string, string> = {}) {
  return startProgram(process.execPath, ["--import", "tsx", file, ...args], environment);
}
