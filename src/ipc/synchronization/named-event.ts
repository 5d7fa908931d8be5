/** A signal that processes share by its name. */
import { IpcError } from "../ipc-error.ts";
import { type NativeDisposition, type NativeEvent, nativeAddon } from "../native-addon.ts";
import { checkNamedOptions, checkObjectName } from "../object-name.ts";
import { ipcErrorFrom } from "../system-faults.ts";
import { type PendingOperation, type WaitOptions, waitFor } from "../wait-options.ts";

const advice = {
  "not-found": "Nobody has it open: it is there only as long as a process holds it",
  "in-use": "Open it with NamedEvent.open, take either with NamedEvent.createOrOpen, or choose another name",
  "access-denied": "It belongs to another user, or Global\\ needs a privilege that this user does not have",
};

const example = '{ name: "Local\\\\Ready" }';

/** What {@link NamedEvent.create} is told. An event that is there already keeps what it has. */
export interface NamedEventOptions {
  /** As that of a `FileMapping`: `"Local\\Ready"`, `"Global\\Ready"`. */
  readonly name: string;
  /**
   * `"auto"` (default, as it loses no signal between one that says and one that waits): setting it wakes one waiter, and
   * it is reset with that. `"manual"`: it stays set, and lets everybody through, until it is reset.
   */
  readonly reset?: "auto" | "manual";
  /** Whether it is set from the start. Default `false`. */
  readonly signaled?: boolean;
}

/** Somebody who waits, and what ends the wait soon. */
interface Waiter extends PendingOperation<void> {
  interrupt: () => void;
}

/**
 * An event with a name (CreateEvent; System.Threading.EventWaitHandle): one process says that something has happened,
 * others wait for it, without blocking their event loops.
 *
 * @example
 * ```ts
 * // The one that writes:
 * await using ready = NamedEvent.create({ name: "Local\\Ready" });
 * view.write(0, message);
 * ready.set();
 * // The one that reads:
 * await using ready = NamedEvent.open("Local\\Ready");
 * await ready.wait({ timeout: 5000 });
 * ```
 */
export class NamedEvent {
  readonly name: string;
  /** Whether somebody else had created it (ERROR_ALREADY_EXISTS). */
  readonly alreadyExisted: boolean;
  readonly #native: NativeEvent;
  readonly #waiting = new Set<Waiter>();
  #isClosed = false;

  private constructor(
    disposition: NativeDisposition,
    { name, reset = "auto", signaled = false }: NamedEventOptions,
  ) {
    checkObjectName(name, "event");
    if (reset !== "auto" && reset !== "manual") {
      throw new TypeError(`The reset of an event is "auto" or "manual", not ${String(reset)}`);
    }
    this.name = name;
    try {
      this.#native = new (nativeAddon().Event)(name, disposition, reset === "manual", signaled);
    } catch (cause) {
      throw ipcErrorFrom(cause, `${disposition === "open" ? "open" : "create"} the event "${name}"`, advice);
    }
    this.alreadyExisted = this.#native.existed;
  }

  /**
   * Creates an event that is not there yet.
   *
   * @throws IpcError: `"in-use"` if it is there, `"access-denied"`.
   */
  static create(options: NamedEventOptions): NamedEvent {
    checkNamedOptions(options, "NamedEvent.create", example);
    return new NamedEvent("create", options);
  }

  /**
   * Opens an event that somebody else has created (OpenEvent, EventWaitHandle.OpenExisting).
   *
   * @throws IpcError: `"not-found"` if nobody has it open, `"access-denied"`.
   */
  static open(name: string): NamedEvent {
    return new NamedEvent("open", { name });
  }

  /** Creates an event, or opens it if it is there: what .NET's constructor does. {@link alreadyExisted} tells which. */
  static createOrOpen(options: NamedEventOptions): NamedEvent {
    checkNamedOptions(options, "NamedEvent.createOrOpen", example);
    return new NamedEvent("createOrOpen", options);
  }

  /**
   * Sets it (SetEvent): wakes one waiter, or, if it is to be reset by hand, all. An event is no counter: one that is set
   * twice before a waiter has run wakes one.
   */
  set(): void {
    this.#checkOpen();
    this.#native.set();
  }

  /** Takes a signal back that nobody has waited for (ResetEvent). */
  reset(): void {
    this.#checkOpen();
    this.#native.reset();
  }

  /**
   * Waits until it is set (WaitForSingleObject, WaitHandle.WaitOne). A wait that is given up takes no signal with it.
   *
   * @param options `timeout: 0` asks whether it is set now.
   * @throws IpcError: `"timeout"`; `"closed"` if the event is closed meanwhile. AbortError if the signal was aborted.
   */
  wait(options: WaitOptions = {}): Promise<void> {
    if (this.#isClosed) return Promise.reject(this.#closedError());
    let waiter: Waiter | undefined;
    return waitFor<void>(
      options,
      () => `the event "${this.name}"`,
      (operation) => {
        waiter = this.#begin(operation);
      },
      () => {
        // It may have been set at this very moment: then it has been waited for, and nothing is lost.
        waiter?.interrupt();
        return waiter === undefined;
      },
    );
  }

  #begin(operation: PendingOperation<void>): Waiter {
    const waiter: Waiter = { ...operation, interrupt: () => {} };
    this.#waiting.add(waiter);
    try {
      waiter.interrupt = this.#native.wait(-1, (error, outcome) => {
        this.#waiting.delete(waiter);
        if (error !== null) waiter.reject(ipcErrorFrom(error, `wait for the event "${this.name}"`));
        else if (outcome === "done") waiter.resolve();
        else waiter.reject(this.#closedError());
      });
    } catch (cause) {
      this.#waiting.delete(waiter);
      waiter.reject(ipcErrorFrom(cause, `wait for the event "${this.name}"`));
    }
    return waiter;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw this.#closedError();
  }

  #closedError(): IpcError {
    return new IpcError("closed", `The event "${this.name}" is closed`);
  }

  /** Refuses those who wait through this object, and lets go of it (CloseHandle). Safe to call twice. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const waiter of this.#waiting) waiter.interrupt();
    this.#native.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
