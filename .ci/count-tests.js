// Reads what vitest has reported in JSON, in one file or several, and prints `N passed, N failed` of all of them, or
// how long each folder of tests took.
import { existsSync, readFileSync } from "node:fs";
import { basename, relative } from "node:path";

const byFolder = process.argv[2] === "--by-folder";
const files = process.argv.slice(byFolder ? 3 : 2).filter((file) => existsSync(file));

const folders = new Map();
const total = { passed: 0, failed: 0, milliseconds: 0 };
for (const file of files) {
  const run = basename(file, ".json").replace(/-.*/, "");
  for (const { name, status, startTime, endTime, assertionResults } of JSON.parse(readFileSync(file, "utf8"))
    .testResults) {
    // Wine calls the root of the file system drive Z.
    const path = relative(process.cwd(), name.replace(/^Z:/i, "").replaceAll("\\", "/"));
    const folder = `${run === "results" ? "" : `${run}: `}${path.split("/").slice(0, 2).join("/")}`;
    if (!folders.has(folder)) folders.set(folder, { passed: 0, failed: 0, milliseconds: 0 });
    const passed = assertionResults.filter((test) => test.status === "passed").length;
    const failed = assertionResults.filter((test) => test.status === "failed").length;
    for (const sum of [folders.get(folder), total]) {
      sum.passed += passed;
      // A file that could not even be loaded has no tests, but has failed all the same.
      sum.failed += failed === 0 && status === "failed" ? 1 : failed;
      sum.milliseconds += Math.max(0, endTime - startTime || 0);
    }
  }
}

if (byFolder) {
  for (const [folder, { passed, failed, milliseconds }] of [...folders].sort()) {
    const seconds = `${(milliseconds / 1000).toFixed(1)} s`;
    console.log(`${folder.padEnd(32)} ${seconds.padStart(8)}   ${passed} passed, ${failed} failed`);
  }
  // These are runs of their own right: that nobody drops them unnoticed.
  for (const folder of [
    "test/examples",
    "test/package",
    "sanitized: test/native",
    "windows: test/conformance",
  ]) {
    if (!folders.get(folder)?.passed) throw new Error(`No test of ${folder} has passed`);
  }
} else {
  console.log(`${total.passed} passed, ${total.failed} failed`);
}
