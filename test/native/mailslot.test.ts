/** Mailslots: raw, as applications use them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  IpcError,
  MailslotClient,
  type MailslotClientOptions,
  MailslotServer,
  type MailslotServerOptions,
  openIpcResources,
} from "../../src/ipc.ts";

let names = 0;

function newName(): string {
  return `test-${process.pid}-${++names}`;
}

function serve(name: string, options?: MailslotServerOptions): MailslotServer {
  const slot = new MailslotServer(name, options);
  onTestFinished(() => slot.close());
  return slot;
}

function open(name: string, options?: MailslotClientOptions): MailslotClient {
  const slot = new MailslotClient(name, options);
  onTestFinished(() => slot.close());
  return slot;
}

async function faultOf(promise: Promise<unknown>): Promise<IpcError> {
  const outcome = await promise.then(
    (value) => `resolved with ${String(value)}`,
    (error: unknown) => error,
  );
  if (outcome instanceof IpcError) return outcome;
  throw new Error(`expected an IpcError, not ${String(outcome)}`);
}

function faultThrown(action: () => unknown): IpcError {
  try {
    action();
  } catch (error) {
    if (error instanceof IpcError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** Waits until so many messages are in a slot. */
async function whenCounted(slot: MailslotServer, count: number): Promise<void> {
  while (slot.getInfo().messageCount < count) await turn();
}

/**
 * Writes until the slot is full, and says how much went in. That a message finds no room is believed the second time:
 * the reader is in this process, which may not have had the processor for as long as the first one waited.
 */
async function fill(slot: MailslotClient, message: Uint8Array | string = "x"): Promise<number> {
  let count = 0;
  for (let refusals = 0; refusals < 2; ) {
    try {
      await slot.write(message, { timeout: 200 });
      count++;
      refusals = 0;
    } catch (error) {
      if (!(error instanceof IpcError) || error.fault !== "full") throw error;
      refusals++;
    }
  }
  return count;
}

function program(...args: string[]) {
  const file = fileURLToPath(new URL("./programs/mailslot-program.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", file, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await exited;
  });
  return { child, exited, line: once(createInterface(child.stdout), "line") };
}

describe("messages", () => {
  test("come whole and in order, empty ones and binary ones too", async () => {
    const name = newName();
    const slot = serve(name);
    const client = open(`\\\\.\\mailslot\\${name}`);
    const messages = [
      Buffer.from("first"),
      Buffer.alloc(0),
      Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
      Buffer.alloc(65_536, 7),
      Buffer.from("ü ☃"),
    ];
    for (const message of messages) await client.write(message);
    for (const message of messages) expect(await slot.read()).toEqual(message);
    expect(slot.name).toBe(`\\\\.\\mailslot\\${name}`);
  });

  test("are counted, and looked at without being taken", async () => {
    const name = newName();
    const slot = serve(name, { maxMessageSize: 100, readTimeout: 0 });
    expect(slot.getInfo()).toEqual({
      maxMessageSize: 100,
      nextSize: undefined,
      messageCount: 0,
      readTimeout: 0,
    });
    const client = open(name);
    await client.write("four");
    await client.write("sixsix");
    await whenCounted(slot, 2);
    expect(slot.getInfo()).toMatchObject({ nextSize: 4, messageCount: 2 });
    expect((await slot.read()).toString()).toBe("four");
    expect(slot.getInfo()).toMatchObject({ nextSize: 6, messageCount: 1 });
    slot.setInfo({ readTimeout: 250 });
    expect(slot.getInfo().readTimeout).toBe(250);
  });

  test("what is written is what was there when it was written", async () => {
    const name = newName();
    const slot = serve(name, { maxQueuedMessages: 1 });
    const client = open(name);
    const bytes = Buffer.from("before");
    const writes = Array.from({ length: 40 }, () => client.write(bytes));
    bytes.fill("x");
    for (let index = 0; index < 40; index++) expect((await slot.read()).toString()).toBe("before");
    await Promise.all(writes);
  });

  test("of many writers in several processes: none is lost, each writer's are in order", async () => {
    const name = newName();
    const slot = serve(name, { maxQueuedMessages: 16 });
    const count = 400;
    const writers = ["a", "b", "c"];
    const programs = writers.map((writer) => program("write", name, writer, String(count)));
    const received = new Map<string, number>();
    for (let index = 0; index < count * writers.length; index++) {
      const [writer = "", number, filler = ""] = (await slot.read()).toString().split(":");
      expect(Number(number)).toBe(received.get(writer) ?? 0);
      expect(filler).toHaveLength(Number(number) % 500);
      received.set(writer, Number(number) + 1);
    }
    await Promise.all(programs.map(({ exited }) => exited));
    expect(slot.getInfo().messageCount).toBe(0);
  });

  test("are iterated over until the slot is closed", async () => {
    const name = newName();
    const slot = serve(name, { readTimeout: 0 });
    const client = open(name);
    const seen: string[] = [];
    const reading = (async () => {
      for await (const message of slot) {
        seen.push(message.toString());
        if (seen.length === 3) slot.close();
      }
    })();
    for (const text of ["1", "2", "3"]) await client.write(text);
    await reading;
    expect(seen).toEqual(["1", "2", "3"]);
  });
});

