/** A small program in a process of its own that uses `remoting/ipc`, and says lines that the test waits for. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { repository } from "../examples/run-process.ts";

/** The module specifier of `remoting/ipc`, quoted. */
export const ipcSource = JSON.stringify(pathToFileURL(join(repository, "src/ipc.ts")).href);

const loader = pathToFileURL(join(repository, "node_modules/tsx/dist/loader.mjs")).href;

/**
 * See the head of this file. The program is JavaScript and has everything that `remoting/ipc` exports, `say(text)`,
 * and `stay()`, with which it runs until it is ended.
 */
export class IpcProgram implements Disposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, "close").then(([code]) => code);
    if (child.stdout === null) throw new Error("the output was asked for as a pipe");
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  static start(program: string): IpcProgram {
    const whole = `
      import * as ipc from ${ipcSource};
      Object.assign(globalThis, ipc);
      const say = (text) => console.log(text);
      // Ends with the test's process, however that ends.
      process.stdin.on("end", () => process.exit()).resume();
      process.stdin.unref();
      const stay = () => process.stdin.ref();
      ${program}`;
    const args = ["--import", loader, "--input-type=module", "--eval", whole];
    const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    return new IpcProgram(child);
  }

  /** What it says next. Throws if it ends without saying anything. */
  async nextLine(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done === true) throw new Error(`The program has ended with ${await this.#ended} and said nothing`);
    return value;
  }

  /** Its exit code, when it has ended by itself. */
  ended(): Promise<number | null> {
    return this.#ended;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }
}
