/** Three processes: the one in the middle has never heard of the call context, and pays nothing until one comes by. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { CallContext } from "../../../src/call-context.ts";
import { MarshalByRefObject, RemotingDomain, Singleton } from "../../../src/index.ts";
import type { Middle } from "./fixtures/tier.ts";

@Singleton("Backend")
class Backend extends MarshalByRefObject {
  seen(): Record<string, unknown> {
    return Object.fromEntries(CallContext.logicalData);
  }

  set(name: string, value: string): void {
    CallContext.logicalSetData(name, value);
  }
}

async function startMiddle(nextUrl: string): Promise<string> {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", fileURLToPath(new URL("./fixtures/tier.ts", import.meta.url)), nextUrl],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  onTestFinished(async () => {
    const exited = once(child, "exit");
    child.stdin.end();
    if (child.exitCode === null) await exited;
  });
  const [url] = await once(createInterface(child.stdout), "line");
  return String(url);
}

test("data flows through a process that does not import the call context, and costs it nothing before", async () => {
  const backendDomain = new RemotingDomain();
  onTestFinished(() => backendDomain.close());
  const { urls } = await backendDomain.serve("tcp://127.0.0.1:0", [Backend]);
  const middleUrl = await startMiddle(String(urls[0]));
  const client = new RemotingDomain();
  onTestFinished(() => client.close());
  const middle = client.getObject<Middle>(`${middleUrl}/Middle`);

  expect(await middle.seen()).toEqual({});
  expect(await middle.runs()).toBe(0);
  await CallContext.run(async () => {
    CallContext.logicalSetData("user", "ada");
    expect(await middle.seen()).toEqual({ user: "ada" });
    await middle.set("answer", "from the backend");
    expect(CallContext.logicalGetData("answer")).toBe("from the backend");
  });
  expect(await middle.runs()).toBeGreaterThan(0);
  // From now on lines of execution are told apart there: a call without data gets none of another's.
  expect(await middle.seen()).toEqual({});
});
