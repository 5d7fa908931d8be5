/** Events with names: one process says that something has happened, others wait for it. */
import { AbortError } from "remoting";
import { type IpcError, NamedEvent, type NamedEventOptions, openIpcResources } from "remoting/ipc";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { IpcProgram } from "./ipc-program.ts";

let names = 0;

/** A name that no other test has, nor another run of them. */
function newName(): string {
  return `Local\\event-${process.pid}-${++names}`;
}

function create(options: Partial<NamedEventOptions> = {}): NamedEvent {
  const event = NamedEvent.createOrOpen({ name: newName(), ...options });
  onTestFinished(() => event.close());
  return event;
}

async function faultOf(promise: Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error === undefined ? undefined : ((error as IpcError).fault ?? String(error));
}

afterAll(() => {
  expect(openIpcResources()).toBe(0);
});

describe("an event", () => {
  test("that is reset automatically wakes one waiter each time that it is set", async () => {
    const event = create();
    const woken: number[] = [];
    const waits = new Set([0, 1, 2].map((index) => event.wait().then(() => woken.push(index))));
    for (let times = 1; times <= 3; times++) {
      event.set();
      const { wait } = await Promise.race([...waits].map((each) => each.then(() => ({ wait: each }))));
      waits.delete(wait);
      expect(woken).toHaveLength(times);
    }
    expect(await faultOf(event.wait({ timeout: 0 }))).toBe("timeout");
  });

  test("that is set without a waiter lets the next one through, and no more", async () => {
    const event = create();
    event.set();
    event.set();
    await event.wait();
    expect(await faultOf(event.wait({ timeout: 0 }))).toBe("timeout");
  });

  test("that is reset by hand lets everybody through until then", async () => {
    const event = create({ reset: "manual" });
    const waits = [event.wait(), event.wait()];
    event.set();
    await Promise.all([...waits, event.wait()]);
    event.reset();
    expect(await faultOf(event.wait({ timeout: 0 }))).toBe("timeout");
  });

  test("may be set from the start", async () => {
    await create({ signaled: true }).wait({ timeout: 10_000 });
    const manual = create({ signaled: true, reset: "manual" });
    await Promise.all([manual.wait(), manual.wait()]);
  });

  test("is set and waited for in different processes, back and forth", async () => {
    const ping = create();
    const pong = create();
    using other = IpcProgram.start(`
      const ping = NamedEvent.open(${JSON.stringify(ping.name)});
      const pong = NamedEvent.open(${JSON.stringify(pong.name)});
      for (let round = 0; round < 100; round++) {
        await ping.wait();
        pong.set();
      }
      say("done");`);
    for (let round = 0; round < 100; round++) {
      ping.set();
      await pong.wait();
    }
    expect(await other.nextLine()).toBe("done");
  });

  test("keeps what it has when it is opened", async () => {
    const event = create({ reset: "manual", signaled: true });
    const same = create({ name: event.name, reset: "auto", signaled: false });
    expect(same.alreadyExisted).toBe(true);
    await same.wait();
    await event.wait();
  });

  test("loses no signal to a wait that was given up", async () => {
    const event = create();
    for (let round = 0; round < 200; round++) {
      const controller = new AbortController();
      const waiting = event.wait({ signal: controller.signal });
      if (round % 2 === 0) await new Promise(setImmediate);
      event.set();
      controller.abort();
      const got = await waiting.then(
        () => true,
        (error) => {
          expect(error).toBeInstanceOf(AbortError);
          return false;
        },
      );
      if (!got) await event.wait({ timeout: 10_000 });
    }
    expect(await faultOf(event.wait({ timeout: 0 }))).toBe("timeout");
  });

  test("that is closed refuses those who wait, and goes on for others", async () => {
    const name = newName();
    const first = NamedEvent.create({ name });
    const second = create({ name });
    const waiting = faultOf(first.wait());
    first.close();
    first.close();
    expect(await waiting).toBe("closed");
    expect(() => first.set()).toThrow(/closed/);
    expect(await faultOf(first.wait())).toBe("closed");
    second.set();
    await second.wait();
  });

  test("is refused under a name that is taken, missing, or none", () => {
    const event = create();
    expect(() => NamedEvent.create({ name: event.name })).toThrow(/Open it with NamedEvent.open/);
    expect(() => NamedEvent.open(newName())).toThrow(/Nobody has it open/);
    expect(() => NamedEvent.open("Local\\")).toThrow(TypeError);
    // @ts-expect-error: what the compiler refuses is refused at run time, too
    expect(() => NamedEvent.create({ name: newName(), reset: "never" })).toThrow(TypeError);
  });

  test("a process may end while it waits", async () => {
    const event = create();
    using other = IpcProgram.start(`
      void NamedEvent.open(${JSON.stringify(event.name)}).wait();
      setTimeout(() => process.exit(7), 50);`);
    expect(await other.ended()).toBe(7);
  });
});
