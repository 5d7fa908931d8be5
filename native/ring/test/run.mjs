// Builds and runs what proves the ring in C++, and what measures it, without Node. On Linux.
//
//   node native/ring/test/run.mjs [--quick] [stress] [hostile] [patience] [bench]
//   node native/ring/test/run.mjs --windows
//
// stress   two threads that sleep and wake each other, under ThreadSanitizer
// hostile  a peer that stores whatever it likes, under AddressSanitizer, during ten million reads and writes
// patience how two sides that begin on one processor part, on a machine that is pretended
// bench    the ring alone beside memcpy and a futex; only if it is named
// --quick  a tenth of it
// --windows  which memory is taken from a server there; built with mingw-w64 and run with Wine
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const native = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const build = join(dirname(native), "build", "ring");
const compiler = process.env.CXX ?? "c++";

const programs = {
  stress: { sanitize: "thread", amount: 128, quick: 16 },
  hostile: { sanitize: "address,undefined", amount: 10_000_000, quick: 500_000 },
  patience: { sanitize: "address,undefined", amount: 10_000_000, quick: 1_000_000 },
  bench: { sanitize: "", amount: 2, quick: 0.2 },
};

const options = process.argv.slice(2);
const quick = options.includes("--quick");
const chosen = options.filter((option) => option !== "--quick" && option !== "--windows");
const unknown = chosen.filter((name) => !(name in programs));
if (unknown.length > 0) fail(`There is no program ${unknown.join(", ")}`);

function fail(message) {
  console.error(`test:ring: ${message}`);
  process.exit(1);
}

function run(command, args, env = process.env) {
  const { status, signal, error } = spawnSync(command, args, { stdio: "inherit", env });
  if (error !== undefined) fail(`${command}: ${error.message}`);
  if (status !== 0) fail(`${command} ended with ${signal ?? status}`);
}

mkdirSync(build, { recursive: true });
if (options.includes("--windows")) {
  const program = join(build, "adopt_win32.exe");
  run("x86_64-w64-mingw32-g++", [
    ...["-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", "-static", `-I${native}`, "-o", program],
    ...[join(native, "ring", "test", "adopt_win32.cc"), join(native, "ring", "ring_memory_win32.cc")],
  ]);
  run(join(dirname(native), ".ci", "windows", "program.sh"), [program]);
  process.exit();
}
for (const [name, { sanitize, amount, quick: few }] of Object.entries(programs)) {
  if (chosen.length > 0 ? !chosen.includes(name) : sanitize === "") continue;
  const program = join(build, name);
  run(compiler, [
    ...["-std=c++17", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-pthread", `-I${native}`],
    ...(sanitize === "" ? [] : [`-fsanitize=${sanitize}`, "-fno-sanitize-recover=all"]),
    ...["-o", program],
    ...[join(native, "ring", "test", `${name}.cc`), join(native, "ring", "ring_memory_posix.cc")],
  ]);
  console.log(sanitize === "" ? `${name}:` : `${name}, -fsanitize=${sanitize}:`);
  run(program, [String(quick ? few : amount)], { ...process.env, TSAN_OPTIONS: "halt_on_error=1" });
}
