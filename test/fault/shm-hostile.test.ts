/** Whoever is at the other end of `shm://` may be an enemy: over the real socket, with real memory. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConnectError, ConnectionLostError, RemotingDomain, shmChannel } from "remoting";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { IpcError, openIpcResources } from "../../src/ipc.ts";
import { forkProgram } from "./program.ts";
import { ShmEcho } from "./shm-echo.ts";
import { within } from "./within.ts";

const repository = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "remoting-shm-"));
const liar = join(folder, "liar");
const addon = join(repository, `prebuilds/${process.platform}-${process.arch}/remoting.node`);

/** Where servers of this test wait: nobody else's are disturbed. */
const environment = { XDG_RUNTIME_DIR: folder, REMOTING_NATIVE: addon };

function socketOf(name: string): string {
  return join(folder, "remoting", `shm.${name}.sock`);
}

function newDomain(): RemotingDomain {
  const domain = new RemotingDomain({ defaultTimeout: 0 });
  domain.registerChannel(shmChannel());
  // A server's strangers are nobody's call.
  domain.on("unobservedError", () => {});
  return domain;
}

/** Waits until this process has as much open as it had before. */
async function expectResources(before: number): Promise<void> {
  await expect.poll(() => openIpcResources(), { timeout: 30_000 }).toBe(before);
}

