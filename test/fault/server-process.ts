/** Server processes: started, killed and stopped by the test that made them, and gone when the test's process is. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { forkProgram, type ProgramOptions } from "./program.ts";
import type { ServerCommand, ServerOptions, ServerReport } from "./programs/server.ts";
import { within } from "./within.ts";

/** One server, in a process of its own. */
export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #reports: ServerReport[] = [];
  readonly #listeners = new Set<(report: ServerReport) => void>();
  readonly #exit: Promise<number | null>;
  readonly #errors: Promise<string>;
  #url: string | undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.resume();
    this.#errors = child.stderr === null ? Promise.resolve("") : text(child.stderr);
    this.#exit = once(child, "exit").then(([code]) => (typeof code === "number" ? code : null));
    child.on("message", (report: ServerReport) => {
      this.#reports.push(report);
      for (const listener of this.#listeners) listener(report);
    });
  }

  /** Starts a process that waits for {@link listen}. */
  static async start(options: ServerOptions, program: ProgramOptions = {}): Promise<ServerProcess> {
    const server = new ServerProcess(await forkProgram("server", [JSON.stringify(options)], program));
    await server.#report("ready", () => true);
    return server;
  }

  /** Begins to listen; port 0 picks a free one. Returns the endpoint. */
  async listen(port = 0): Promise<string> {
    this.#command({ kind: "listen", port });
    const report = await this.#report("listening", () => true);
    this.#url = report.url;
    return report.url;
  }

  /** Tries to listen where that fails, and returns the error. */
  async listenFailing(port: number): Promise<{ readonly name: string; readonly message: string }> {
    this.#command({ kind: "listen", port });
    return await this.#report("failed", () => true);
  }

  get url(): string {
    assert(this.#url !== undefined, "the server does not listen");
    return this.#url;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves when the method that was called with this id has begun. */
  async whenStarted(id: number): Promise<void> {
    await this.#report("started", (report) => report.id === id);
  }

  /** Kills the process as the operating system would, without a chance to clean up. The signal is sent at once. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exit;
  }

  /** Stops the process, or lets it go on, as a machine that sleeps and wakes up would. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  /** Resolves when the process has ended. */
  async whenEnded(): Promise<void> {
    await this.#exit;
  }

  /** Asks the server to close. */
  beginClose(): void {
    this.#command({ kind: "close" });
  }

  /** Resolves with the time that the domain took to close. */
  async whenClosed(): Promise<number> {
    return (await this.#report("closed", () => true)).milliseconds;
  }

  /** Closes the server, and demands that the process then ends by itself, in good order and without a word. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null && this.#child.connected) {
      this.beginClose();
    }
    await this.expectGoodEnd();
  }

  /** Demands that the process ends by itself. Kills it if it does not. */
  async expectGoodEnd(): Promise<void> {
    try {
      const code = await within(30_000, this.#exit, "the end of a server process");
      assert.deepEqual({ code, errors: await this.#errors }, { code: 0, errors: "" });
    } finally {
      this.#child.kill("SIGKILL");
    }
  }

  #command(command: ServerCommand): void {
    this.#child.send(command);
  }

  async #report<K extends ServerReport["kind"]>(
    kind: K,
    matches: (report: Extract<ServerReport, { kind: K }>) => boolean,
  ): Promise<Extract<ServerReport, { kind: K }>> {
    const isWanted = (report: ServerReport): report is Extract<ServerReport, { kind: K }> =>
      report.kind === kind && matches(report as Extract<ServerReport, { kind: K }>);
    const known = this.#reports.find(isWanted);
    if (known !== undefined) return known;
    let listener: (report: ServerReport) => void = () => {};
    const reported = new Promise<Extract<ServerReport, { kind: K }>>((resolve) => {
      listener = (report) => {
        if (isWanted(report)) resolve(report);
      };
      this.#listeners.add(listener);
    });
    const ended = this.#exit.then(async (code): Promise<never> => {
      throw new Error(`The server ended with ${code} before "${kind}": ${await this.#errors}`);
    });
    try {
      return await within(30_000, Promise.race([reported, ended]), `"${kind}" from a server process`);
    } finally {
      this.#listeners.delete(listener);
      ended.catch(() => {});
    }
  }
}

/** A journal that servers append to, and that outlives them. */
export class Journal {
  readonly path: string;
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
    this.path = join(directory, "journal");
  }

  static async create(): Promise<Journal> {
    return new Journal(await mkdtemp(join(tmpdir(), "remoting-fault-")));
  }

  /** How often each call was run. */
  async executions(): Promise<Map<number, number>> {
    const counts = new Map<number, number>();
    const content = await readFile(this.path, "utf8");
    for (const line of content.split("\n")) {
      if (line !== "") counts.set(Number(line), (counts.get(Number(line)) ?? 0) + 1);
    }
    return counts;
  }

  async remove(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}