describe("reading", () => {
  test("waits as long as it is told, and a read that was given up takes nothing", async () => {
    const name = newName();
    const slot = serve(name, { readTimeout: 30 });
    expect((await faultOf(slot.read())).fault).toBe("timeout");
    expect((await faultOf(slot.read({ timeout: 0 }))).fault).toBe("timeout");
    const controller = new AbortController();
    const aborted = slot.read({ timeout: Number.POSITIVE_INFINITY, signal: controller.signal });
    const second = slot.read({ timeout: Number.POSITIVE_INFINITY });
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ name: "AbortError" });
    await open(name).write("for the second");
    expect((await second).toString()).toBe("for the second");
    await expect(slot.read({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
    await expect(slot.read({ timeout: -1 })).rejects.toThrow(TypeError);
  });

  test("ends when the slot is closed", async () => {
    const slot = serve(newName());
    const reading = faultOf(slot.read());
    slot.close();
    expect((await reading).fault).toBe("closed");
    expect((await faultOf(slot.read())).fault).toBe("closed");
    expect(faultThrown(() => slot.getInfo()).fault).toBe("closed");
    slot.close();
  });
});

describe("a full slot", () => {
  test("makes writers wait until there is room, then gives up, and takes what comes when there is room", async () => {
    const name = newName();
    const slot = serve(name, { maxQueuedMessages: 5 });
    const client = open(name);
    const accepted = await fill(client);
    expect(accepted).toBeGreaterThanOrEqual(5);
    expect(slot.getInfo().messageCount).toBe(5);
    const waiting = client.write("waited", { timeout: 60_000 });
    const controller = new AbortController();
    const aborted = client.write("never", { signal: controller.signal });
    const behind = client.write("behind", { timeout: 60_000 });
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ name: "AbortError" });
    for (let index = 0; index < accepted; index++) expect((await slot.read()).toString()).toBe("x");
    await Promise.all([waiting, behind]);
    expect((await slot.read()).toString()).toBe("waited");
    expect((await slot.read()).toString()).toBe("behind");
    expect(await fill(client)).toBe(accepted);
  });

  test("is bounded in bytes too, and one reader's slowness is nobody else's", async () => {
    const name = newName();
    serve(name, { maxQueuedBytes: 100_000 });
    const accepted = await fill(open(name), Buffer.alloc(50_000));
    expect(accepted).toBeLessThan(40);
    const other = newName();
    const slot = serve(other);
    await open(other).write("others go on");
    expect((await slot.read()).toString()).toBe("others go on");
  });
});

