/** `shm://` beyond what every connection promises: names, identity, threads, what it costs when nothing happens. */
import { once } from "node:events";
import { userInfo } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { ConnectError, MarshalByRefObject, RemotingDomain, Singleton, shmChannel } from "remoting";
import { CallContext } from "remoting/call-context";
import { openIpcResources } from "remoting/ipc";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { repository, runProcess } from "../../examples/run-process.ts";

@Singleton("Who")
class Who extends MarshalByRefObject {
  #waiting: (() => void)[] = [];

  name(): unknown {
    return CallContext.current?.principal;
  }

  /** Returns when so many have called it. */
  async meet(count: number): Promise<void> {
    const met = new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#waiting.length === count) for (const resolve of this.#waiting.splice(0)) resolve();
    await met;
  }
}

const onWindows = process.platform === "win32";

let names = 0;
const newUrl = () => `shm://transport-${process.pid}-${++names}`;

function newDomain(): RemotingDomain {
  const domain = new RemotingDomain();
  onTestFinished(() => domain.close());
  return domain;
}

const loader = pathToFileURL(join(repository, "node_modules/tsx/dist/loader.mjs")).href;
const source = JSON.stringify(pathToFileURL(join(repository, "src/index.ts")).href);

function evaluate(program: string) {
  const args = ["--import", loader, "--input-type=module", "--eval", program];
  return runProcess(process.execPath, args, {});
}

/** Runs a program in a process of its own, which has a `domain` and calls this process by its proxy `who`. */
async function evaluateCaller(spinMicroseconds: number, program: string) {
  const url = newUrl();
  await newDomain().serve(url, [Who]);
  return evaluate(`
    const { RemotingDomain, shmChannel } = await import(${source});
    const domain = new RemotingDomain();
    domain.registerChannel(shmChannel({ spinMicroseconds: ${spinMicroseconds} }));
    const who = domain.getObject("${url}/Who");
    ${program}`);
}

