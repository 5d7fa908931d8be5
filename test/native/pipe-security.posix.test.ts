/** Who must not get between the two ends of a pipe, and what a stranger at the socket can do. POSIX. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { NamedPipeServer } from "remoting/ipc";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { clientOf, failureOf, newName, serverOf } from "./pipe-pair.ts";
import { pipeProgram, startProgram } from "./pipe-process.ts";

const onPosix = process.platform !== "win32";
const isRoot = process.getuid?.() === 0;
const patience = 60_000;

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "remoting-pipe-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const denied = expect.objectContaining({ fault: "access-denied" });

describe.runIf(onPosix)("the folder", () => {
  test("is 0700, and what is in it 0600; what a process leaves there that is killed is taken over", {
    timeout: patience,
  }, async () => {
    const runtime = newFolder();
    const { child, line, exited } = pipeProgram(["serve", "Shop"], { XDG_RUNTIME_DIR: runtime });
    await line;
    const rights = (path: string) => lstatSync(join(runtime, path)).mode & 0o777;
    expect(rights("remoting")).toBe(0o700);
    expect(rights("remoting/pipe.shop.sock")).toBe(0o600);
    expect(rights("remoting/pipe.shop.lock")).toBe(0o600);
    child.kill("SIGKILL");
    await exited;
    // What it left behind is taken over, and removed in good order. No default folder: this process has another one.
    const next = new NamedPipeServer("shop", {
      firstInstance: true,
      security: { folder: join(runtime, "remoting") },
    });
    await next.close();
    expect(existsSync(join(runtime, "remoting/pipe.shop.sock"))).toBe(false);
    expect(existsSync(join(runtime, "remoting/pipe.shop.lock"))).toBe(false);
  });

  test("is not used if others could write to it, or it is a link", { timeout: patience }, async () => {
    const runtime = newFolder();
    const program = () =>
      pipeProgram(["race", "shop", join(runtime, "marker"), "1"], { XDG_RUNTIME_DIR: runtime });
    for (const plant of [
      () => {
        mkdirSync(join(runtime, "remoting"));
        chmodSync(join(runtime, "remoting"), 0o770);
      },
      () => symlinkSync(newFolder(), join(runtime, "remoting")),
    ]) {
      rmSync(join(runtime, "remoting"), { recursive: true, force: true });
      plant();
      const { exited, line } = program();
      line.catch(() => undefined);
      expect(await exited).toEqual([1, null]);
    }
  });

  test("of one's own must be there, and writable for nobody else", () => {
    const folder = newFolder();
    expect(() => new NamedPipeServer(newName(), { security: { mode: 0o660 } })).toThrow(/needs a folder/);
    expect(() => new NamedPipeServer(newName(), { security: { folder: join(folder, "none") } })).toThrow(
      /ENOENT/,
    );
    chmodSync(folder, 0o777);
    expect(() => new NamedPipeServer(newName(), { security: { folder } })).toThrow(denied);
  });

  test("of one's own lets others in as its mode says", async () => {
    const folder = newFolder();
    const name = newName();
    const server = serverOf(name, { security: { folder, mode: 0o660 } });
    const client = clientOf(name, { folder });
    await Promise.all([server.waitForConnection(), client.connect()]);
    expect(lstatSync(join(folder, `pipe.${name}.sock`)).mode & 0o777).toBe(0o660);
    expect(await failureOf(clientOf(name).connect({ timeout: 0 }))).toMatchObject({ fault: "not-found" });
  });

  test.runIf(isRoot)(
    "of another user is not used by a server, and its server is not believed by a client",
    async () => {
      const folder = newFolder();
      const name = newName();
      const server = serverOf(name, { security: { folder } });
      server.waitForConnection().catch(() => undefined);
      chownSync(folder, 12_345, 12_345);
      expect(() => new NamedPipeServer(newName(), { security: { folder } })).toThrow(denied);
    },
  );

  test("a link where the lock should be is not followed", () => {
    const folder = newFolder();
    const name = newName();
    const elsewhere = join(newFolder(), "victim");
    symlinkSync(elsewhere, join(folder, `pipe.${name}.lock`));
    expect(() => new NamedPipeServer(name, { security: { folder } })).toThrow();
    expect(existsSync(elsewhere)).toBe(false);
  });
});

describe.runIf(onPosix)("a stranger at the socket", () => {
  let raw: string;

  beforeAll(() => {
    const folder = mkdtempSync(join(tmpdir(), "remoting-raw-"));
    raw = join(folder, "raw-pipe-client");
    const source = fileURLToPath(new URL("./programs/raw-pipe-client.cc", import.meta.url));
    execFileSync(process.env.CXX ?? "c++", ["-std=c++17", "-o", raw, source]);
    return () => rmSync(folder, { recursive: true, force: true });
  }, patience);

  const header = (kind: number, flags: number, detail: number, left: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt8(kind, 0);
    bytes.writeUInt8(flags, 1);
    bytes.writeUInt16LE(detail, 2);
    bytes.writeUInt32LE(left, 4);
    return bytes.toString("hex");
  };
  const hello = header(16, 3, 1, 0);
  const message = (flags: number, left: number, payload = "") => header(1, flags, 0, left) + payload;

  async function attack(server: NamedPipeServer, folder: string, packets: readonly string[]): Promise<void> {
    const { exited } = startProgram(raw, [join(folder, `pipe.${server.name}.sock`), ...packets]);
    expect(await exited).toEqual([0, null]);
  }

  test.each([
    ["says nothing", []],
    ["says something else", ["00", "ff".repeat(100)]],
    ["sends an empty packet", ["empty"]],
    ["has another version", [header(16, 3, 2, 0)]],
    ["says hello twice", [hello, hello]],
    ["sends before it is welcome, and more", [hello, message(1, 5, "00")]],
  ])("that %s does not become a client", { timeout: patience }, async (_, packets) => {
    const folder = newFolder();
    const name = newName();
    const first = clientOf(name, { folder });
    const server = serverOf(name, { security: { folder } });
    await Promise.all([server.waitForConnection(), first.connect()]);
    // All instances are taken, so that it has to wait.
    await attack(server, folder, packets);
    await first.close();
    server.disconnect();
    const good = clientOf(name, { folder });
    await Promise.all([server.waitForConnection(), good.connect()]);
    await good.write(Buffer.from("good"));
    expect(String(await server.readMessage())).toBe("good");
  });

  test.each([
    ["a packet without a header", ["000000"]],
    ["an unknown kind", [header(99, 0, 0, 0)]],
    ["the middle of a message that has not begun", [message(0, 5, "00")]],
    ["more than it announced", [message(1, 1, "0000")]],
    ["a fragment that brings nothing", [message(1, 5)]],
    ["a message within a message", [message(1, 5, "00"), message(1, 5, "00")]],
    ["another length than it began with", [message(1, 5, "00"), message(0, 3, "00")]],
    ["a cancel of nothing", [header(3, 0, 0, 0)]],
    ["a cancel with something in it", [message(1, 5, "00"), `${header(3, 0, 0, 0)}00`]],
    ["bytes in a pipe of messages", [`${header(2, 0, 0, 0)}00`]],
    ["a fragment that is too large", [`${message(1, 65_537)}*65537`]],
  ])("that sends %s is found out", { timeout: patience }, async (_, packets) => {
    const folder = newFolder();
    const server = serverOf(newName(), { security: { folder } });
    const attacking = attack(server, folder, [hello, "read", message(1, 2, "6f6b"), ...packets]);
    await server.waitForConnection();
    expect(String(await server.readMessage())).toBe("ok");
    expect(await failureOf(server.readMessage())).toMatchObject({ fault: "protocol" });
    await attacking;
  });

  test("that announces four gigabytes and leaves costs nothing", { timeout: patience }, async () => {
    const folder = newFolder();
    const server = serverOf(newName(), { security: { folder } });
    const attacking = attack(server, folder, [hello, "read", message(1, 0xffff_ffff, "00")]);
    await server.waitForConnection();
    expect(await failureOf(server.readMessage())).toMatchObject({ fault: "broken" });
    await attacking;
  });

  test("who is silent, 300 times, does not keep a client from coming", { timeout: patience }, async () => {
    const folder = newFolder();
    const name = newName();
    const server = serverOf(name, { security: { folder } });
    const waiting = server.waitForConnection();
    const strangers = Array.from({ length: 300 }, () =>
      startProgram(raw, [join(folder, `pipe.${name}.sock`), "hold"]),
    );
    await Promise.all(strangers.map(({ line }) => line));
    const good = clientOf(name, { folder });
    await Promise.all([waiting, good.connect()]);
    await good.write(Buffer.from("good"));
    expect(String(await server.readMessage())).toBe("good");
    for (const { child } of strangers) child.stdin.end();
  });
});
