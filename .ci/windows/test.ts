/**
 * `npm run test:windows [-- files…]`: runs the suites, or the given test files, with Windows' node.exe under Wine, and
 * says what was not run, and why. Leaves vitest's reports in node_modules/.vitest/windows-*.json for count-tests.js.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Suite, skips, suites } from "./suites.ts";

/** The part of vitest's report that matters here. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** What node.sh ends with when it had to give up for want of a Wine. */
const serverCrashed = 99;

const repository = fileURLToPath(new URL("../../", import.meta.url));
const reports = "node_modules/.vitest";

/** Runs a suite and leaves its report. Returns whether all of it has passed. */
function run({ name, files, tests, seconds }: Suite): boolean {
  const report = `${reports}/windows-${name}.json`;
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(
    join(repository, ".ci/windows/node.sh"),
    [
      "node_modules/vitest/vitest.mjs",
      "run",
      "--config=.ci/windows/vitest.config.ts",
      "--root=.",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${report}`,
      ...(tests === undefined ? [] : ["--testNamePattern", tests]),
      ...files,
    ],
    {
      cwd: repository,
      encoding: "utf8",
      maxBuffer: 256 * 1024 * 1024,
      env: { ...process.env, CI: "1", NO_COLOR: "1", SECONDS_ALLOWED: String(seconds) },
    },
  );
  if (status === serverCrashed) {
    console.log(
      `windows, ${name}: skipped: Wine's server crashed under it twice, which says nothing about the tests`,
    );
    return true;
  }
  if (!existsSync(report)) {
    // It counts as a failure even if nobody reads on.
    const died: Report = {
      testResults: [{ name: `${repository}${files[0]}`, status: "failed", assertionResults: [] }],
    };
    writeFileSync(report, JSON.stringify(died));
  }
  const { testResults }: Report = JSON.parse(readFileSync(report, "utf8"));
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  const count = (wanted: string) => results.filter((result) => result.status === wanted).length;
  const duration = ((performance.now() - started) / 1000).toFixed(0);
  if (status !== 0) console.log(stdout + stderr);
  else process.stderr.write(stderr);
  console.log(
    `windows, ${name}: ${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped, ${duration} s${
      status === 0 ? "" : `; vitest has ended with ${status}`
    }`,
  );
  return status === 0;
}

mkdirSync(join(repository, reports), { recursive: true });
for (const file of readdirSync(join(repository, reports))) {
  if (file.startsWith("windows-")) rmSync(join(repository, reports, file));
}

const files = process.argv.slice(2);
const chosen = files.length === 0 ? suites : [{ name: "chosen", files, seconds: 600 }];
console.log("Under Wine these are skipped; they run on Linux:");
for (const { file, test, reason } of skips) {
  console.log(`  ${file}${test === undefined ? "" : ` > ${test}`}: ${reason}`);
}
for (const { files: parts, tests } of suites) {
  if (tests !== undefined)
    console.log(`  ${parts.join(" ")}: all but the tests that match /${tests}/: they take long here`);
}
if (files.length === 0) {
  const isInSuites = (file: string) =>
    suites.some((suite) => suite.files.some((part) => file.startsWith(part)));
  const others = readdirSync(join(repository, "test"), { recursive: true, encoding: "utf8" })
    .map((path) => `test/${path}`)
    .filter((file) => file.endsWith(".test.ts") && !isInSuites(file));
  console.log("Run on Linux only, because nobody has seen to it yet that they pass on Windows:");
  for (const file of others.sort()) console.log(`  ${file}`);
}
if (chosen.some((suite) => suite.files.some((file) => "test/fault/shm-killed.test.ts".startsWith(file)))) {
  execFileSync(process.execPath, ["native/build.mjs", "--windows", "--failpoints"], { stdio: "inherit" });
}
// All of them, even if one fails: each says something about Windows.
const outcomes = chosen.map(run);
process.exitCode = outcomes.every((passed) => passed) ? 0 : 1;
