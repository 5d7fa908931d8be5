/** The end of a mailslot that reads. */
import { EventEmitter } from "node:events";
import { IpcError } from "../ipc-error.ts";
import { nativeAddon } from "../native-addon.ts";
import { ipcErrorFrom } from "../system-faults.ts";
import { type PendingOperation, type WaitOptions, waitFor } from "../wait-options.ts";
import { mailslotPrefix, parseMailslotName } from "./mailslot-name.ts";
import { checkCount, checkTimeout, type MailslotServerOptions, nativeOptions } from "./mailslot-options.ts";
import type { NativeMailslotReader } from "./native-mailslots.ts";

/** What is in a slot (GetMailslotInfo). */
export interface MailslotInfo {
  /** The largest message, in bytes; 0 for whatever the system takes (lpMaxMessageSize). */
  readonly maxMessageSize: number;
  /** The size of the next message; `undefined` if there is none (lpNextSize, MAILSLOT_NO_MESSAGE). */
  readonly nextSize: number | undefined;
  /** How many messages are in the slot (lpMessageCount). */
  readonly messageCount: number;
  /** Milliseconds that `read` waits; `Infinity` for ever (lpReadTimeout). */
  readonly readTimeout: number;
}

/** What a slot tells. */
export interface MailslotServerEvents {
  /** Writers have sent so many messages that are larger than allowed; they are gone. */
  oversized: [count: number];
}

/**
 * A mailslot: whoever may, writes messages, and this process reads them (CreateMailslot). They come whole, in the
 * order in which they were written, and from whom is not told. It is there until it is closed; then what has not been
 * read is gone.
 *
 * @example
 * ```ts
 * await using slot = new MailslotServer("\\\\.\\mailslot\\HelloWorld");
 * for await (const message of slot) console.log(message.toString());
 * ```
 */
export class MailslotServer extends EventEmitter<MailslotServerEvents> {
  /** `\\.\mailslot\` and the name. */
  readonly name: string;
  readonly #maxMessageSize: number;
  readonly #maxQueuedMessages: number;
  readonly #maxQueuedBytes: number;
  #readTimeout: number;
  #native: NativeMailslotReader | undefined;
  #messages: Buffer[] = [];
  /** How many at the beginning of the list were read. */
  #taken = 0;
  #queuedBytes = 0;
  readonly #readers = new Set<PendingOperation<Buffer>>();
  #failure: Error | undefined;

