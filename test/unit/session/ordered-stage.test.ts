import { describe, expect, test } from "vitest";
import { OrderedStage } from "../../../src/session/ordered-stage.ts";

interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

function deferred<T>(): Deferred<T> {
  let resolve: Deferred<T>["resolve"] = () => {};
  let reject: Deferred<T>["reject"] = () => {};
  const promise = new Promise<T>((accept, refuse) => {
    resolve = accept;
    reject = refuse;
  });
  return { promise, resolve, reject };
}

describe("OrderedStage", () => {
  test("synchronous jobs are concluded at once", () => {
    const stage = new OrderedStage();
    const log: string[] = [];
    stage.run(
      () => "first",
      (result) => log.push(result),
      () => log.push("failed"),
    );
    stage.run(
      () => {
        throw new Error("second");
      },
      () => log.push("concluded"),
      (error) => log.push(String(error)),
    );
    expect(log).toEqual(["first", "Error: second"]);
  });

  test("jobs start at once and are concluded in order, whatever order they end in", async () => {
    const stage = new OrderedStage();
    const jobs = Array.from({ length: 5 }, () => deferred<number>());
    const log: string[] = [];
    const last = deferred<undefined>();
    for (const [index, job] of jobs.entries()) {
      stage.run(
        () => {
          log.push(`started ${index}`);
          return job.promise;
        },
        (result) => log.push(`concluded ${result}`),
        (error) => log.push(`failed ${String(error)}`),
      );
    }
    stage.run(
      () => "synchronous",
      (result) => log.push(result),
      () => {},
    );
    stage.run(
      () => {
        throw new Error("at once");
      },
      () => {},
      (error) => {
        log.push(String(error));
        last.resolve(undefined);
      },
    );
    expect(log).toEqual(["started 0", "started 1", "started 2", "started 3", "started 4"]);
    for (const [index, job] of [...jobs.entries()].reverse()) {
      if (index === 2) job.reject("2");
      else job.resolve(index);
    }
    await last.promise;
    expect(log.slice(5)).toEqual([
      "concluded 0",
      "concluded 1",
      "failed 2",
      "concluded 3",
      "concluded 4",
      "synchronous",
      "Error: at once",
    ]);
  });

  test("is synchronous again when everything was concluded", async () => {
    const stage = new OrderedStage();
    const concluded = deferred<undefined>();
    stage.run(
      async () => 1,
      () => concluded.resolve(undefined),
      () => {},
    );
    await concluded.promise;
    // The stage hears of its own end a few microtasks after its last conclusion.
    await new Promise<void>((resolve) => setImmediate(resolve));
    const log: number[] = [];
    stage.run(
      () => 2,
      (result) => log.push(result),
      () => {},
    );
    expect(log).toEqual([2]);
  });

  test("a conclusion may run another job", async () => {
    const stage = new OrderedStage();
    const log: string[] = [];
    const done = deferred<undefined>();
    stage.run(
      async () => "outer",
      (result) => {
        log.push(result);
        stage.run(
          () => "inner",
          (inner) => {
            log.push(inner);
            done.resolve(undefined);
          },
          () => {},
        );
      },
      () => {},
    );
    await done.promise;
    expect(log).toEqual(["outer", "inner"]);
  });
});
