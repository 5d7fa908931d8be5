/**
 * No program of these tests outlives the process that has started it. When that is killed, the way to it is closed, and
 * this is what is done here.
 */
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { forkProgram, type ProgramOptions } from "./program.ts";
import { Journal } from "./server-process.ts";
import { within } from "./within.ts";

const addon = fileURLToPath(
  new URL(`../../prebuilds/${process.platform}-${process.arch}/remoting.node`, import.meta.url),
);

/** Starts a program, waits until it has told something, and resolves with its exit code once nobody listens any more. */
async function exitCodeOf(
  name: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<unknown> {
  const program = await forkProgram(name, args, options);
  onTestFinished(() => void program.kill("SIGKILL"));
  await within(60_000, once(program, "message"), name);
  const exited = once(program, "exit");
  program.disconnect();
  const [code] = await within(60_000, exited, `the end of ${name}`);
  return code;
}

vi.setConfig({ testTimeout: 120_000 });

describe("a program ends with the process that has started it", () => {
  test("server", async () => {
    const journal = await Journal.create();
    onTestFinished(() => journal.remove());
    expect(await exitCodeOf("server", [JSON.stringify({ journal: journal.path })])).toBe(0);
  });

  test("reference-server and reference-client", async () => {
    const server = await forkProgram("reference-server", []);
    onTestFinished(() => void server.kill("SIGKILL"));
    const [url] = await within(60_000, once(server, "message"), "the server");
    expect(await exitCodeOf("reference-client", [String(url), "hold", "1000"])).toBe(0);
    const exited = once(server, "exit");
    server.disconnect();
    expect((await within(60_000, exited, "the end of the server"))[0]).toBe(0);
  });

  test("shm-peer", async () => {
    const options = { role: "server", url: `shm://ends-${process.pid}`, ringBytes: 65_536 };
    // The bundle is elsewhere than the addon.
    const environment = { REMOTING_NATIVE: addon };
    expect(await exitCodeOf("shm-peer", [JSON.stringify(options)], { environment })).toBe(0);
  });
});
