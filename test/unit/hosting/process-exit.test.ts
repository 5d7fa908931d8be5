/** Nothing of this package keeps a process running that has nothing left to do. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const script = fileURLToPath(new URL("./fixtures/exiting-program.ts", import.meta.url));

describe("a process", () => {
  test.each([
    ["that has closed its domains", "close"],
    ["whose client is idle and was not closed", "idle client"],
    ["whose client has failed to connect", "no server"],
    ["whose worker was closed by its domain", "worker"],
  ])("%s ends by itself", async (_name, scenario) => {
    // Killed after a while if it does not, and then this rejects.
    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", script, scenario], {
      timeout: 50_000,
    });
    expect(stdout).toBe("done\n");
  });
});
