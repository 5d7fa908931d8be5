/** No program that the tests of the examples run outlives the process that has started it, however that ends. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { repository } from "./run-process.ts";

/** Whether a process has not ended. One that has may be kept for whoever asks how, if nobody does: a zombie. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

// A process group is what ends them, and Windows has none.
test.skipIf(process.platform === "win32")(
  "programs end with a process that is killed, and so do theirs",
  async () => {
    const path = fileURLToPath(new URL("./fixtures/starter.ts", import.meta.url));
    const starter = fork(path, { cwd: repository, execArgv: ["--import", "tsx"] });
    onTestFinished(() => void starter.kill("SIGKILL"));
    const [told] = await once(starter, "message");
    const pids = String(told).split(" ").map(Number);
    expect(pids).toHaveLength(3);
    expect(pids.every(isRunning)).toBe(true);
    starter.kill("SIGKILL");
    await expect.poll(() => pids.filter(isRunning), { timeout: 60_000 }).toEqual([]);
  },
  120_000,
);
