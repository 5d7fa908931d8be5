import { isMainThread } from "node:worker_threads";

/**
 * Ends this process when the one that started it is gone, however that ended: its standard input, a pipe, is closed then.
 * Keeps nothing running that would end by itself.
 */
export function endWithParent(): void {
  // A thread has no input of its own, and ends with its process.
  if (!isMainThread) return;
  process.stdin.on("end", () => process.exit()).resume();
  process.stdin.unref();
}
