/** The clock of deadlines and of silence: nobody sets it back. */
// Imported: the global of that name is a getter, with which a look at the clock costs twice as much. Every call looks.
import { performance } from "node:perf_hooks";

/** Milliseconds since some moment. */
export function monotonicTime(): number {
  return performance.now();
}

/**
 * The same in whole milliseconds. A session keeps several times: a whole number lies in its object, where a fraction
 * would be an object of its own.
 */
export function wholeMilliseconds(): number {
  return Math.trunc(monotonicTime());
}
