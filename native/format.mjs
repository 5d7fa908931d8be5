// Checks the form of the C++ sources, or with --write gives it to them. Where there is no clang-format it says so.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const native = dirname(fileURLToPath(import.meta.url));
const mode = process.argv.includes("--write") ? ["-i"] : ["--dry-run", "--Werror"];
const sources = readdirSync(native, { recursive: true, encoding: "utf8" })
  .filter((path) => /\.(cc|h)$/.test(path))
  .map((path) => join(native, path));

const { status, error } = spawnSync("clang-format", [...mode, ...sources], { stdio: "inherit" });
if (error !== undefined) {
  console.warn("format:native: skipped: there is no clang-format (on Debian: apt-get install clang-format)");
} else {
  process.exitCode = status ?? 1;
}
