/** Loaded by vitest before each file that runs under Wine: skips the tests that `suites.ts` lists. */
import { relative } from "node:path";
import { beforeEach } from "vitest";
import { skips } from "./suites.ts";

beforeEach(({ task, skip }) => {
  const file = relative(process.cwd(), task.file.filepath).replaceAll("\\", "/");
  const found = skips.find(
    (entry) => entry.file === file && entry.test && task.fullTestName.includes(entry.test),
  );
  if (found !== undefined) skip(found.reason);
});
