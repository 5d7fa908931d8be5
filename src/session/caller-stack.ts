/**
 * Shows in the stack of a remote error who called. The promise of a call is rejected long after the caller's frames are
 * gone; but while nothing has settled, V8 finds the functions that await it, and writes them into stacks that are taken
 * by an asynchronous function that the promise waits for. So only a call that fails pays for it.
 */

/** What follows in a stack from the first frame on. */
const frames = /\n {4}at [\s\S]*$/;

/**
 * To resolve the promise of a call with, which is then rejected with the error.
 *
 * @param stack Goes before the frames of the caller. Default: the error's name and message.
 */
export async function rejectAtCaller(error: Error, stack?: string): Promise<never> {
  // One turn until the promise waits for this function, and one for this function to be behind it.
  await undefined;
  await undefined;
  const place: { stack?: string } = {};
  Error.captureStackTrace(place, rejectAtCaller);
  const found = frames.exec(place.stack ?? "")?.[0];
  if (found !== undefined) {
    const value = (stack ?? `${error.name}: ${error.message}`) + found;
    Reflect.defineProperty(error, "stack", { value, writable: true, configurable: true, enumerable: false });
  }
  throw error;
}
