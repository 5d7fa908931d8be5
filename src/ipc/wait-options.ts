/** How long to wait, in every operation that can take time. */
import { setMaxListeners } from "node:events";
import { AbortError } from "../errors.ts";
import { IpcError } from "./ipc-error.ts";

/** What every operation that waits can be told. */
export interface WaitOptions {
  /** Milliseconds after which it is given up with the fault `"timeout"`; 0 gives up what is not ready at once. Default: none. */
  readonly timeout?: number | undefined;
  /** Gives it up with an AbortError. */
  readonly signal?: AbortSignal | undefined;
}

/** The longest delay that a timer of Node takes. */
const longestDelay = 2 ** 31 - 1;

/** How an operation that is under way is ended from outside. */
export interface PendingOperation<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A promise of what an operation brings, with a time limit and a signal.
 *
 * @param begin Begins it, and is given the ways to settle it. It may settle at once.
 * @param cancel Gives the operation up. False if that has to be waited for: then the operation settles by itself, by
 *   its result, which is not lost, or by anything else, in place of which the reason is told.
 * @param describe What was waited for, for the message: `a client of the pipe "shop"`.
 */
export function waitFor<T>(
  { timeout, signal }: WaitOptions,
  describe: () => string,
  begin: (operation: PendingOperation<T>) => void,
  cancel: () => boolean,
): Promise<T> {
  if (signal?.aborted) return Promise.reject(abortReason(signal));
  if (timeout !== undefined && (typeof timeout !== "number" || Number.isNaN(timeout) || timeout < 0)) {
    return Promise.reject(
      new TypeError(`A timeout is a number of milliseconds of at least 0, not ${String(timeout)}`),
    );
  }
  return new Promise<T>((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    let settled = false;
    let givenUp: Error | undefined;
    const settle = () => {
      settled = true;
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    const giveUp = (reason: Error) => {
      if (settled || givenUp !== undefined) return;
      givenUp = reason;
      if (!cancel()) return;
      settle();
      reject(reason);
    };
    const abort = () => {
      if (signal !== undefined) giveUp(abortReason(signal));
    };
    begin({
      resolve: (value) => {
        if (settled) return;
        settle();
        resolve(value);
      },
      reject: (error) => {
        if (settled) return;
        settle();
        reject(givenUp ?? error);
      },
    });
    if (settled) return;
    if (signal !== undefined) {
      // Any number of operations may wait with one signal: that more than ten do is no leak.
      setMaxListeners(Number.POSITIVE_INFINITY, signal);
      signal.addEventListener("abort", abort, { once: true });
    }
    if (timeout === undefined || timeout === Number.POSITIVE_INFINITY) return;
    const tell = () => giveUp(new IpcError("timeout", `Waited ${timeout} ms for ${describe()}`));
    if (timeout === 0) setImmediate(tell);
    else timer = setTimeout(tell, Math.min(timeout, longestDelay));
  });
}

/** What an operation is rejected with whose signal was aborted, as Node's own functions do it. */
export function abortReason(signal: AbortSignal): AbortError {
  return new AbortError("The operation was aborted", { cause: signal.reason });
}