describe("what cannot be done, and what is said", () => {
  test("a message that is too large is refused where it is written, and the next one goes", async () => {
    const name = newName();
    const slot = serve(name, { maxMessageSize: 10 });
    const client = open(name);
    await client.write("0123456789");
    const error = await faultOf(client.write("0123456789a"));
    expect(error.fault).toBe("too-large");
    expect(error.message).toContain("11 bytes");
    await client.write("next");
    expect((await slot.read()).toString()).toBe("0123456789");
    expect((await slot.read()).toString()).toBe("next");
  });

  test("one from a writer that does not care is thrown away and told", async () => {
    const name = newName();
    const slot = serve(name, { maxMessageSize: 10 });
    const told = once(slot, "oversized");
    const client = open(name, { maxMessageSize: 1000 });
    await client.write("x".repeat(500));
    await client.write("small");
    expect((await slot.read()).toString()).toBe("small");
    expect(await told).toEqual([1]);
  });

  test("one that the system does not take", async () => {
    const name = newName();
    serve(name, { maxMessageSize: 0 });
    expect((await faultOf(open(name).write(Buffer.alloc(64 * 1024 * 1024)))).fault).toBe("too-large");
  });

  test("nobody is there; later somebody is", async () => {
    const name = newName();
    const client = open(name);
    const error = await faultOf(client.write("hello"));
    expect(error.fault).toBe("not-found");
    expect(error.message).toContain("start its server first");
    expect(faultThrown(() => client.open()).fault).toBe("not-found");
    const slot = serve(name);
    await client.write("hello again");
    expect((await slot.read()).toString()).toBe("hello again");
  });

  test("the slot is gone, and comes back", async () => {
    const name = newName();
    const first = serve(name, { maxQueuedMessages: 1 });
    const client = open(name);
    await fill(client);
    const waiting = faultOf(client.write("waits", { timeout: 60_000 }));
    await turn();
    first.close();
    expect((await waiting).fault).toBe("not-found");
    const second = serve(name, { maxMessageSize: 3 });
    await client.write("new");
    expect((await second.read()).toString()).toBe("new");
    expect((await faultOf(client.write("newer"))).fault).toBe("too-large");
  });

  test("a name that is taken, in any case", () => {
    const name = newName();
    serve(name);
    const error = faultThrown(() => new MailslotServer(name.toUpperCase()));
    expect(error.fault).toBe("in-use");
    expect(error.message).toContain("choose another name");
  });

  test("names of other machines", () => {
    for (const name of ["\\\\server\\mailslot\\x", "\\\\*\\mailslot\\x", "\\\\DOMAIN\\mailslot\\a\\b"]) {
      for (const make of [() => new MailslotServer(name), () => new MailslotClient(name)]) {
        const error = faultThrown(make);
        expect(error).toMatchObject({ fault: "unsupported", code: "ERROR_REMOTE_MAILSLOTS_DEPRECATED" });
        expect(error.message).toContain("tcps://");
      }
    }
  });

  test.each(["", "a/b", "..", "a\\..\\b", "a\\\\b", "a\nb", "x".repeat(250), "\\\\.\\mailslot\\"])(
    "%j is no name",
    (name) => {
      expect(faultThrown(() => new MailslotServer(name)).fault).toBe("invalid");
      expect(faultThrown(() => new MailslotClient(name)).fault).toBe("invalid");
    },
  );

  test("names with a path and of every length that Windows takes", async () => {
    for (const name of [`folder\\${newName()}`, `long-${newName()}`.padEnd(240, "y"), `ü ${newName()}`]) {
      const slot = serve(name);
      await open(name).write(name);
      expect((await slot.read()).toString()).toBe(name);
    }
  });

  test("a client that was closed", async () => {
    const name = newName();
    serve(name, { maxQueuedMessages: 1 });
    const client = open(name);
    await fill(client);
    const waiting = faultOf(client.write("waits", { timeout: 60_000 }));
    client.close();
    expect((await waiting).fault).toBe("closed");
    expect((await faultOf(client.write("x"))).fault).toBe("closed");
  });

  test.each([
    [{ maxMessageSize: -1 }],
    [{ maxMessageSize: 1.5 }],
    [{ readTimeout: -1 }],
    [{ readTimeout: Number.NaN }],
    [{ maxQueuedMessages: 0 }],
    [{ maxQueuedBytes: 0 }],
  ] as readonly [MailslotServerOptions][])("%j are no options", (options) => {
    expect(() => new MailslotServer(newName(), options)).toThrow(TypeError);
  });
});

