// Compiles and runs one contract in every way in which users do: standard and legacy decorators, tsc and tsx.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../..", import.meta.url));
const fixture = "test/unit/contract/fixtures/decorated-contract";
const tool = (path: string) => join(root, "node_modules", path);

const expected = {
  calculator: { mode: "SingleCall", uri: "Calculator", methods: ["add"], rules: [], marked: [] },
  counter: {
    mode: "Singleton",
    uri: "shop/Counter",
    methods: ["increment", "log (one-way)"],
    rules: ["roles", "anonymous"],
    marked: ["increment", "log"],
  },
  loudCounter: {
    mode: "ClientActivated",
    uri: "LoudCounter",
    methods: ["increment", "log (one-way)", "shout"],
    rules: ["roles", "anonymous"],
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
    // In the repository, for its node_modules and its "type": "module".
    await mkdir(join(root, "build"), { recursive: true });
    output = await mkdtemp(join(root, "build/decorators-"));
  });

  afterAll(() => rm(output, { recursive: true, force: true }));

  test("compiled by tsc", async () => {
    await run(process.execPath, [tool("typescript/bin/tsc"), "-p", join(root, tsconfig), "--outDir", output]);
    const { stdout } = await run(process.execPath, [join(output, `${fixture}.js`)]);
    expect(JSON.parse(stdout)).toEqual({ mode, ...expected });
  });

  test("run by tsx", async () => {
    const parameters = [tool("tsx/dist/cli.mjs"), "--tsconfig", join(root, tsconfig), `${fixture}.ts`];
    const { stdout } = await run(process.execPath, parameters, { cwd: root });
    expect(JSON.parse(stdout)).toEqual({ mode, ...expected });
  });
});
