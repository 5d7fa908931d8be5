/** Listening to the signals of applications. */
import { setMaxListeners } from "node:events";

/**
 * Calls `listener` once when a signal is aborted. Node warns of a leak when more than ten listen to one signal; but each
 * call that is under way does, and stops when it is over, and any number of calls may share a signal.
 */
export function listenForAbort(signal: AbortSignal, listener: () => void): void {
  // Not 0, which Node documents as no limit: its own getMaxListeners throws for a signal that has it.
  setMaxListeners(Number.POSITIVE_INFINITY, signal);
  signal.addEventListener("abort", listener, { once: true });
}
