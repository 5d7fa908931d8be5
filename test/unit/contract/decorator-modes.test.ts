// Compiles and runs one contract in every way in which users do: standard and legacy decorators, tsc and tsx.

import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../..", import.meta.url));
const fixture = "test/unit/contract/fixtures/decorated-contract";
const tool = (path: string) => join(root, "node_modules", path);

const expected = {
  calculator: { mode: "SingleCall", uri: "Calculator", methods: ["add"], marked: [] },
  counter: {
    mode: "Singleton",
    uri: "shop/Counter",
    methods: ["increment", "log (one-way)"],
    marked: ["increment", "log"],
  },
  loudCounter: {
    mode: "ClientActivated",
    uri: "LoudCounter",
    methods: ["increment", "log (one-way)", "shout"],
    marked: ["increment", "log"],
  },
  names: ["Point", "shop.Money"],
  classes: [true, true],
};

const modes = [
  { mode: "standard", tsconfig: "test/unit/contract/fixtures/tsconfig.json" },
  { mode: "legacy", tsconfig: "test/types/legacy/tsconfig.json" },
];

describe.each(modes)("$mode decorators", ({ mode, tsconfig }) => {
  let output: string;

  beforeAll(async () => {
    output = await mkdtemp(join(tmpdir(), "remoting-decorators-"));
    await writeFile(join(output, "package.json"), '{ "type": "module" }');
    await symlink(join(root, "node_modules"), join(output, "node_modules"), "junction");
  });

  afterAll(() => rm(output, { recursive: true, force: true }));

  test("compiled by tsc", async () => {
    await run(process.execPath, [tool("typescript/bin/tsc"), "-p", join(root, tsconfig), "--outDir", output]);
    const { stdout } = await run(process.execPath, [join(output, `${fixture}.js`)]);
    expect(JSON.parse(stdout)).toEqual({ mode, ...expected });
  }, 60_000);

  test("run by tsx", async () => {
    const parameters = [tool("tsx/dist/cli.mjs"), "--tsconfig", join(root, tsconfig), `${fixture}.ts`];
    const { stdout } = await run(process.execPath, parameters, { cwd: root });
    expect(JSON.parse(stdout)).toEqual({ mode, ...expected });
  }, 60_000);
});
