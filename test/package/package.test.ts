/**
 * The package as its users get it: packed, installed in an empty project without install scripts, and used
 * from TypeScript (built by tsc, and run by tsx) and from plain JavaScript.
 */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  endProcess,
  firstLineOf,
  type Outcome,
  repository,
  runProcess,
  startProcess,
  tsx,
} from "../examples/run-process.ts";
import { freePort } from "../free-port.ts";

const modules = join(repository, "node_modules");

/** What the README tells its readers to put into their tsconfig.json. */
const readmeOptions = {
  target: "es2022",
  module: "nodenext",
  types: ["node"],
  strict: true,
  rewriteRelativeImportExtensions: true,
};

let folder: string;
let project: string;
let packedFiles: readonly string[];

async function npm(args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await runProcess("npm", args, { cwd, timeout: 240_000 });
  expect(code, stderr).toBe(0);
  return stdout;
}

/** Packs a copy of the repository: `prepare` builds there, and nobody's `dist` changes under their feet. */
async function pack(): Promise<string> {
  const source = join(folder, "source");
  await mkdir(source);
  for (const name of await readdir(repository)) {
    if (["node_modules", "dist", ".git", "bench", "build", "test"].includes(name)) continue;
    await cp(join(repository, name), join(source, name), { recursive: true });
  }
  await symlink(modules, join(source, "node_modules"), "junction");
  const [packed] = JSON.parse(await npm(["pack", "--json", "--silent"], source));
  packedFiles = packed.files.map(({ path }: { path: string }) => path);
  return join(source, packed.filename);
}

async function tsc(sources: string, compilerOptions: object): Promise<Outcome> {
  const configuration = {
    compilerOptions: { ...compilerOptions, skipLibCheck: false, rootDir: ".", outDir: "built" },
    include: ["*.ts"],
  };
  await writeFile(join(sources, "tsconfig.json"), JSON.stringify(configuration));
  return runProcess(process.execPath, [join(modules, "typescript/bin/tsc"), "-p", sources]);
}

/** Takes an example into the project, with a port that is free. */
async function takeExample(name: string): Promise<string> {
  const target = await mkdtemp(join(project, `${name}-`));
  const address = `127.0.0.1:${await freePort()}`;
  await cp(join(repository, "examples", name), target, { recursive: true });
  for (const file of await readdir(target)) {
    const text = await readFile(join(target, file), "utf8");
    await writeFile(join(target, file), text.replaceAll(/127\.0\.0\.1:6\d{3}/g, address));
  }
  return target;
}

/** Runs a server, and a client while it is there. The client gets the server's first line. */
async function runBoth(server: readonly string[], client: readonly string[], cwd: string): Promise<Outcome> {
  const child = startProcess(process.execPath, server, { cwd });
  try {
    const line = await firstLineOf(child);
    return await runProcess(process.execPath, [...client, line], { cwd });
  } finally {
    endProcess(child);
  }
}

const quickStartOutput: Outcome = {
  code: 0,
  stdout: "1\n6\ncounted to 7\ncounted to 8\ncounted to 9\n",
  stderr: "",
};

describe("the package", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "remoting-package-"));
    project = join(folder, "project");
    await mkdir(project);
    await writeFile(join(project, "package.json"), '{ "private": true, "type": "module" }');
    await npm(["install", "--ignore-scripts", "--no-audit", "--no-fund", await pack()], project);
    // What TypeScript users have installed as well; this repository has it already.
    await symlink(join(modules, "@types"), join(project, "node_modules/@types"), "junction");
  }, 500_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("holds what is needed and nothing else", () => {
    const unexpected = packedFiles.filter(
      (path) =>
        !/^(?:package\.json|README\.md|LICENSE|docs\/.+\.(?:md|svg)|dist\/.+\.(?:js|js\.map|d\.ts)|prebuilds\/\w+-\w+\/remoting\.node)$/.test(
          path,
        ),
    );
    expect(unexpected).toEqual([]);
    for (const path of ["README.md", "LICENSE", "dist/index.js", "dist/index.d.ts", "dist/spi.js"]) {
      expect(packedFiles).toContain(path);
    }
  });

  test("works in TypeScript that tsc has built, as the README says", async () => {
    const sources = await takeExample("quick-start");
    expect(await tsc(sources, readmeOptions)).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await runBoth(["built/server.js"], ["built/client.js"], sources)).toEqual(quickStartOutput);
  });

  test("works in TypeScript that tsx runs, as the README says", async () => {
    const sources = await takeExample("quick-start");
    expect(await runBoth([tsx, "server.ts"], [tsx, "client.ts"], sources)).toEqual(quickStartOutput);
  });

  test("works with experimentalDecorators", async () => {
    const sources = await takeExample("quick-start");
    const outcome = await tsc(sources, { ...readmeOptions, experimentalDecorators: true });
    expect(outcome).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await runBoth(["built/server.js"], ["built/client.js"], sources)).toEqual(quickStartOutput);
  });

  test.each(["custom-sink", "contract-apart", "callbacks"])(
    "its types and its spi carry the example %s, checked strictly",
    async (name) => {
      const outcome = await tsc(await takeExample(name), {
        ...readmeOptions,
        lib: ["es2023", "esnext.disposable"],
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        verbatimModuleSyntax: true,
      });
      expect(outcome).toEqual({ code: 0, stdout: "", stderr: "" });
    },
  );

  test("works in plain JavaScript, with decorators called as functions", async () => {
    const sources = join(project, "plain-javascript");
    await cp(join(import.meta.dirname, "plain-javascript"), sources, { recursive: true });
    const outcome = await runBoth(["server.js"], ["client.js"], sources);
    expect(outcome).toEqual({ code: 0, stdout: "1 3\nundefined 1\n", stderr: "" });
  });

  test("has classes and functions of the names that they are exported by", async () => {
    const program = `
      for (const path of ["remoting", "remoting/spi", "remoting/ipc", "remoting/call-context"]) {
        for (const [name, value] of Object.entries(await import(path))) {
          const actual = typeof value === "function" ? value.name.replace("bound ", "") : name;
          if (actual !== name) console.log(path, name, actual);
        }
      }`;
    const outcome = await runProcess(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: project,
    });
    expect(outcome).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("offers no way to its inner modules", async () => {
    const program = 'await import("remoting/dist/hosting/remoting-domain.js")';
    const { stderr } = await runProcess(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: project,
    });
    expect(stderr).toContain("ERR_PACKAGE_PATH_NOT_EXPORTED");
  });
});
