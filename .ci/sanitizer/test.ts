/**
 * `npm run test:sanitized [-- files…]`: runs the native tests with an addon that was built with AddressSanitizer and
 * UndefinedBehaviorSanitizer. Fails if a test fails, or if any process, however it ended, has left a report of an
 * error, or of a leak that the addon is responsible for.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../../", import.meta.url));
const reports = join(repository, "build/sanitizer-reports");
const sanitizers = "address,undefined";
const binary = join(repository, `build/${process.platform}-${process.arch}-${sanitizers}/remoting.node`);

/** Where the compiler has a library of its own: node has to load the sanitizer before everything else. */
function libraryOf(name: string): string {
  return execFileSync(process.env.CXX ?? "c++", [`-print-file-name=${name}`], { encoding: "utf8" }).trim();
}

function allocatedByAddon(leak: string): boolean {
  // Frame 0 is the allocator.
  const allocator = /^ +#1 .*$/m.exec(leak)?.[0] ?? "";
  return allocator.includes("remoting.node") || allocator.includes("/native/");
}

/**
 * What of a report counts. V8 and Node leave memory behind when a process exits, and LeakSanitizer does not see the
 * pointers in V8's heap: a leak is the addon's only if the addon has allocated the memory itself. What V8 and Node
 * allocate while the addon calls them is theirs, and there the addon is among the callers too. Errors count always.
 */
function findings(report: string): string[] {
  return report
    .split(/\n\n/)
    .filter((part) =>
      /^(?:Direct|Indirect) leak of /m.test(part)
        ? allocatedByAddon(part)
        : /ERROR: AddressSanitizer|runtime error:/.test(part),
    );
}

execFileSync("npm", ["run", "--silent", "build:native", "--", `--sanitize=${sanitizers}`], {
  cwd: repository,
  stdio: "inherit",
});
rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });

const { status } = spawnSync(
  process.execPath,
  [
    "node_modules/vitest/vitest.mjs",
    "run",
    "--reporter=default",
    "--reporter=json",
    "--outputFile.json=node_modules/.vitest/sanitized.json",
    // A sanitized process is several times slower, and starts slowly.
    "--testTimeout=120000",
    "--hookTimeout=120000",
    ...(process.argv.length > 2 ? process.argv.slice(2) : ["test/native/"]),
  ],
  {
    cwd: repository,
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      REMOTING_NATIVE: binary,
      LD_PRELOAD: [libraryOf("libasan.so"), libraryOf("libubsan.so"), libraryOf("libstdc++.so.6")].join(" "),
      // Reports go to files, since tests read what programs print. They are what counts, not how a process ends:
      // programs that leave V8's memory behind must end as their tests expect.
      ASAN_OPTIONS: `log_path=${reports}/report:exitcode=0:detect_leaks=1`,
      UBSAN_OPTIONS: `log_path=${reports}/report:print_stacktrace=1`,
    },
  },
);

const found = readdirSync(reports).flatMap((name) => findings(readFileSync(join(reports, name), "utf8")));
for (const finding of found) console.error(`\n${finding}`);
console.log(`sanitizers: ${readdirSync(reports).length} reports, ${found.length} findings in them`);
process.exitCode = status === 0 && found.length === 0 ? 0 : 1;
