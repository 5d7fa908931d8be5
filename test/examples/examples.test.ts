/** The examples do what their README files say: each command in them is run, and its output compared. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../free-port.ts";
import { repository, runProcess, tsx } from "./run-process.ts";

interface Command {
  readonly environment: Readonly<Record<string, string>>;
  readonly output: string;
}

const examples = join(repository, "examples");
const names = (await readdir(examples, { withFileTypes: true }))
  .filter((entry) => entry.isDirectory() && entry.name !== "demo")
  .map((entry) => entry.name);

/** The commands that a README shows, each with its output. */
async function commandsOf(name: string): Promise<Command[]> {
  const text = await readFile(join(examples, name, "README.md"), "utf8");
  const commands = [];
  for (const [, block = ""] of text.matchAll(/```console\n(.*?)```/gs)) {
    for (const [, variables = "", output = ""] of block.matchAll(
      /^\$ (.*?)npm run.*\n((?:(?!\$ ).*\n)*)/gm,
    )) {
      const pairs = [...variables.matchAll(/(\w+)=(\S+)/g)].map(([, key = "", value = ""]) => [key, value]);
      commands.push({ environment: Object.fromEntries(pairs), output });
    }
  }
  return commands;
}

describe("examples", () => {
  // Copies, because examples have ports that anybody may be using: these get free ones.
  let copies: string;
  /** Names of mailslots and pipes are the user's: these get a folder of their own, beside the copies. */
  let rendezvous: string;

  beforeAll(async () => {
    // In the repository, for its node_modules and its "type": "module".
    await mkdir(join(repository, "build"), { recursive: true });
    copies = await mkdtemp(join(repository, "build/examples-"));
    rendezvous = join(copies, "rendezvous of pipes and mailslots");
    await mkdir(rendezvous);
  });

  afterAll(() => rm(copies, { recursive: true, force: true }));

  test.each(names)(
    "%s",
    async (name) => {
      const address = `127.0.0.1:${await freePort()}`;
      const withFreePort = (text: string) => text.replaceAll(/127\.0\.0\.1:6\d{3}/g, address);
      const folder = join(copies, name);
      await cp(join(examples, name), folder, { recursive: true });
      for (const file of await readdir(folder)) {
        await writeFile(join(folder, file), withFreePort(await readFile(join(folder, file), "utf8")));
      }
      const commands = await commandsOf(name);
      expect(commands).not.toEqual([]);
      for (const { environment, output } of commands) {
        const outcome = await runProcess(
          process.execPath,
          [tsx, "--tsconfig", join(repository, "tsconfig.json"), join(examples, "run.ts"), folder],
          { environment: { XDG_RUNTIME_DIR: rendezvous, ...environment } },
        );
        expect(outcome).toEqual({ code: 0, stdout: withFreePort(output), stderr: "" });
      }
    },
    180_000,
  );

  test("an unknown name is answered with those that there are", async () => {
    const { code, stderr } = await runProcess(process.execPath, [tsx, join(examples, "run.ts"), "nothing"]);
    expect(code).toBe(2);
    for (const name of names) expect(stderr).toContain(name);
  });

  test("the README's quick start is examples/quick-start", async () => {
    const readme = await readFile(join(repository, "README.md"), "utf8");
    for (const file of ["contract.ts", "server.ts", "client.ts"]) {
      const content = await readFile(join(examples, "quick-start", file), "utf8");
      expect(readme).toContain(`\`\`\`ts\n${content}\`\`\``);
    }
    const [command] = await commandsOf("quick-start");
    for (const line of command?.output.trimEnd().split("\n") ?? []) {
      expect(readme).toContain(line.replace(/^(?:server|client): /, ""));
    }
  });
});