describe("shm://", () => {
  test("callers are who the operating system says they are", async () => {
    const url = newUrl();
    await newDomain().serve(url, [Who]);
    expect(await newDomain().getObject(Who, url).name()).toEqual({
      // Windows puts the machine's name or the domain's in front.
      name: onWindows
        ? expect.stringMatching(new RegExp(`^.+\\\\${userInfo().username}$`))
        : userInfo().username,
      roles: [],
      authenticatedBy: "operating-system",
    });
  });

  test("a name is held by one server, and free when that has closed", async () => {
    const url = newUrl();
    const first = newDomain();
    await first.serve(url, [Who]);
    await expect(newDomain().serve(url, [Who])).rejects.toMatchObject({
      name: "RemotingError",
      code: "ERR_REMOTING",
      cause: { name: "IpcError", fault: "in-use" },
      message: expect.stringMatching(`^Cannot listen on ${url}: (?!Cannot)`),
    });
    await first.close();
    await newDomain().serve(url, [Who]);
  });

  test("nobody serves a name", async () => {
    const url = newUrl();
    const error = await newDomain()
      .getObject(Who, url)
      .name()
      .catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ConnectError);
    expect(error).toMatchObject({ mayHaveExecuted: false, cause: { name: "IpcError", fault: "not-found" } });
    expect(error).toHaveProperty("message", expect.stringMatching(`^Cannot connect to ${url}: (?!Cannot)`));
    expect(error).toHaveProperty("message", expect.stringContaining("start its server first"));
  });

  test.each(["a b", "..", "x".repeat(129), "ä"])("%j is no name", async (name) => {
    await expect(newDomain().serve(`shm://${name}`, [Who])).rejects.toThrow(/is not a name for shm:/);
  });

  test.each([
    { spinMicroseconds: -1 },
    { spinMicroseconds: 0.5 },
    { spinMicroseconds: 1_000_001 },
    { ringBytes: 65_535 },
    { ringBytes: 100_000 },
    { ringBytes: 134_217_728 },
  ])("%j is refused when the channel is made", (options) => {
    expect(() => shmChannel(options)).toThrow(TypeError);
  });

  test("closing gives everything back", async () => {
    const before = openIpcResources();
    const url = newUrl();
    const server = newDomain();
    await server.serve(url, [Who]);
    const client = newDomain();
    await client.getObject(Who, url).name();
    // On Windows they share a completion port.
    expect(openIpcResources()).toBe(before + (onWindows ? 4 : 3));
    await client.close();
    await server.close();
    await expect.poll(() => openIpcResources(), { timeout: 30_000 }).toBe(before);
  });

  test("a process that forgets to close anything ends all the same", async () => {
    const url = newUrl();
    await newDomain().serve(url, [Who]);
    const outcome = await evaluate(`
      const { getObject } = await import(${source});
      console.log((await getObject("${url}/Who").name()).authenticatedBy);`);
    expect(outcome).toEqual({ code: 0, stdout: "operating-system\n", stderr: "" });
  });

  test("works in worker threads; that they are terminated is seen at once", async () => {
    const url = newUrl();
    const server = newDomain();
    await server.serve(url, [Who]);
    const events: string[] = [];
    for (const event of ["connected", "disconnected"] as const) server.on(event, () => events.push(event));
    const workers = Array.from(
      { length: 3 },
      () => new Worker(new URL("./start-worker.js", import.meta.url), { workerData: url, execArgv: [] }),
    );
    await Promise.all(workers.map((worker) => once(worker, "message")));
    await Promise.all(workers.map((worker) => worker.terminate()));
    await vi.waitUntil(() => events.length === 6, { timeout: 30_000 });
    expect(events.filter((event) => event === "disconnected")).toHaveLength(3);
  });

  test.runIf(process.platform === "linux")(
    "threads that are terminated have nothing mapped",
    async () => {
      const url = newUrl();
      await newDomain().serve(url, [Who]);
      const program = JSON.stringify(
        pathToFileURL(join(repository, "test/native/ring/start-worker.js")).href,
      );
      const outcome = await evaluate(`
      import { once } from "node:events";
      import { readFileSync } from "node:fs";
      import { Worker } from "node:worker_threads";
      const mapped = () => readFileSync("/proc/self/maps", "utf8").includes("memfd:remoting");
      const workers = Array.from({ length: 3 }, () =>
        new Worker(new URL(${program}), { workerData: "${url}", execArgv: [] }));
      await Promise.all(workers.map((worker) => once(worker, "message")));
      console.log(mapped());
      await Promise.all(workers.map((worker) => worker.terminate()));
      console.log(mapped());`);
      expect(outcome).toEqual({ code: 0, stdout: "true\nfalse\n", stderr: "" });
    },
    60_000,
  );

  test.runIf(!onWindows)(
    "two processes that share one processor let each other in, however long they may wait busily (Linux: taskset)",
    async () => {
      const url = newUrl();
      const server = JSON.stringify(`
        const { MarshalByRefObject, RemotingDomain, Singleton, shmChannel } = await import(${source});
        class Adder extends MarshalByRefObject { add(a, b) { return a + b; } }
        Singleton("Adder")(Adder);
        const domain = new RemotingDomain();
        domain.registerChannel(shmChannel({ spinMicroseconds: 5000 }));
        await domain.serve("${url}", [Adder]);
        process.on("disconnect", () => process.exit());
        process.on("message", () => process.send(process.cpuUsage()));
        process.send("ready");`);
      const client = `
        const { spawn } = await import("node:child_process");
        const { once } = await import("node:events");
        const { availableParallelism } = await import("node:os");
        const { RemotingDomain, shmChannel } = await import(${source});
        const args = ["--import", ${JSON.stringify(loader)}, "--input-type=module", "--eval", ${server}];
        const server = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
        await once(server, "message");
        const domain = new RemotingDomain();
        domain.registerChannel(shmChannel({ spinMicroseconds: 5000 }));
        const adder = domain.getObject("${url}/Adder");
        const processorTime = async () => {
          const answer = once(server, "message");
          server.send("how long?");
          const times = [process.cpuUsage(), (await answer)[0]];
          return times.reduce((sum, { user, system }) => sum + user + system, 0) / 1000;
        };
        let sum = await adder.add(0, 0);
        let turns = 0;
        const timer = setInterval(() => turns++, 1);
        const before = await processorTime();
        for (let call = 0; call < 3000; call++) sum = await adder.add(sum, 1);
        // Whoever waited to the end of his 5 ms while the other could not run would use 15 s of the processor and more.
        const isFair = (await processorTime()) - before < 7_500;
        clearInterval(timer);
        await domain.close();
        server.disconnect();
        console.log(availableParallelism(), sum, turns > 0, isFair);`;
      const args = ["-c", "0", process.execPath, "--import", loader, "--input-type=module", "--eval", client];
      const outcome = await runProcess("taskset", args, {});
      expect(outcome).toEqual({ code: 0, stdout: "1 3000 true true\n", stderr: "" });
    },
    60_000,
  );

  test("ticks and the event loop get their turn between calls that follow each other", async () => {
    const outcome = await evaluateCaller(
      5000,
      `
      const longest = { tick: 0, immediate: 0 };
      const waiting = { tick: false, immediate: false };
      let call = 0;
      const measure = (schedule, name) => {
        if (waiting[name]) return;
        waiting[name] = true;
        const scheduled = call;
        schedule(() => {
          waiting[name] = false;
          longest[name] = Math.max(longest[name], call - scheduled);
        });
      };
      await who.name();
      while (call++ < 20_000) {
        measure(process.nextTick, "tick");
        measure(setImmediate, "immediate");
        await who.name();
      }
      await domain.close();
      console.log(longest.tick < 16 && longest.immediate <= 64 ? "in time" : JSON.stringify(longest));`,
    );
    expect(outcome).toEqual({ code: 0, stdout: "in time\n", stderr: "" });
  });

  test("what was gathered leaves before this side waits for the peer", async () => {
    const outcome = await evaluateCaller(
      5000,
      `
      await who.name();
      let isInTime = false;
      for (let round = 0; round < 1000 && !isInTime; round++) {
        let isTurnOver = false;
        process.nextTick(() => { isTurnOver = true; });
        // The first two leave at once, the third is gathered; none is answered before all have come.
        await Promise.all([who.meet(3), who.meet(3), who.meet(3)]);
        isInTime = !isTurnOver;
      }
      await domain.close();
      console.log(isInTime ? "in time" : "with the end of the turn");`,
    );
    expect(outcome).toEqual({ code: 0, stdout: "in time\n", stderr: "" });
  });

  test("an idle connection costs no processor time", async () => {
    const outcome = await evaluateCaller(
      50,
      `
      for (let call = 0; call < 2000; call++) await who.name();
      // What the calls have left to do, such as compiling, is over after a while; waiting busily never is.
      let used = Infinity;
      for (let seconds = 0; used >= 30_000 && seconds < 20; seconds++) {
        const before = process.cpuUsage();
        await new Promise((resolve) => setTimeout(resolve, 1000));
        const { user, system } = process.cpuUsage(before);
        used = user + system;
      }
      await domain.close();
      console.log(used < 30_000 ? "idle" : used + " µs in a second");`,
    );
    expect(outcome).toEqual({ code: 0, stdout: "idle\n", stderr: "" });
  });
});
