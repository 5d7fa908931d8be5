/**
 * Methods that fail in every way there is, in a process that ends at the first error that nobody handles: each call
 * settles once with an error that says what happened, and the connection serves the next one as if nothing had been.
 */
import assert from "node:assert/strict";
import { type Remote, RemotingDomain, RemotingError } from "remoting";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Holdings, returnsToBaseline } from "./baseline.ts";
import { Target } from "./contract.ts";
import {
  Failing,
  FailingConstructor,
  FailingCreation,
  FailingDisposal,
  failingThenables,
  thenables,
  thrownThings,
  unsendableThings,
} from "./failures.ts";
import { printFigures } from "./figures.ts";
import { Journal, ServerProcess } from "./server-process.ts";
import { Victim } from "./victim.ts";
import { within } from "./within.ts";

const patience = 15_000;

let journal: Journal;
let server: ServerProcess;
let domain: RemotingDomain;
let failing: Remote<Failing>;
let before: Holdings;
let lost = 0;
let failures = 0;

beforeAll(async () => {
  journal = await Journal.create();
  server = await ServerProcess.start({ journal: journal.path });
  await server.listen();
  domain = new RemotingDomain();
  domain.on("disconnected", () => void lost++);
  failing = domain.getObject(Failing, server.url);
  await failing.fine(1);
  before = await domain.getObject(Victim, server.url).holdings();
});

afterEach(async () => {
  assert.equal(await within(patience, failing.fine(failures), "a call after a failure"), failures);
  expect(lost).toBe(0);
});

afterAll(async () => {
  const grown = await returnsToBaseline(
    before,
    () => domain.getObject(Victim, server.url).holdings(),
    // msgpackr keeps the memory of its largest text for the next one, once for a process: here six times 20 MiB.
    160 * 1024 * 1024,
  );
  expect(domain.statistics).toMatchObject({ connections: 1, outgoingCalls: 0, incomingCalls: 0 });
  printFigures("failing methods", { failures, "growth MiB": grown / 1024 / 1024 });
  await domain?.close();
  await server?.stop();
  await journal?.remove();
});

/** What a call that must fail fails with. */
async function failureOf(call: PromiseLike<unknown>): Promise<Error> {
  failures++;
  const outcome = await within(
    patience,
    call.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    ),
    "the failure",
  );
  assert("error" in outcome, "the call has not failed");
  const { error } = outcome;
  assert(error instanceof Error, "what a call rejects with must be an error");
  // It can be printed, whatever the method threw.
  expect(typeof error.message).toBe("string");
  expect(typeof error.name).toBe("string");
  return error;
}

describe.each(Object.keys(thrownThings))("a method throws %s", (name) => {
  test.each(["throwNow", "throwLater"] as const)("%s", async (method) => {
    const error = await failureOf(failing[method](name));
    if (error instanceof RemotingError) expect(error.mayHaveExecuted).toBe(true);
  });

  test("in a one-way call, which nobody hears but the server's domain", async () => {
    const target = domain.getObject(Target, server.url);
    const { unobservedErrors } = await target.vitals();
    failures++;
    await failing.throwUnheard(name);
    expect((await target.vitals()).unobservedErrors).toBe(unobservedErrors + 1);
  });

  test("in a callback", async () => {
    failures++;
    const callback = (thing: string): Promise<unknown> => Promise.reject(thrownThings[thing]?.());
    const said = await within(patience, failing.callBack(callback, name), "the method that calls back");
    expect(said).not.toBe("nothing was thrown");
  });
});

describe.each(Object.keys(unsendableThings))("a method returns %s", (name) => {
  test.each(["returnNow", "returnLater"] as const)("%s", async (method) => {
    const error = await failureOf(failing[method](name));
    assert(error instanceof RemotingError, `${error.name}: ${error.message}`);
    // It ran: only its result is lost.
    expect(error.mayHaveExecuted).toBe(true);
  });
});

describe("a method returns something that has a then", () => {
  test.each(Object.keys(thenables))("which %s", async (name) => {
    failures++;
    expect(await within(patience, failing.returnThenable(name), "the answer")).toBe("answer");
  });

  test.each(Object.keys(failingThenables))("which %s", async (name) => {
    const error = await failureOf(failing.returnThenable(name));
    if (error instanceof RemotingError) expect(error.mayHaveExecuted).toBe(true);
  });
});

describe("around a method", () => {
  test("a constructor that throws", async () => {
    await failureOf(domain.getObject(FailingConstructor, server.url).fine());
  });

  test("a factory that throws what is no error", async () => {
    await failureOf(domain.createInstance(FailingCreation, server.url));
  });

  test("a disposal that throws: the call has its result, and the server's domain the error", async () => {
    const target = domain.getObject(Target, server.url);
    const { unobservedErrors } = await target.vitals();
    failures++;
    expect(await domain.getObject(FailingDisposal, server.url).fine()).toBe("fine");
    const reported = async () => {
      while ((await target.vitals()).unobservedErrors === unobservedErrors) await target.wait(5);
    };
    await within(patience, reported(), "the error of the disposal");
  });
});
