// A child process of the harness: commands with a time limit each, and an end that is always reached.

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Contender } from "./contenders.ts";
import type { CommandName, Commands, Response, Role } from "./protocol.ts";

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
  readonly timer: NodeJS.Timeout;
}

const commandLimit = 60_000;
const worker = fileURLToPath(new URL("dist/worker.js", import.meta.url));
const living = new Set<ChildProcess>();

/** For signals: whatever this run started ends with it. */
export const killChildren = (): void => {
  for (const child of living) child.kill("SIGKILL");
};

export class Child {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #complaint = "";

  constructor(contender: Contender, role: Role, options: readonly string[]) {
    this.#process = fork(worker, [role, contender.folder, contender.variant], {
      execArgv: ["--expose-gc", ...options],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    living.add(this.#process);
    this.#process.on("message", (response: Response) => this.#settle(response));
    this.#process.on("error", (error) => this.#fail(error.message));
    this.#process.on("exit", (code, signal) => {
      living.delete(this.#process);
      this.#fail(`the ${role} process ended (${signal ?? code}) ${this.#complaint}`.trim());
    });
    this.#process.stderr?.on("data", (text: Buffer) => {
      this.#complaint = (this.#complaint + text.toString()).slice(-500);
    });
  }

  request<Name extends CommandName>(
    command: Name,
    argument: Commands[Name]["takes"],
  ): Promise<Commands[Name]["answers"]> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      const timer = setTimeout(() => this.#settle({ id, error: `no answer to "${command}"` }), commandLimit);
      this.#waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject, timer });
      this.#process.send({ id, command, argument }, (error) => {
        if (error !== null) this.#settle({ id, error: error.message });
      });
    });
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => this.#process.once("exit", () => resolve()));
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), 2_000);
    if (this.#process.connected) this.#process.disconnect();
    await ended;
    clearTimeout(timer);
  }

  #settle({ id, answer, error }: Response): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (error === undefined) waiting.resolve(answer);
    else waiting.reject(new Error(error));
  }

  #fail(reason: string): void {
    for (const id of [...this.#waiting.keys()]) this.#settle({ id, error: reason });
  }
}