  /**
   * Makes the slot; it can be written to from now on.
   *
   * @param name `\\.\mailslot\name` or `name`.
   * @throws IpcError `"in-use"` if there is one of this name, `"invalid"`, `"unsupported"` for one on another machine,
   *   `"access-denied"` if the folder cannot be trusted; NativeAddonError; TypeError.
   */
  constructor(name: string, options: MailslotServerOptions = {}) {
    super();
    const {
      maxMessageSize = 65_536,
      readTimeout = Number.POSITIVE_INFINITY,
      maxQueuedMessages = 1024,
      maxQueuedBytes = 1024 * 1024,
    } = options;
    this.name = mailslotPrefix + parseMailslotName(name);
    this.#maxMessageSize = checkCount("maxMessageSize", maxMessageSize, 0);
    this.#maxQueuedMessages = checkCount("maxQueuedMessages", maxQueuedMessages, 1);
    this.#maxQueuedBytes = checkCount("maxQueuedBytes", maxQueuedBytes, 1);
    this.#readTimeout = checkTimeout("readTimeout", readTimeout);
    const { MailslotReader } = nativeAddon();
    try {
      this.#native = new MailslotReader(
        nativeOptions(name, options, maxMessageSize),
        (messages, oversized) => this.#onTaken(messages, oversized),
        (error) => this.#onFailed(error),
      );
    } catch (error) {
      throw ipcErrorFrom(error, `make the mailslot ${this.name}`, {
        "in-use": "There is one of this name already: choose another name, or end the process that has it",
      });
    }
    this.#updateRoom();
  }

  #onTaken(messages: Buffer[], oversized: number): void {
    for (const message of messages) {
      const [reader] = this.#readers;
      if (reader !== undefined && this.#count === 0) {
        this.#readers.delete(reader);
        reader.resolve(message);
      } else {
        this.#messages.push(message);
        this.#queuedBytes += message.length;
      }
    }
    this.#updateRoom();
    if (oversized > 0) this.emit("oversized", oversized);
  }

  #onFailed(error: unknown): void {
    this.#failure = ipcErrorFrom(error, `read from the mailslot ${this.name}`);
    this.#end(this.#failure);
  }

  get #count(): number {
    return this.#messages.length - this.#taken;
  }

  /** Takes from the system what the slot has room for; the rest waits there, and then the writers do. */
  #updateRoom(): void {
    const room = this.#queuedBytes >= this.#maxQueuedBytes ? 0 : this.#maxQueuedMessages - this.#count;
    this.#native?.setRoom(Math.max(room, this.#readers.size));
  }

  #next(): Buffer | undefined {
    const message = this.#messages[this.#taken];
    if (message === undefined) return undefined;
    this.#taken++;
    this.#queuedBytes -= message.length;
    // What was read is cut off now and then: each time would cost too much, never would keep it.
    if (this.#taken === this.#messages.length) {
      this.#messages = [];
      this.#taken = 0;
    } else if (this.#taken >= 256) {
      this.#messages.splice(0, this.#taken);
      this.#taken = 0;
    }
    this.#updateRoom();
    return message;
  }

  /** What is in the slot now (GetMailslotInfo). Beyond `maxQueuedMessages` more may wait with the system. */
  getInfo(): MailslotInfo {
    this.#assertOpen();
    return {
      maxMessageSize: this.#maxMessageSize,
      nextSize: this.#messages[this.#taken]?.length,
      messageCount: this.#count,
      readTimeout: this.#readTimeout,
    };
  }

  /** Changes how long `read` waits (SetMailslotInfo). Reads that wait already go on as they began. */
  setInfo({ readTimeout }: { readonly readTimeout: number }): void {
    this.#assertOpen();
    this.#readTimeout = checkTimeout("readTimeout", readTimeout);
  }

  /**
   * The next message, whole (ReadFile). Reads that wait get theirs in the order in which they began.
   *
   * @param options `timeout`, default: the slot's; `signal`. A read that is given up takes no message.
   * @throws IpcError `"timeout"` if none has come in time; `"closed"`; AbortError.
   */
  read(options: WaitOptions = {}): Promise<Buffer> {
    const { timeout = this.#readTimeout, signal } = options;
    if (this.#native === undefined) return Promise.reject(this.#closedError());
    let reader: PendingOperation<Buffer> | undefined;
    return waitFor<Buffer>(
      { timeout, signal },
      () => `a message in ${this.name}`,
      (operation) => {
        const message = this.#next();
        if (message !== undefined) {
          operation.resolve(message);
          return;
        }
        reader = operation;
        this.#readers.add(operation);
      },
      () => {
        if (reader !== undefined) this.#readers.delete(reader);
        return true;
      },
    );
  }

  /** All messages, as they come, until the slot is closed. Waits whatever the slot's timeout is. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, void> {
    while (this.#native !== undefined) {
      try {
        yield await this.read({ timeout: Number.POSITIVE_INFINITY });
      } catch (error) {
        if (error instanceof IpcError && error.fault === "closed") return;
        throw error;
      }
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Keeps the process running while it is open, as it does by default. */
  ref(): this {
    this.#native?.setReferenced(true);
    return this;
  }

  /** Does not keep the process running. */
  unref(): this {
    this.#native?.setReferenced(false);
    return this;
  }

  #assertOpen(): void {
    if (this.#native === undefined) throw this.#closedError();
  }

  #closedError(): Error {
    return this.#failure ?? new IpcError("closed", `The mailslot ${this.name} was closed`);
  }

  #end(error: Error): void {
    this.#native?.close();
    this.#native = undefined;
    this.#messages = [];
    this.#taken = 0;
    this.#queuedBytes = 0;
    for (const reader of this.#readers) reader.reject(error);
    this.#readers.clear();
  }

  /** Ends the slot (CloseHandle): what was not read is gone, writers are told, the name is free. */
  close(): void {
    if (this.#native !== undefined) this.#end(new IpcError("closed", `The mailslot ${this.name} was closed`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
