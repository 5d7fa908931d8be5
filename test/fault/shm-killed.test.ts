/**
 * Either peer of `shm://` is killed before or after every store into what both share, and while the memory is handed
 * over. The other one has an error within a second, keeps nothing, and goes on.
 */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RemotingDomain, RemotingError, shmChannel } from "remoting";
import { beforeAll, describe, expect, test } from "vitest";
import { openIpcResources } from "../../src/ipc.ts";
import { forkProgram } from "./program.ts";
import { exercise, ShmEcho } from "./shm-echo.ts";
import { within } from "./within.ts";

const repository = fileURLToPath(new URL("../../", import.meta.url));
const addon = join(repository, `build/${process.platform}-${process.arch}-failpoints/remoting.node`);
const ringBytes = 65_536;

/** A soak test kills at each point 25 times, at different hits. */
const times = process.env.REMOTING_SOAK === undefined ? 1 : 25;

const onWindows = process.platform === "win32";
const system = onWindows ? "win32" : "posix";

/** How a process ends that dies at a failpoint. */
const death = onWindows ? [137, null] : [null, "SIGKILL"];

/** All that native/ring has, by who comes by. */
const points = {
  both: [
    ...["writer-copy", "writer-copy-half", "writer-publish", "writer-published"],
    ...["writer-short", "writer-announces", "writer-returns", "writer-returned"],
    ...["writer-wakes-reader", "writer-rings", "writer-sleeps", "writer-asleep", "writer-wakes"],
    ...["reader-consume", "reader-consumed", "reader-wakes-writer", "reader-rings"],
    ...["reader-sleeps", "reader-asleep", "reader-wakes", "bell"],
  ],
  server: {
    posix: [
      ...["memory-create", "memory-allocate", "memory-seal", "memory-sealed"],
      ...["handover-send", "handover-sent"],
    ],
    win32: [
      ...["memory-create", "memory-created"],
      ...["handover-duplicate", "handover-send", "handover-sent"],
    ],
  },
  client: ["handover-receive", "handover-mapped"],
};

let names = 0;
const newUrl = () => `shm://killed-${process.pid}-${++names}`;

/** Waits until this process has no ring any more, and nothing else that it did not have before. */
async function expectNothingLeft(resources: number): Promise<void> {
  await expect
    .poll(() => ({ leftovers: leftovers(), resources: openIpcResources() }), { timeout: 30_000 })
    .toEqual({ leftovers: [], resources });
}

/** What this process still has of any ring, where the system tells. */
function leftovers(): string[] {
  if (process.platform !== "linux") return [];
  const mapped = readFileSync("/proc/self/maps", "utf8")
    .split("\n")
    .filter((line) => line.includes("memfd:remoting"));
  const open = readdirSync("/proc/self/fd").flatMap((descriptor) => {
    try {
      return [readlinkSync(`/proc/self/fd/${descriptor}`)];
    } catch {
      return []; // The one that lists the folder is gone by now.
    }
  });
  return [...mapped, ...open.filter((target) => target.includes("memfd:remoting"))];
}

function newDomain(): RemotingDomain {
  const domain = new RemotingDomain({ defaultTimeout: 0 });
  domain.registerChannel(shmChannel({ spinMicroseconds: 0, ringBytes }));
  // A server whose client dies before it has called has nobody to tell.
  domain.on("unobservedError", () => {});
  return domain;
}

/** Starts a peer that will kill itself, or, without a point, will not. */
async function startPeer(role: "server" | "client", url: string, point: string, hit: number) {
  return await forkProgram("shm-peer", [JSON.stringify({ role, url, ringBytes })], {
    environment: { REMOTING_NATIVE: addon, REMOTING_FAILPOINT: point, REMOTING_FAILPOINT_HIT: String(hit) },
  });
}

