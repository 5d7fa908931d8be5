/** `npm run demo`, as people use it and as they mistype it. */

import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { endProcess, firstLineOf, runProcess, startProcess, tsx } from "./run-process.ts";

const demo = (...args: readonly string[]) => [tsx, "examples/demo/main.ts", ...args];

const run = (...args: readonly string[]) => runProcess(process.execPath, demo(...args));

describe("the demo", () => {
  test.each([
    ["tcp", []],
    ["memory", ["--channel", "memory://demo"]],
  ])("runs over %s", async (_scheme, args) => {
    const { code, stdout, stderr } = await run(...args);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/✓ All \d+ results were right/);
    expect(stdout).not.toContain("✗");
    expect(stdout).not.toContain("\u001B");
    expect(code).toBe(0);
  });

  test.each([
    ["nats://x", "nats://"],
    ["memory:demo", "scheme://address"],
    ["tcp://127.0.0.1", "host:port"],
    ["tcp://127.0.0.1:1/Menu", "names an object"],
    ["tcp://0.0.0.0:0", "127.0.0.1"],
  ])("refuses --channel %s and says why", async (channel, hint) => {
    const { code, stdout, stderr } = await run("--channel", channel);
    expect(stdout).toBe("");
    expect(stderr).toContain(hint);
    expect(stderr).toContain("npm run demo -- --channel URL");
    expect(code).toBe(2);
  });

  test("says that a port is taken", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    try {
      await once(server, "listening");
      const address = server.address();
      const port = typeof address === "object" ? address?.port : undefined;
      const { code, stderr } = await run("--channel", `tcp://127.0.0.1:${port}`);
      expect(stderr).toContain("EADDRINUSE");
      expect(code).toBe(2);
    } finally {
      server.close();
    }
  });

  test("leaves no server behind when it is killed", async () => {
    const child = startProcess(process.execPath, ["--import", "tsx", "examples/demo/main.ts"]);
    try {
      expect(await firstLineOf(child)).toContain("pizzeria");
      child.kill("SIGKILL");
      // The server writes to the same pipe, which is closed only when it has ended as well.
      await once(child, "close");
    } finally {
      endProcess(child);
    }
  });
});
