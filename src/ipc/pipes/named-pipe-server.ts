/** One instance of a named pipe: waits for a client, and is the server's end of the pipe then. */
import { IpcError } from "../ipc-error.ts";
import { nativeAddon } from "../native-addon.ts";
import { ipcErrorFrom } from "../system-faults.ts";
import { type PendingOperation, type WaitOptions, waitFor } from "../wait-options.ts";
import { NamedPipeStream } from "./named-pipe-stream.ts";
import { pipeCode } from "./native-pipes.ts";
import { pipeFailure } from "./pipe-failure.ts";
import { checkMode, type NamedPipeServerOptions, nativeServerOptions } from "./pipe-options.ts";

/**
 * A server's instance of a named pipe (System.IO.Pipes.NamedPipeServerStream; CreateNamedPipe). Each instance has one
 * client at a time; several instances serve several. On POSIX all instances of a name are of one thread.
 *
 * @example
 * ```ts
 * await using server = new NamedPipeServer("\\\\.\\pipe\\HelloWorld");
 * await server.waitForConnection();
 * console.log((await server.readMessage())?.toString());
 * await server.write(Buffer.from("Hello, client"));
 * await server.waitForPipeDrain();
 * server.disconnect();
 * ```
 */
export class NamedPipeServer extends NamedPipeStream {
  #waiting: PendingOperation<void> | undefined;

  /**
   * Makes the instance; a client can connect from now on.
   *
   * @param name `\\.\pipe\name` or `name`.
   * @throws IpcError `"in-use"` if another process has the name, or `firstInstance` is asked for and there is one;
   *   `"busy"` if there are as many as `maxInstances` allows; `"access-denied"`, `"invalid"`; NativeAddonError.
   */
  constructor(name: string, options: NamedPipeServerOptions = {}) {
    const { direction = "duplex", transmissionMode = "message", readMode } = options;
    super(name, direction, readMode);
    if (readMode !== undefined) checkMode("The read mode of a pipe", readMode);
    if (readMode === "message" && transmissionMode === "byte") {
      throw new IpcError("invalid", "A pipe of byte type cannot be read as messages");
    }
    const native = nativeServerOptions(name, options);
    const { Pipe } = nativeAddon();
    try {
      this.native = new Pipe(
        true,
        native,
        this.events((code) => this.#onConnected(code)),
      );
    } catch (error) {
      throw this.#creationFault(error, native.firstInstance);
    }
  }

  #creationFault(thrown: unknown, firstInstance: boolean): Error {
    const error = ipcErrorFrom(thrown, `make the pipe "${this.name}"`);
    if (!(error instanceof IpcError)) return error;
    // Windows has no word of its own for "there is one already", and Wine says that it has no instance left.
    const isTaken =
      error.fault === "in-use" ||
      (firstInstance && (error.code === "ERROR_ACCESS_DENIED" || error.code === "ERROR_PIPE_BUSY"));
    if (!isTaken) return error;
    return new IpcError(
      "in-use",
      `The pipe "${this.name}" is served already, by another process or another instance: choose another name, or end that one`,
      {
        code: error.code,
        systemCode: error.systemCode,
        systemCall: error.systemCall,
        cause: error,
      },
    );
  }

  /**
   * Waits for a client (WaitForConnectionAsync; ConnectNamedPipe). Resolves at once if one has come already.
   *
   * @throws IpcError `"timeout"`, `"closed"`; AbortError. The instance can wait again then.
   */
  waitForConnection(options: WaitOptions = {}): Promise<void> {
    const native = this.native;
    const doing = `The pipe "${this.name}" cannot wait for a client`;
    if (native === undefined) return Promise.reject(pipeFailure(pipeCode.closed, doing));
    if (this.connected || this.#waiting !== undefined) {
      const why = this.connected ? "it has one; disconnect that first" : "it waits already";
      return Promise.reject(new IpcError("invalid", `${doing}: ${why}`));
    }
    return waitFor<void>(
      options,
      () => `a client of the pipe "${this.name}"`,
      (operation) => {
        this.#waiting = operation;
        try {
          if (native.accept()) this.#onConnected(pipeCode.success);
        } catch (error) {
          this.#waiting = undefined;
          operation.reject(ipcErrorFrom(error, `wait for a client of the pipe "${this.name}"`));
        }
      },
      () => {
        if (!native.cancelAccept()) return false;
        this.#waiting = undefined;
        return true;
      },
    );
  }

  #onConnected(code: number): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (code === pipeCode.success) {
      this.becomeConnected();
      waiting?.resolve();
    } else {
      waiting?.reject(pipeFailure(code, `The pipe "${this.name}" cannot wait for a client`));
    }
  }

  /**
   * Gives the name up while the client stays: for a server that takes no more clients, so that another can have the
   * name although the conversations of this one have not ended. The instance cannot wait for a client any more.
   *
   * @returns False on Windows, which cannot do this: there the name is held until the instance is closed.
   */
  releaseName(): boolean {
    if (this.native === undefined || !this.connected) {
      throw new IpcError(
        "not-connected",
        `The pipe "${this.name}" has no client: close it to give its name up`,
      );
    }
    return this.native.releaseName();
  }

  /**
   * Sends the client away, so that the instance can wait for another (NamedPipeServerStream.Disconnect;
   * DisconnectNamedPipe). On Windows the client loses what it has not read: `waitForPipeDrain` comes before.
   */
  disconnect(): void {
    if (this.native === undefined)
      throw pipeFailure(pipeCode.closed, `The pipe "${this.name}" cannot disconnect`);
    this.forget(pipeCode.closed);
    this.native.disconnect();
  }

  override async close(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    await super.close();
    waiting?.reject(pipeFailure(pipeCode.closed, `The pipe "${this.name}" waits for no client any more`));
  }
}
