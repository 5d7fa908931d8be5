/** The addon as such: when it is loaded, in how many threads, and what is said where there is none. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { openIpcResources } from "remoting/ipc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { repository, runProcess } from "../examples/run-process.ts";

const source = (name: string) => JSON.stringify(pathToFileURL(join(repository, "src", name)).href);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "remoting-addon-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function evaluate(program: string, environment: Readonly<Record<string, string>> = {}) {
  const loader = pathToFileURL(join(repository, "node_modules/tsx/dist/loader.mjs")).href;
  const args = ["--import", loader, "--input-type=module", "--eval", program];
  return runProcess(process.execPath, args, { environment });
}

describe("the addon", () => {
  test("is loaded, and has nothing open", () => {
    expect(openIpcResources()).toBe(0);
  });

  test("is not loaded by importing the package, or its ipc", async () => {
    const outcome = await evaluate(
      `await import(${source("index.ts")});
       await import(${source("ipc.ts")});
       // Names of hosts would be looked up, which may take long.
       process.report.excludeNetwork = true;
       console.log(process.report.getReport().sharedObjects.filter((path) => path.endsWith("remoting.node")).length);`,
    );
    expect(outcome).toEqual({ code: 0, stdout: "0\n", stderr: "" });
  });

  test("works in several threads at once", async () => {
    const program = `
      const { parentPort, workerData } = require("node:worker_threads");
      parentPort.postMessage(require(workerData).openResources());`;
    const binary = join(repository, `prebuilds/${process.platform}-${process.arch}/remoting.node`);
    const counts = await Promise.all(
      Array.from({ length: 8 }, () => {
        const worker = new Worker(program, { eval: true, workerData: process.env.REMOTING_NATIVE ?? binary });
        return new Promise((resolve, reject) => {
          worker.once("error", reject);
          worker.once("message", (count) => worker.once("exit", (code) => resolve([count, code])));
        });
      }),
    );
    expect(counts).toEqual(Array.from({ length: 8 }, () => [0, 0]));
  });

  test("says what to do where there is none", async () => {
    const program = `
      const { openIpcResources } = await import(${source("ipc.ts")});
      try { openIpcResources(); } catch ({ name, code, message }) { console.log(JSON.stringify({ name, code, message })); }`;
    const missing = await evaluate(program, { REMOTING_NATIVE: join(folder, "nowhere.node") });
    expect(JSON.parse(missing.stdout)).toEqual({
      name: "NativeAddonError",
      code: "ERR_NATIVE_ADDON",
      message: expect.stringMatching(/nowhere\.node is missing.*npm run build:native/),
    });

    await writeFile(join(folder, "broken.node"), "not a binary");
    const broken = await evaluate(program, { REMOTING_NATIVE: join(folder, "broken.node") });
    expect(JSON.parse(broken.stdout)).toEqual({
      name: "NativeAddonError",
      code: "ERR_NATIVE_ADDON",
      message: expect.stringMatching(/cannot be loaded.*npm run build:native -- --force/s),
    });
  });
});
