/** How long the soak runs, and how much of it each of its files gets. */

/** Files that share the time; they run two at a time. */
const files = 4;
const atATime = 2;

function fromEnvironment(name: string, fallback: number): number {
  const text = process.env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (!(value > 0)) throw new TypeError(`${name} must be a positive number, not "${text}"`);
  return value;
}

/** Minutes for everything. Default 10. */
const minutes = fromEnvironment("SOAK_MINUTES", 10);
/** The most of one thing: kills, connections. Default none. */
const most = fromEnvironment("SOAK_COUNT", Number.POSITIVE_INFINITY);

/**
 * Tells when a test has done enough: when its time is over, or its count is reached.
 *
 * @param share The part of its file's time that the test gets, 0 to 1.
 */
export function budget(share = 1): (done: number) => boolean {
  const end = performance.now() + ((minutes * 60_000 * atATime) / files) * share;
  return (done) => done > 0 && (done >= most || performance.now() >= end);
}
