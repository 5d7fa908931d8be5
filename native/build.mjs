// Builds prebuilds/<platform>-<arch>/remoting.node. Needs cmake and a C++ compiler, and nothing from the network.
//
//   node native/build.mjs [--windows] [--if-possible] [--force] [--sanitize=address] [--failpoints]
//
// --windows      cross-builds win32-x64 with mingw-w64
// --if-possible  where a tool is missing: says so and goes on. What uses the addon then says how to build it
// --force        builds although nothing has changed
// --sanitize=…   builds with a sanitizer (address, undefined, thread, or address,undefined) into
//                build/<platform>-<arch>-<sanitizer>/, which is loaded by REMOTING_NATIVE=<path>
// --failpoints   builds what lets tests kill a process at chosen points (ring/failpoint.h), only into
//                build/<platform>-<arch>-failpoints/
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const native = join(root, "native");

const options = process.argv.slice(2);
const windows = options.includes("--windows");
const ifPossible = options.includes("--if-possible");
const force = options.includes("--force");
const sanitize =
  options.find((option) => option.startsWith("--sanitize="))?.slice("--sanitize=".length) ?? "";
const failpoints = options.includes("--failpoints");
const unknown = options.filter(
  (option) =>
    !/^--(windows|if-possible|force|failpoints|sanitize=(address|undefined|thread|address,undefined))$/.test(
      option,
    ),
);
if (unknown.length > 0) fail(`There is no option ${unknown.join(", ")}`);

const platform = windows ? "win32-x64" : `${process.platform}-${process.arch}`;
const name = sanitize === "" ? platform : `${platform}-${sanitize}`;
const build = join(root, "build", name);
/** Where the binary goes: only what is published is in prebuilds/. */
const target = failpoints ? `${build}-failpoints` : sanitize === "" ? join(root, "prebuilds", name) : build;
const product = failpoints ? "remoting_failpoints" : "remoting";
const output = join(target, "remoting.node");
const stampFile = join(target, "sources.sha256");

function fail(message) {
  console.error(`build:native: ${message}`);
  process.exit(1);
}

/** What is missing ends a build that was asked for, and not one that comes along with `npm install`. */
function missing(what, packages) {
  const message = `${what}, so ${relative(root, output)} was not built: named pipes, mailslots and shared memory will not work until you install it (on Debian: apt-get install ${packages}) and run "npm run build:native${windows ? " -- --windows" : ""}"`;
  if (!ifPossible) fail(message);
  console.warn(`build:native: ${message}`);
  process.exit(0);
}

function hasTool(command) {
  return spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0;
}

/** Everything that the binary depends on: if none of it has changed, it is not built again. */
function stampOfSources() {
  const hash = createHash("sha256");
  const files = readdirSync(native, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.(cc|h|cmake|mjs)$|CMakeLists\.txt$/.test(path))
    .map((path) => join(native, path));
  for (const dependency of ["node-addon-api", "node-api-headers"]) {
    files.push(join(root, "node_modules", dependency, "package.json"));
  }
  for (const file of files.sort()) hash.update(`${relative(root, file)}\0`).update(readFileSync(file));
  return hash.digest("hex");
}

/** What is said here goes to stderr: this runs within commands whose output is for programs, such as npm pack --json. */
function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", 2, 2] });
  if (error !== undefined) fail(`${command}: ${error.message}`);
  if (status !== 0) fail(`${command} ${args.join(" ")} ended with ${status}`);
}

for (const dependency of ["node-addon-api", "node-api-headers"]) {
  if (!existsSync(join(root, "node_modules", dependency))) {
    missing(`npm's ${dependency} is not installed (it is a development dependency)`, "npm, and run npm ci");
  }
}

const stamp = stampOfSources();
const isCurrent = existsSync(output) && existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp;
if (isCurrent && !force) {
  console.error(`build:native: ${relative(root, output)} is up to date`);
  process.exit(0);
}

if (!hasTool("cmake")) missing("There is no cmake", "cmake");
const compilers = windows ? ["x86_64-w64-mingw32-g++-posix"] : [process.env.CXX ?? "c++", "g++", "clang++"];
if (!compilers.some(hasTool)) {
  missing(`There is no C++ compiler (${compilers.join(", ")})`, windows ? "g++-mingw-w64-x86-64" : "g++");
}
const generator = hasTool("ninja") ? ["-G", "Ninja"] : ["-G", "Unix Makefiles"];

run("cmake", [
  "-S",
  native,
  "-B",
  build,
  ...generator,
  `-DCMAKE_BUILD_TYPE=${sanitize === "" ? "Release" : "RelWithDebInfo"}`,
  `-DREMOTING_SANITIZE=${sanitize}`,
  ...(windows ? [`-DCMAKE_TOOLCHAIN_FILE=${join(native, "toolchain-mingw-w64.cmake")}`] : []),
  "--log-level=WARNING",
]);
run("cmake", ["--build", build, "--target", product, "--parallel", "2"]);
mkdirSync(dirname(output), { recursive: true });
// Put in place at once: a process that has the old one loaded keeps it.
const built = join(build, `${product}.node`);
if (built !== output) {
  copyFileSync(built, `${output}.new`);
  renameSync(`${output}.new`, output);
}
writeFileSync(stampFile, stamp);
console.error(`build:native: ${relative(root, output)}`);
