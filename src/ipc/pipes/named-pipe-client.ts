/** A client of a named pipe. */
import { IpcError } from "../ipc-error.ts";
import { nativeAddon } from "../native-addon.ts";
import { ipcErrorFrom } from "../system-faults.ts";
import { type PendingOperation, type WaitOptions, waitFor } from "../wait-options.ts";
import { NamedPipeStream } from "./named-pipe-stream.ts";
import { type NativePipe, type NativePipeOptions, pipeCode } from "./native-pipes.ts";
import { pipeFailure } from "./pipe-failure.ts";
import { checkMode, type NamedPipeClientOptions, nativeClientOptions } from "./pipe-options.ts";

/** How long, in milliseconds, until a pipe that is not there or busy is tried again: at first, and at most. */
const firstRetryDelay = 1;
const longestRetryDelay = 50;

const advice = {
  "not-found": "Nobody serves it: start its server first",
} as const;

/** What {@link NamedPipeClient.connect} can be told. */
export interface ConnectOptions extends WaitOptions {
  /** Whether a server that is not there yet is waited for, as in .NET. Default true; without, as WaitNamedPipe, only one that is busy. */
  readonly waitForServer?: boolean;
}

/**
 * A client of a named pipe (System.IO.Pipes.NamedPipeClientStream; CreateFile, WaitNamedPipe).
 *
 * @example
 * ```ts
 * await using client = new NamedPipeClient("HelloWorld");
 * await client.connect({ timeout: 5000 });
 * console.log((await client.transact(Buffer.from("Hello, server"))).toString());
 * ```
 */
export class NamedPipeClient extends NamedPipeStream {
  readonly #options: NativePipeOptions;
  #connecting: PendingOperation<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryDelay = firstRetryDelay;
  /** Gives up at the first obstacle. */
  #once = false;
  #waitForServer = true;
  /** What stood in the way last. */
  #obstacle: Error | undefined;

  /**
   * Nothing is opened yet.
   *
   * @param name `\\.\pipe\name` or `name`.
   * @throws IpcError `"invalid"`, `"unsupported"` for a pipe of another machine.
   */
  constructor(name: string, options: NamedPipeClientOptions = {}) {
    super(name, options.direction ?? "duplex", options.readMode);
    if (options.readMode !== undefined) checkMode("The read mode of a pipe", options.readMode);
    this.#options = nativeClientOptions(name, options);
  }

  /**
   * Opens the pipe (Connect). Waits for a server that is not there yet, and for an instance where all are connected.
   *
   * @param options `timeout: 0` tries once. Default: waits for ever, as in .NET.
   * @throws IpcError `"timeout"` whose cause is what stood in the way last; with `timeout: 0` that itself:
   *   `"not-found"`, which `waitForServer: false` tells at once too, or `"busy"` (ERROR_PIPE_BUSY). `"access-denied"` if the server does not let this end read or write
   *   as it wants to, or is somebody whom it would be wrong to trust. AbortError.
   */
  async connect({ waitForServer = true, ...options }: ConnectOptions = {}): Promise<void> {
    const doing = `The pipe "${this.name}" cannot be opened`;
    if (!this.mayBeUsed) throw pipeFailure(pipeCode.closed, doing);
    if (this.connected || this.#connecting !== undefined)
      throw new IpcError("invalid", `${doing}: it is open`);
    this.#once = options.timeout === 0;
    this.#waitForServer = waitForServer;
    this.#retryDelay = firstRetryDelay;
    this.#obstacle = undefined;
    // Then the obstacle itself ends it, in the time that one attempt takes.
    const wait: WaitOptions = this.#once ? { signal: options.signal } : options;
    try {
      await waitFor<void>(
        wait,
        () => `the pipe "${this.name}"`,
        (operation) => {
          this.#connecting = operation;
          this.#try();
        },
        () => {
          this.#stop();
          return true;
        },
      );
    } catch (error) {
      throw this.#explain(error);
    }
  }

  /** A timeout alone does not say what to do. */
  #explain(error: unknown): unknown {
    const obstacle = this.#obstacle;
    if (!(error instanceof IpcError) || error.fault !== "timeout" || obstacle === undefined) return error;
    return new IpcError("timeout", `${error.message}: ${obstacle.message}`, { cause: obstacle });
  }

  #try(): void {
    let native: NativePipe | undefined;
    const { Pipe } = nativeAddon();
    try {
      native = new Pipe(
        false,
        this.#options,
        this.events((code) => this.#onConnected(code)),
      );
    } catch (error) {
      this.#stumble(ipcErrorFrom(error, `open the pipe "${this.name}"`, advice));
      return;
    }
    this.native = native;
  }

  #onConnected(code: number): void {
    if (code === pipeCode.success) {
      const connecting = this.#connecting;
      this.#connecting = undefined;
      try {
        this.becomeConnected();
        connecting?.resolve();
      } catch (error) {
        this.#drop();
        connecting?.reject(error);
      }
      return;
    }
    const failure = pipeFailure(code, `The pipe "${this.name}" cannot be opened`);
    if (code === pipeCode.busy && !this.#once) {
      // The server has put it into its queue: there is nothing to be tried again.
      this.#obstacle = failure;
      return;
    }
    this.#drop();
    // The server has ended while it had this client wait.
    const isGone = code === pipeCode.end;
    this.#stumble(isGone ? new IpcError("not-found", `${failure.message} before it was open`) : failure);
  }

  /** Tries again later what may be different then. */
  #stumble(obstacle: Error): void {
    const isPassing =
      obstacle instanceof IpcError &&
      (obstacle.fault === "busy" || (obstacle.fault === "not-found" && this.#waitForServer));
    if (!isPassing || this.#once) {
      const connecting = this.#connecting;
      this.#connecting = undefined;
      connecting?.reject(obstacle);
      return;
    }
    this.#obstacle = obstacle;
    this.#retry = setTimeout(() => this.#try(), this.#retryDelay);
    this.#retryDelay = Math.min(2 * this.#retryDelay, longestRetryDelay);
  }

  #drop(): void {
    this.native?.close();
    this.native = undefined;
  }

  #stop(): void {
    clearTimeout(this.#retry);
    this.#connecting = undefined;
    this.#drop();
  }

  override async close(): Promise<void> {
    const connecting = this.#connecting;
    if (connecting !== undefined) this.#stop();
    await super.close();
    connecting?.reject(pipeFailure(pipeCode.closed, `The pipe "${this.name}" is not opened any more`));
  }
}
