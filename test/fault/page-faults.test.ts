/**
 * Where the memory of large messages comes from: from what the collector has freed, not from the operating system.
 * Page faults are counted, because unlike times they are the same on a busy machine.
 */
import { once } from "node:events";
import { expect, test } from "vitest";
import { printFigures } from "./figures.ts";
import { forkProgram } from "./program.ts";

// glibc alone has the threshold that is raised, and it says so here.
const report: unknown = process.report?.getReport();
const usesGlibc = JSON.stringify(report).includes('"glibcVersionRuntime"');

test.runIf(usesGlibc)(
  "large messages are received into memory that the process has (glibc alone can do that)",
  async () => {
    const program = await forkProgram("large-echo.ts", []);
    const [faults] = await once(program, "message");
    printFigures("page faults", { "for an echo of 64 KiB": faults });
    // A message that is received into new memory touches 16 pages of it, twice for an echo; by luck fewer, but not this few.
    expect(faults).toBeLessThan(0.25);
  },
  120_000,
);
