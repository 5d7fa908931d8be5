/** Timers and the monotonic clock, moved by the test. */
import { performance } from "node:perf_hooks";
import { vi } from "vitest";

type Faked = NonNullable<NonNullable<Parameters<typeof vi.useFakeTimers>[0]>["toFake"]>;

/**
 * Replaces the clock and the timers that are named, until `vi.useRealTimers` and `vi.restoreAllMocks`. The clock is
 * replaced where sessions have it from, too: vitest knows only the global of that name.
 */
export function fakeTimers(timers: Faked): void {
  vi.useFakeTimers({ toFake: [...timers, "performance"] });
  const faked = globalThis.performance;
  vi.spyOn(performance, "now").mockImplementation(() => faked.now());
}
