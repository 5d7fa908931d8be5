/** Turns a hang into a failure that says what did not happen. */

/**
 * The promise, or an error if it has not settled after `milliseconds`. What has come by then counts, although this
 * process may not have had the processor to look at it: timers run before what has arrived is read.
 */
export async function within<T>(milliseconds: number, promise: PromiseLike<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new Error(`${what} did not come within ${milliseconds} ms`));
    timer = setTimeout(() => setImmediate(() => setImmediate(giveUp)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
