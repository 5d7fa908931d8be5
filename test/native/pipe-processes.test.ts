/** Pipes between processes, and processes and threads that end at any moment. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { openIpcResources } from "remoting/ipc";
import { expect, onTestFinished, test } from "vitest";
import { clientOf, failureOf, newName, pattern, serverOf } from "./pipe-pair.ts";
import { pipeProgram } from "./pipe-process.ts";

const patience = 120_000;

test("messages of all sizes go to another process and back, and each knows the other", {
  timeout: patience,
}, async () => {
  const name = newName();
  const { child, line } = pipeProgram(["serve", name]);
  await line;
  const client = clientOf(name);
  await client.connect();
  expect(client.peer.processId).toBe(child.pid);
  for (const size of [0, 1, 65_535, 65_536, 65_537, 1 << 20]) {
    const message = pattern(size, size);
    const answer = client.readMessage();
    await client.write(message);
    expect((await answer)?.equals(message)).toBe(true);
  }
});

test("a program of these tests does not outlive the process that has started it", {
  timeout: patience,
}, async () => {
  const { child, exited, line } = pipeProgram(["serve", newName()]);
  await line;
  // What the system does when that process is killed.
  child.stdin.end();
  expect((await exited)[0]).toBe(0);
});

test("a server that is killed: its clients notice, and its name can be taken", {
  timeout: patience,
}, async () => {
  const name = newName();
  for (let round = 0; round < 3; round++) {
    const { child, exited, line } = pipeProgram(["serve", name]);
    await line;
    const client = clientOf(name);
    await client.connect();
    const reading = client.readMessage();
    child.kill("SIGKILL");
    await exited;
    // As if it had closed: the system does not say how a process ended.
    expect(await reading).toBeUndefined();
    expect(await failureOf(client.write(Buffer.from("x")))).toMatchObject({ fault: "broken" });
    expect(await failureOf(clientOf(name).connect({ timeout: 0 }))).toMatchObject({ fault: "not-found" });
  }
  serverOf(name, { firstInstance: true });
});

test("a client that is killed at any point leaves a server that serves the next", {
  timeout: patience,
}, async () => {
  const name = newName();
  const server = serverOf(name);
  for (let round = 0; round < 6; round++) {
    const { child, exited } = pipeProgram(["flood", name]);
    await server.waitForConnection();
    const writing = (async () => {
      for (;;) await server.write(Buffer.alloc(100_000));
    })();
    let received = 0;
    const reading = (async () => {
      for await (const message of server) {
        received += message.length;
        // Killed at another point of another message each time.
        if (received > round * 400_000) child.kill("SIGKILL");
      }
    })();
    const outcome = await Promise.allSettled([reading, writing]);
    await exited;
    expect(outcome[1].status).toBe("rejected");
    server.disconnect();
  }
});

test("a process that exits with everything open and pending ends, and leaves nothing", {
  timeout: patience,
}, async () => {
  const name = newName();
  const { exited, line } = pipeProgram(["hold", name]);
  expect(await line).toBe("holding");
  expect(await exited).toEqual([0, null]);
  serverOf(name, { firstInstance: true });
});

test("a thread that ends with everything open and pending leaves nothing", {
  timeout: patience,
}, async () => {
  const file = JSON.stringify(new URL("./programs/pipe-program.ts", import.meta.url).href);
  const name = newName();
  const before = openIpcResources();
  for (let round = 0; round < 3; round++) {
    const worker = new Worker(
      `process.argv.splice(2, 9, "stay", ${JSON.stringify(name)});
       import("tsx/esm/api").then(({ register }) => { register(); return import(${file}); })
         .then(() => require("node:worker_threads").parentPort.postMessage("open"));`,
      { eval: true, execArgv: [], stdout: true },
    );
    await once(worker, "message");
    await worker.terminate();
    expect(await failureOf(clientOf(name).connect({ timeout: 0 }))).toMatchObject({ fault: "not-found" });
  }
  serverOf(name, { firstInstance: true });
  expect(openIpcResources() - before).toBeLessThanOrEqual(1);
});

test("500 races for a name: never two servers", { timeout: patience }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "remoting-race-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const name = newName();
  const racers = Array.from({ length: 5 }, () => pipeProgram(["race", name, join(folder, "held"), "100"]));
  const made = await Promise.all(racers.map(({ line }) => line));
  const codes = await Promise.all(racers.map(({ exited }) => exited));
  expect(codes).toEqual(racers.map(() => [0, null]));
  expect(made.map(Number).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
  serverOf(name, { firstInstance: true });
});