async function killServer(point: string, hit: number): Promise<void> {
  const url = newUrl();
  const before = openIpcResources();
  const server = await startPeer("server", url, point, hit);
  const died = once(server, "exit");
  await within(60_000, once(server, "message"), "the server");
  const client = newDomain();
  try {
    const echo = client.getObject(ShmEcho, url);
    /** Goes on until the server is dead. */
    const calls = async (): Promise<unknown> => {
      for (;;) await exercise(echo, ringBytes);
    };
    const failure = calls().catch((error: unknown) => error);
    expect(await within(60_000, died, `the death of the server at ${point}`)).toEqual(death);
    const error = await within(1000, failure, `an error after the server died at ${point}`);
    expect(error).toBeInstanceOf(RemotingError);
    await client.close();
    await expectNothingLeft(before);
  } finally {
    await client.close();
    server.kill("SIGKILL");
  }
  // The name is free at once.
  const next = newDomain();
  await next.serve(url, [ShmEcho]);
  await next.close();
}

async function killClient(point: string, hit: number): Promise<void> {
  const url = newUrl();
  const before = openIpcResources();
  const server = newDomain();
  let connections = 0;
  let alone: (() => void) | undefined;
  server.on("connected", () => {
    connections++;
  });
  server.on("disconnected", () => {
    connections--;
    alone?.();
  });
  await server.serve(url, [ShmEcho]);
  const client = await startPeer("client", url, point, hit);
  try {
    expect(await within(60_000, once(client, "exit"), `the death of the client at ${point}`)).toEqual(death);
    if (connections > 0) {
      const disconnected = new Promise<void>((resolve) => {
        alone = resolve;
      });
      await within(1000, disconnected, `the end of the connection of the client that died at ${point}`);
    }
    // The server goes on.
    const other = newDomain();
    expect(await other.getObject(ShmEcho, url).add(1, 2)).toBe(3);
    await other.close();
    await server.close();
    await expectNothingLeft(before);
  } finally {
    await server.close();
    client.kill("SIGKILL");
  }
}

describe.runIf(process.platform === "linux" || onWindows)("killed in the middle", () => {
  beforeAll(() => {
    // .ci/windows/test.ts has cross-built it.
    if (onWindows) return;
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(repository, "native/build.mjs"), "--failpoints"],
      {
        encoding: "utf8",
      },
    );
    expect(status, stderr).toBe(0);
  }, 600_000);

  /** The first time, and later ones, while everything is in full swing. */
  const hits = (isOnce: boolean) =>
    Array.from({ length: times }, (_, index) => (isOnce ? 1 : times === 1 ? 20 : 1 + index * 3));

  test.each(points.both)(
    "the server, at %s",
    async (point) => {
      for (const hit of hits(false)) await killServer(point, hit);
    },
    120_000 * times,
  );

  test.each(points.server[system])(
    "the server, at %s",
    async (point) => {
      for (const hit of hits(true)) await killServer(point, hit);
    },
    120_000 * times,
  );

  test.each(points.both)(
    "the client, at %s",
    async (point) => {
      for (const hit of hits(false)) await killClient(point, hit);
    },
    120_000 * times,
  );

  test.each(points.client)(
    "the client, at %s",
    async (point) => {
      for (const hit of hits(true)) await killClient(point, hit);
    },
    120_000 * times,
  );

  test.each(["posix", "win32"] as const)("these are all points that there are (%s)", (name) => {
    const ring = join(repository, "native/ring");
    const others = name === "posix" ? "_win32.cc" : "_posix.cc";
    const found = readdirSync(ring)
      .filter((file) => /\.(?:cc|h)$/.test(file) && !file.endsWith(others))
      .flatMap((file) => [
        ...readFileSync(join(ring, file), "utf8").matchAll(/ReachFailPoint\("([\w-]+)"\)/g),
      ])
      .map(([, point]) => point);
    expect([...new Set(found)].sort()).toEqual(
      [...points.both, ...points.server[name], ...points.client].sort(),
    );
  });
});
