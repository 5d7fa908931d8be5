/** Mutexes with names: one holder at a time among all processes, and a dead one is told of. */
import { Worker } from "node:worker_threads";
import { AbortError } from "remoting";
import { FileMapping, type IpcError, NamedMutex, openIpcResources } from "remoting/ipc";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { IpcProgram, ipcSource } from "./ipc-program.ts";

let names = 0;

/** A name that no other test has, nor another run of them. */
function newName(): string {
  return `Local\\mutex-${process.pid}-${++names}`;
}

function create(name = newName()): NamedMutex {
  const mutex = NamedMutex.createOrOpen(name);
  onTestFinished(() => mutex.close());
  return mutex;
}

async function faultOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return (error as IpcError | undefined)?.fault ?? String(error);
}

afterAll(() => {
  expect(openIpcResources()).toBe(0);
});

describe("a mutex", () => {
  test("is held by one at a time, in one process too", async () => {
    const first = create();
    const second = create(first.name);
    expect([first.alreadyExisted, second.alreadyExisted]).toEqual([false, true]);
    const hold = await first.acquire();
    expect([first.isHeld, second.isHeld, hold.abandoned]).toEqual([true, false, false]);
    expect(await faultOf(second.acquire({ timeout: 0 }))).toBe("timeout");
    const waiting = second.acquire();
    hold.release();
    hold.release();
    const next = await waiting;
    expect([first.isHeld, second.isHeld]).toEqual([false, true]);
    next.release();
  });

  test("is given to those who wait through one object in their order", async () => {
    const mutex = create();
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        using _hold = await mutex.acquire();
        expect(mutex.isHeld).toBe(true);
        await new Promise(setImmediate);
        order.push(index);
      }),
    );
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  test("excludes other processes: none of 4 × 200 increments is lost", async () => {
    const mutex = create();
    using mapping = FileMapping.create({ name: `${mutex.name}-counter`, size: 4 });
    using view = mapping.createView();
    const programs = Array.from({ length: 4 }, () =>
      IpcProgram.start(`
        const mutex = NamedMutex.open(${JSON.stringify(mutex.name)});
        const view = FileMapping.open(${JSON.stringify(mapping.name)}).createView();
        for (let count = 0; count < 200; count++) {
          const hold = await mutex.acquire();
          const before = view.readInt32(0);
          if (count % 10 === 0) await new Promise(setImmediate);
          view.writeInt32(0, before + 1);
          hold.release();
        }
        say("done");`),
    );
    onTestFinished(() => {
      for (const program of programs) program[Symbol.dispose]();
    });
    for (const program of programs) expect(await program.ended()).toBe(0);
    expect(view.readInt32(0)).toBe(800);
  });

  test("whose holder is killed goes to the next one, who is told, once", async () => {
    const mutex = create();
    using other = IpcProgram.start(`
      globalThis.hold = await NamedMutex.open(${JSON.stringify(mutex.name)}).acquire();
      stay();
      say("held");`);
    expect(await other.nextLine()).toBe("held");
    const waiting = mutex.acquire();
    await other.kill();
    const hold = await waiting;
    expect(hold.abandoned).toBe(true);
    hold.release();
    const again = await mutex.acquire();
    expect(again.abandoned).toBe(false);
    again.release();
  });

  test("whose holder's thread ends is abandoned, too", async () => {
    const mutex = create();
    const worker = new Worker(
      `const { parentPort } = require("node:worker_threads");
       parentPort.on("message", () => {});
       import("tsx/esm/api").then(({ register }) => register()).then(() => import(${ipcSource})).then(async ({ NamedMutex }) => {
         globalThis.mutex = NamedMutex.open(${JSON.stringify(mutex.name)});
         globalThis.hold = await mutex.acquire();
         parentPort.postMessage("held");
       });`,
      { eval: true },
    );
    await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    const waiting = mutex.acquire();
    await worker.terminate();
    const hold = await waiting;
    expect(hold.abandoned).toBe(true);
    hold.release();
  });

  test("is waited for without blocking the event loop, and the wait ends on a signal", async () => {
    const name = newName();
    const holder = create(name);
    const hold = await holder.acquire();
    const controller = new AbortController();
    const waiting = create(name).acquire({ signal: controller.signal });
    let turns = 0;
    for (; turns < 100; turns++) await new Promise(setImmediate);
    controller.abort(new Error("no more"));
    const error: unknown = await waiting.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AbortError);
    expect(error).toMatchObject({ cause: new Error("no more") });
    expect(await faultOf(create(name).acquire({ signal: AbortSignal.abort() }))).toContain("AbortError");
    hold.release();
    // Whoever has given up holds nothing.
    const next = await create(name).acquire({ timeout: 10_000 });
    next.release();
  });

  test("that is given up while it is released is not lost", async () => {
    const name = newName();
    const holder = create(name);
    const other = create(name);
    for (let round = 0; round < 200; round++) {
      const hold = await holder.acquire();
      const controller = new AbortController();
      const waiting = other.acquire({ signal: controller.signal });
      if (round % 2 === 0) await new Promise(setImmediate);
      hold.release();
      controller.abort();
      await waiting.then(
        (got) => got.release(),
        (error) => expect(error).toBeInstanceOf(AbortError),
      );
    }
    const last = await create(name).acquire({ timeout: 10_000 });
    last.release();
  });

  test("that is closed is released, and refuses those who wait", async () => {
    const name = newName();
    const first = NamedMutex.create(name);
    const second = NamedMutex.open(name);
    await first.acquire();
    const waiting = Promise.all([faultOf(second.acquire()), faultOf(second.acquire())]);
    second.close();
    expect(await waiting).toEqual(["closed", "closed"]);
    const third = create(name);
    const got = third.acquire();
    first.close();
    first.close();
    const hold = await got;
    expect(hold.abandoned).toBe(false);
    hold.release();
    expect(await faultOf(first.acquire())).toBe("closed");
  });

  test("is created once, opened only if it is there, and gone with its last holder", () => {
    const name = newName();
    const faultOfSync = (action: () => unknown) => {
      try {
        action();
      } catch (error) {
        return (error as IpcError).fault;
      }
      return undefined;
    };
    expect(faultOfSync(() => NamedMutex.open(name))).toBe("not-found");
    const mutex = NamedMutex.create(name);
    expect(faultOfSync(() => NamedMutex.create(name))).toBe("in-use");
    mutex.close();
    expect(faultOfSync(() => NamedMutex.open(name))).toBe("not-found");
    expect(() => NamedMutex.create("a\\b")).toThrow(TypeError);
  });

  test("a process may end while it waits and while it holds", async () => {
    const mutex = create();
    const hold = await mutex.acquire();
    using other = IpcProgram.start(`
      const held = NamedMutex.create(${JSON.stringify(newName())});
      await held.acquire();
      void NamedMutex.open(${JSON.stringify(mutex.name)}).acquire();
      setTimeout(() => process.exit(7), 50);`);
    expect(await other.ended()).toBe(7);
    hold.release();
  });
});