/** The error of a client of a liar. */
async function deceived(lie: string): Promise<unknown> {
  const server = spawn(liar, [socketOf(lie), lie], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(server, "exit");
  await within(30_000, once(server.stdout, "data"), "the liar");
  const domain = newDomain();
  try {
    return await within(
      30_000,
      domain
        .getObject(ShmEcho, `shm://${lie}`)
        .add(1, 2)
        .catch((error: unknown) => error),
      "an error",
    );
  } finally {
    await domain.close();
    await within(30_000, ended, "the end of the liar, when its client goes");
    await expect
      .poll(() => readFileSync("/proc/self/maps", "utf8"), { timeout: 30_000 })
      .not.toContain("memfd:");
  }
}

describe.runIf(process.platform === "linux")("an enemy at the other end", () => {
  const runtime = process.env.XDG_RUNTIME_DIR;

  beforeAll(() => {
    mkdirSync(join(folder, "remoting"), { mode: 0o700 });
    process.env.XDG_RUNTIME_DIR = folder;
    const native = join(repository, "native");
    const { status, stderr } = spawnSync(
      process.env.CXX ?? "c++",
      [
        ...["-std=c++17", "-O1", `-I${native}`, "-o", liar],
        ...[join(native, "ring/test/liar.cc"), join(native, "ring/ring_memory_posix.cc")],
      ],
      { encoding: "utf8" },
    );
    expect(stderr).toBe("");
    expect(status).toBe(0);
  }, 300_000);

  afterAll(() => {
    if (runtime === undefined) delete process.env.XDG_RUNTIME_DIR;
    else process.env.XDG_RUNTIME_DIR = runtime;
    rmSync(folder, { recursive: true, force: true });
  });

  test.each([
    ["garbage", "protocol", "is no handover"],
    ["goes-at-once", "broken", "without handing over memory"],
    ["other-version", "protocol", "another version"],
    ["half-a-message", "protocol", "is no handover"],
    ["no-descriptor", "protocol", "one descriptor"],
    ["two-descriptors", "protocol", "one descriptor"],
    ["not-sealed", "protocol", "not sealed"],
    ["sealed-against-growing-only", "protocol", "not sealed"],
    ["sealed-against-writing", "protocol", "sealed against writing"],
    ["not-allocated", "protocol", "not allocated in full"],
    ["too-small", "protocol", "another size"],
    ["too-large", "protocol", "another size"],
    ["odd-capacity", "protocol", "power of two"],
    ["huge-capacity", "protocol", "power of two"],
    ["no-memory", "protocol", "not sealable memory"],
  ])(
    "a server that hands over: %s",
    async (lie, fault, message) => {
      const before = openIpcResources();
      const error = await deceived(lie);
      expect(error).toBeInstanceOf(ConnectError);
      expect(error).toMatchObject({ mayHaveExecuted: false, cause: expect.any(IpcError) });
      expect(error).toMatchObject({ cause: { fault, message: expect.stringContaining(message) } });
      await expectResources(before);
    },
    60_000,
  );

  test.each([
    ["too-much-written", "indexes of its ring cannot be"],
    ["garbage-bytes", "a message of"],
    ["flood-of-bells", "a message of 4294967295 bytes"],
  ])(
    "a server that abuses the memory: %s",
    async (lie, message) => {
      const before = openIpcResources();
      const error = await deceived(lie);
      expect(String(error)).toContain(message);
      await expectResources(before);
    },
    60_000,
  );

  test("a client that takes its memory, rings like mad, and says nothing disturbs nobody", async () => {
    const server = newDomain();
    const resources = openIpcResources();
    await server.serve("shm://calm", [ShmEcho]);
    const client = newDomain();
    const echo = client.getObject(ShmEcho, "shm://calm");
    const strangers = Array.from({ length: 20 }, () => connect(socketOf("calm")));
    for (const stranger of strangers) stranger.on("error", () => {});
    await Promise.all(strangers.map((stranger) => once(stranger, "connect")));
    for (const stranger of strangers) stranger.write(Buffer.alloc(100_000, "!"));
    for (let call = 0; call < 100; call++) expect(await echo.add(call, 1)).toBe(call + 1);
    for (const stranger of strangers) stranger.destroy();
    await Promise.all(strangers.map((stranger) => stranger.closed || once(stranger, "close")));
    expect(await echo.add(1, 1)).toBe(2);
    await client.close();
    await server.close();
    await expectResources(resources);
  });

  test("a server without memory: an error that says so, and it lives", async () => {
    const options = JSON.stringify({ role: "server", url: "shm://poor", ringBytes: 1024 * 1024 });
    const server = await forkProgram("shm-peer", [options], { fileBlocks: 1024, environment });
    await within(60_000, once(server, "message"), "the server");
    const client = newDomain();
    for (let attempt = 0; attempt < 3; attempt++) {
      const error = await client
        .getObject(ShmEcho, "shm://poor")
        .add(1, 2)
        .catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(ConnectError);
      expect(error).toMatchObject({ cause: { code: "EFBIG", fault: "too-large" } });
    }
    expect(server.exitCode).toBeNull();
    await client.close();
    server.kill();
  });

  test("a server without descriptors: an error that says so, and room again when others have gone", async () => {
    const options = JSON.stringify({ role: "server", url: "shm://narrow", ringBytes: 65_536 });
    const server = await forkProgram("shm-peer", [options], { descriptors: 48, environment });
    await within(60_000, once(server, "message"), "the server");
    const domains: RemotingDomain[] = [];
    let error: unknown;
    while (error === undefined && domains.length < 48) {
      const domain = newDomain();
      domains.push(domain);
      error = await domain
        .getObject(ShmEcho, "shm://narrow")
        .add(1, 2)
        .then(
          () => undefined,
          (cause: unknown) => cause,
        );
    }
    expect(error).toBeInstanceOf(ConnectError);
    expect(error).toMatchObject({ cause: { code: "EMFILE", fault: "full" } });
    // Those who are in are served on.
    expect(await domains[0]?.getObject(ShmEcho, "shm://narrow").add(2, 3)).toBe(5);
    for (const domain of domains.splice(1)) await domain.close();
    const [first] = domains;
    const next = newDomain();
    // The server hears of those who have gone one after the other.
    await expect
      .poll(
        () =>
          next
            .getObject(ShmEcho, "shm://narrow")
            .add(3, 4)
            .catch(() => undefined),
        { timeout: 30_000 },
      )
      .toBe(7);
    expect(server.exitCode).toBeNull();
    await next.close();
    await first?.close();
    server.kill();
  }, 120_000);

  test("a server that is killed while it is idle: calls fail at once, the next server is found", async () => {
    const options = JSON.stringify({ role: "server", url: "shm://mortal", ringBytes: 65_536 });
    const server = await forkProgram("shm-peer", [options], { environment });
    await within(60_000, once(server, "message"), "the server");
    const client = newDomain();
    const echo = client.getObject(ShmEcho, "shm://mortal");
    expect(await echo.add(1, 2)).toBe(3);
    const disconnected = client.whenDisconnected(echo);
    server.kill("SIGKILL");
    expect(await within(30_000, disconnected, "the news")).toBeInstanceOf(ConnectionLostError);
    const next = await forkProgram("shm-peer", [options], { environment });
    await within(60_000, once(next, "message"), "the next server");
    expect(await echo.add(2, 2)).toBe(4);
    await client.close();
    next.kill();
  }, 120_000);
});
