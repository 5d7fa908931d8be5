/** The end of a mailslot that writes. */
import { IpcError } from "../ipc-error.ts";
import { nativeAddon } from "../native-addon.ts";
import { ipcErrorFrom } from "../system-faults.ts";
import { type PendingOperation, type WaitOptions, waitFor } from "../wait-options.ts";
import { mailslotPrefix, parseMailslotName } from "./mailslot-name.ts";
import { checkCount, checkTimeout, type MailslotClientOptions, nativeOptions } from "./mailslot-options.ts";
import type { NativeMailslotWriter } from "./native-mailslots.ts";

interface Waiting {
  readonly message: Uint8Array;
  readonly operation: PendingOperation<void>;
}

/**
 * Writes to a mailslot of another process (CreateFile, WriteFile). It is opened with the first message; if it was gone
 * and is there again, the next message finds it.
 *
 * @example
 * ```ts
 * await using slot = new MailslotClient("\\\\.\\mailslot\\HelloWorld");
 * await slot.write(Buffer.from("Hello, server"));
 * ```
 */
export class MailslotClient {
  /** `\\.\mailslot\` and the name. */
  readonly name: string;
  readonly #options: MailslotClientOptions;
  readonly #writeTimeout: number;
  #native: NativeMailslotWriter | undefined;
  /** What waits, in order; the first has been given to the system. */
  readonly #waiting: Waiting[] = [];
  #isClosed = false;

  /**
   * @param name `\\.\mailslot\name` or `name`.
   * @throws IpcError `"invalid"` for a name that is none, `"unsupported"` for one on another machine; TypeError.
   */
  constructor(name: string, options: MailslotClientOptions = {}) {
    this.name = mailslotPrefix + parseMailslotName(name);
    this.#options = options;
    this.#writeTimeout = checkTimeout("writeTimeout", options.writeTimeout ?? 5_000);
    if (options.maxMessageSize !== undefined) checkCount("maxMessageSize", options.maxMessageSize, 1);
  }

  /**
   * Opens the slot now rather than with the first message, to find out whether it is there.
   *
   * @throws IpcError `"not-found"` if nobody has made it; `"access-denied"`; NativeAddonError.
   */
  open(): void {
    this.#open();
  }

  #open(): NativeMailslotWriter {
    if (this.#isClosed) throw this.#closedError();
    if (this.#native !== undefined) return this.#native;
    const { MailslotWriter } = nativeAddon();
    try {
      this.#native = new MailslotWriter(nativeOptions(this.name, this.#options, 0), (error) =>
        this.#onWritten(error),
      );
    } catch (error) {
      throw this.#systemError(error, `open the mailslot ${this.name}`);
    }
    return this.#native;
  }

  /**
   * Writes a message (WriteFile). Resolves when the system has taken it: then it is read, unless the slot is closed
   * before. Messages of one writer keep their order.
   *
   * @param message Bytes, or text, which is written as UTF-8. They may be changed once this has returned.
   * @param options `timeout` while the slot is full, default: `writeTimeout` of the client; `signal`.
   * @throws IpcError `"not-found"` if there is no such slot, or it was closed; `"too-large"`; `"full"` if there was no room
   *   in time; `"closed"`; AbortError. A message that failed was not written.
   */
  write(message: Uint8Array | string, options: WaitOptions = {}): Promise<void> {
    const { timeout = this.#writeTimeout, signal } = options;
    const bytes = Buffer.from(message);
    let waiting: Waiting | undefined;
    const written = waitFor<void>(
      { timeout, signal },
      () => `room in the mailslot ${this.name}`,
      (operation) => {
        waiting = { message: bytes, operation };
        this.#waiting.push(waiting);
        if (this.#waiting.length === 1) this.#writeNext();
      },
      () => waiting === undefined || this.#giveUp(waiting),
    );
    return written.catch((error: unknown) => {
      if (!(error instanceof IpcError) || error.fault !== "timeout") throw error;
      throw new IpcError(
        "full",
        `The mailslot ${this.name} had no room for ${timeout} ms: its reader is slower than its writers. Wait longer, or write less`,
        { cause: error },
      );
    });
  }

  #giveUp(waiting: Waiting): boolean {
    const index = this.#waiting.indexOf(waiting);
    if (index < 0) return true;
    if (index === 0 && this.#native?.cancel() === false) return false;
    this.#waiting.splice(index, 1);
    if (index === 0) this.#writeNext();
    return true;
  }

  /** Gives the system what waits, as far as it takes it. */
  #writeNext(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      const { message, operation } = next;
      try {
        const native = this.#open();
        this.#checkSize(message, native);
        if (!native.write(message)) return;
        operation.resolve();
      } catch (error) {
        operation.reject(this.#failed(error));
      }
      this.#waiting.shift();
    }
  }

  #onWritten(error: unknown): void {
    const written = this.#waiting.shift();
    if (error === undefined) written?.operation.resolve();
    else written?.operation.reject(this.#failed(error));
    this.#writeNext();
  }

  #checkSize(message: Uint8Array, native: NativeMailslotWriter): void {
    const most = this.#options.maxMessageSize ?? native.maxMessageSize();
    if (most === 0 || message.length <= most) return;
    throw new IpcError(
      "too-large",
      `A message of ${message.length} bytes does not fit into the mailslot ${this.name}, which takes ${most}`,
    );
  }

  /** What to tell; a slot that is gone is looked for again by the next message. */
  #failed(cause: unknown): Error {
    const error = this.#systemError(cause, `write to the mailslot ${this.name}`);
    if (!(error instanceof IpcError) || !["too-large", "closed"].includes(error.fault)) {
      this.#native?.close();
      this.#native = undefined;
    }
    return error;
  }

  #systemError(cause: unknown, doing: string): Error {
    const error = ipcErrorFrom(cause, doing, {
      "not-found": "Nobody has made it, or it was closed: start its server first",
      "too-large": "The system does not take messages of this size",
    });
    if (!(error instanceof IpcError) || error.fault !== "broken") return error;
    const { message, code, systemCode, systemCall } = error;
    return new IpcError("not-found", `${message}. The slot was closed`, {
      code,
      systemCode,
      systemCall,
      cause,
    });
  }

  #closedError(): IpcError {
    return new IpcError("closed", `The mailslot ${this.name} was closed by this side`);
  }

  /** Closes this end (CloseHandle). What waits for room is not written. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#native?.close();
    this.#native = undefined;
    for (const { operation } of this.#waiting.splice(0)) operation.reject(this.#closedError());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