describe("ends that end", () => {
  test("a program of these tests does not outlive the process that has started it", async () => {
    const { child, exited, line } = program("serve", newName());
    await line;
    // What the system does when that process is killed.
    child.stdin.end();
    expect((await exited)[0]).toBe(0);
  });

  test("a server that was killed: writers are told, and the name can be taken at once", async () => {
    const name = newName();
    const { child, exited, line } = program("serve", name);
    await line;
    const client = open(name);
    await client.write("unread");
    child.kill("SIGKILL");
    await exited;
    expect((await faultOf(client.write("nobody"))).fault).toBe("not-found");
    const slot = serve(name);
    await client.write("somebody");
    expect((await slot.read()).toString()).toBe("somebody");
  });

  test("a writer that was killed: what it had written is there, and nothing torn", async () => {
    const name = newName();
    const slot = serve(name);
    const { child, exited } = program("write", name, "k", "1000000");
    for (let index = 0; index < 500; index++) {
      expect((await slot.read()).toString()).toMatch(new RegExp(`^k:${index}:x{${index % 500}}$`));
    }
    child.kill("SIGKILL");
    await exited;
    // Not awaited: there is room for it when others have been read.
    const written = open(name).write("the end", { timeout: 60_000 });
    let next = 500;
    for (;;) {
      const text = (await slot.read()).toString();
      if (text === "the end") break;
      expect(text).toMatch(new RegExp(`^k:${next}:x{${next % 500}}$`));
      next++;
    }
    await written;
  });

  test("a process that exits with everything open", async () => {
    const name = newName();
    const { exited, line } = program("hold", name);
    await line;
    expect(await exited).toEqual([0, null]);
    serve(name);
  });

  test("a thread that ends with everything open", async () => {
    const file = JSON.stringify(new URL("./programs/mailslot-program.ts", import.meta.url).href);
    const name = newName();
    for (let round = 0; round < 3; round++) {
      const worker = new Worker(
        `process.argv.splice(2, 9, "serve", ${JSON.stringify(name)});
         import("tsx/esm/api").then(({ register }) => { register(); return import(${file}); })
           .then(() => require("node:worker_threads").parentPort.postMessage("open"));`,
        { eval: true, execArgv: [], stdout: true },
      );
      await once(worker, "message");
      const client = open(name);
      await client.write("x");
      await worker.terminate();
      expect((await faultOf(client.write("y"))).fault).toBe("not-found");
    }
    serve(name);
  });

  test("nothing stays open, however often", async () => {
    const before = openIpcResources();
    for (let round = 0; round < 500; round++) {
      const name = newName();
      const slot = new MailslotServer(name);
      const client = new MailslotClient(name);
      await client.write("x");
      if (round % 2 === 0) await slot.read();
      client.close();
      slot.close();
    }
    expect(openIpcResources()).toBe(before);
  });
});

// Windows has no folders for this.
describe.skipIf(process.platform === "win32")("on POSIX", () => {
  function newFolder(mode: number): string {
    const folder = mkdtempSync(join(tmpdir(), "mailslot-"));
    chmodSync(folder, mode);
    onTestFinished(() => rmSync(folder, { recursive: true }));
    return folder;
  }

  test("a folder of one's own, in which the socket has the rights that it was given", async () => {
    const folder = newFolder(0o755);
    const name = newName();
    const slot = serve(name, { folder, mode: 0o622 });
    await open(name, { folder }).write("x");
    expect((await slot.read()).toString()).toBe("x");
    expect(statSync(join(folder, `mailslot.${name}.sock`)).mode & 0o777).toBe(0o622);
    expect((await faultOf(open(name).write("elsewhere"))).fault).toBe("not-found");
  });

  test("a folder that others can write to is not trusted, by either end", async () => {
    const folder = newFolder(0o777);
    expect(faultThrown(() => new MailslotServer("x", { folder })).fault).toBe("access-denied");
    expect((await faultOf(open("x", { folder }).write("x"))).fault).toBe("access-denied");
  });

  test("a planted link is not followed", () => {
    const folder = newFolder(0o700);
    const elsewhere = join(folder, "elsewhere");
    mkdirSync(elsewhere);
    symlinkSync(join(elsewhere, "lock"), join(folder, "mailslot.planted.lock"));
    expect(() => new MailslotServer("planted", { folder })).toThrow(IpcError);
  });
});
