/** A lock that processes share by its name. */
import { IpcError } from "../ipc-error.ts";
import { type NativeMutex, type NativeWaitOutcome, nativeAddon } from "../native-addon.ts";
import { checkObjectName } from "../object-name.ts";
import { ipcErrorFrom } from "../system-faults.ts";
import { type PendingOperation, type WaitOptions, waitFor } from "../wait-options.ts";

const advice = {
  "not-found": "Nobody has it open: it is there only as long as a process holds it",
  "in-use": "Open it with NamedMutex.open, take either with NamedMutex.createOrOpen, or choose another name",
  "access-denied": "It belongs to another user, or Global\\ needs a privilege that this user does not have",
};

/** The mutex is held, until this is released. */
export interface MutexHold extends Disposable {
  /**
   * Whether the one who held it before died without releasing it (WAIT_ABANDONED, AbandonedMutexException). It is held
   * all the same; but what it protects may be half-changed.
   */
  readonly abandoned: boolean;
  /** Lets the next one have it (ReleaseMutex). Safe to call twice. */
  release(): void;
}

/** Somebody of this process who waits; the addon does so for the first of them. */
interface Waiter extends PendingOperation<MutexHold> {
  isGivenUp: boolean;
}

/**
 * A mutex with a name (CreateMutex; System.Threading.Mutex): of all processes, and all `NamedMutex` objects of one
 * process, one holds it at a time. Waiting does not block the event loop. A holder that dies leaves it to the next one,
 * who is told.
 *
 * Not recursive, although Windows' mutexes are: all asynchronous functions of a process run on one thread, and would all
 * be let in. A second {@link acquire} waits for the first hold to be released.
 *
 * @example
 * ```ts
 * await using mutex = NamedMutex.createOrOpen("Local\\Inventory");
 * using hold = await mutex.acquire({ timeout: 1000 });
 * if (hold.abandoned) repair();
 * view.writeInt32(0, view.readInt32(0) + 1);
 * ```
 */
export class NamedMutex {
  readonly name: string;
  /** Whether somebody else had created it (ERROR_ALREADY_EXISTS). */
  readonly alreadyExisted: boolean;
  readonly #native: NativeMutex;
  /** The first of them is the one for whom the addon waits, or who was given the mutex. */
  readonly #waiting: Waiter[] = [];
  #hold: MutexHold | undefined;
  #isClosed = false;

  private constructor(name: string, disposition: "create" | "open" | "createOrOpen") {
    checkObjectName(name, "mutex");
    this.name = name;
    try {
      this.#native = new (nativeAddon().Mutex)(name, disposition);
    } catch (cause) {
      throw ipcErrorFrom(cause, `${disposition === "open" ? "open" : "create"} the mutex "${name}"`, advice);
    }
    this.alreadyExisted = this.#native.existed;
  }

  /**
   * Creates a mutex that is not there yet, held by nobody.
   *
   * @param name As that of a `FileMapping`: `"Local\\Inventory"`, `"Global\\Inventory"`.
   * @throws IpcError: `"in-use"` if it is there, `"access-denied"`.
   */
  static create(name: string): NamedMutex {
    return new NamedMutex(name, "create");
  }

  /**
   * Opens a mutex that somebody else has created (OpenMutex, Mutex.OpenExisting).
   *
   * @throws IpcError: `"not-found"` if nobody has it open, `"access-denied"`.
   */
  static open(name: string): NamedMutex {
    return new NamedMutex(name, "open");
  }

  /** Creates a mutex, or opens it if it is there: what .NET's constructor does. {@link alreadyExisted} tells which. */
  static createOrOpen(name: string): NamedMutex {
    return new NamedMutex(name, "createOrOpen");
  }

  /** Whether this object holds it. */
  get isHeld(): boolean {
    return this.#hold !== undefined;
  }

  /**
   * Waits for the mutex and holds it (WaitForSingleObject, WaitHandle.WaitOne).
   *
   * @returns The hold, to be released. Calls through one object are served in their order.
   * @throws IpcError: `"timeout"`; `"closed"` if the mutex is closed meanwhile. AbortError if the signal was aborted.
   */
  acquire(options: WaitOptions = {}): Promise<MutexHold> {
    if (this.#isClosed) return Promise.reject(this.#closedError());
    let waiter: Waiter | undefined;
    return waitFor<MutexHold>(
      options,
      () => `the mutex "${this.name}"`,
      (operation) => {
        waiter = { ...operation, isGivenUp: false };
        this.#waiting.push(waiter);
        if (this.#waiting.length === 1 && this.#hold === undefined) this.#wait(waiter);
      },
      () => waiter === undefined || this.#giveUp(waiter),
    );
  }

  /** Has the addon wait for the mutex. Its own time limit is that of the waiter, who interrupts it. */
  #wait(waiter: Waiter): void {
    try {
      this.#native.acquire(-1, (error, outcome) => this.#onOutcome(waiter, error, outcome));
    } catch (cause) {
      this.#waiting.shift();
      waiter.reject(ipcErrorFrom(cause, `wait for the mutex "${this.name}"`));
      this.#next();
    }
  }

  #onOutcome(waiter: Waiter, error: Error | null, outcome: NativeWaitOutcome | undefined): void {
    if (error === null && outcome === "interrupted" && !waiter.isGivenUp && !this.#isClosed) {
      // It was meant for one that had got the mutex by then.
      this.#wait(waiter);
      return;
    }
    this.#waiting.shift();
    if (error !== null) {
      waiter.reject(ipcErrorFrom(error, `wait for the mutex "${this.name}"`));
    } else if (outcome === "done" || outcome === "abandoned") {
      this.#hold = this.#createHold(outcome === "abandoned");
      if (!waiter.isGivenUp && !this.#isClosed) {
        waiter.resolve(this.#hold);
        return;
      }
      // Nobody wants it any more.
      this.#hold.release();
      waiter.reject(this.#closedError());
    } else {
      waiter.reject(this.#closedError());
    }
    this.#next();
  }

  #createHold(abandoned: boolean): MutexHold {
    const release = () => {
      if (this.#hold !== hold) return;
      this.#hold = undefined;
      this.#native.release();
      this.#next();
    };
    const hold: MutexHold = { abandoned, release, [Symbol.dispose]: release };
    return hold;
  }

  /** Waits for the mutex anew, if somebody wants it and nobody here has it. */
  #next(): void {
    const [first] = this.#waiting;
    if (this.#hold !== undefined) return;
    if (this.#isClosed) this.#closeNative();
    else if (first !== undefined) this.#wait(first);
  }

  /** Returns whether the waiter may be told at once. */
  #giveUp(waiter: Waiter): boolean {
    const place = this.#waiting.indexOf(waiter);
    if (place > 0 || (place === 0 && this.#hold !== undefined)) {
      this.#waiting.splice(place, 1);
      return true;
    }
    waiter.isGivenUp = true;
    this.#native.interrupt();
    return false;
  }

  #closedError(): IpcError {
    return new IpcError("closed", `The mutex "${this.name}" is closed`);
  }

  #closeNative(): void {
    if (this.#waiting.length === 0) this.#native.close();
  }

  /** Releases it if it is held, refuses those who wait, and lets go of it (CloseHandle). Safe to call twice. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const addonWaits = this.#hold === undefined && this.#waiting.length > 0;
    for (const waiter of this.#waiting.splice(addonWaits ? 1 : 0)) waiter.reject(this.#closedError());
    if (addonWaits) this.#native.interrupt();
    this.#hold?.release();
    if (!addonWaits) this.#closeNative();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
