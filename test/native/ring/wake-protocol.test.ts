/**
 * How two processes sleep and wake each other, in every order: nobody sleeps for ever. The programs are those of
 * native/ring/ring.h and ring_endpoint.cc, one instruction for each access to shared memory. A ring has room for one
 * byte here, so that writers have to wait too.
 */
import { describe, expect, test } from "vitest";
import { explore, type Instruction, type Program } from "./interleavings.ts";

const capacity = 1;

/** What can be left out or weakened. Each must be found out. */
interface Protocol {
  /** `written.store` is sequentially consistent: nothing after it is done before others see it. */
  readonly writtenFenced: boolean;
  readonly readerSleepsFenced: boolean;
  readonly consumedFenced: boolean;
  readonly writerSleepsFenced: boolean;
  /** Who wants to sleep looks again after having said so. */
  readonly readerLooksAgain: boolean;
  readonly writerLooksAgain: boolean;
  /** The flag of who sleeps is cleared before it is woken, not afterwards. */
  readonly clearsBeforeRinging: boolean;
  /** Who could not write all of it says that it waits for room. */
  readonly writerSleeps: boolean;
}

const protocol: Protocol = {
  writtenFenced: true,
  readerSleepsFenced: true,
  consumedFenced: true,
  writerSleepsFenced: true,
  readerLooksAgain: true,
  writerLooksAgain: true,
  clearsBeforeRinging: true,
  writerSleeps: true,
};

const always = () => true;

/** Wakes the other one if it has said that it sleeps. `name` makes the labels unique. */
function wake(flag: string, whose: number, name: string, how: Protocol): Instruction[] {
  const done: Instruction = { op: "label", name };
  const looks: Instruction[] = [
    { op: "load", from: flag, into: "flag" },
    { op: "jump", to: name, when: ({ flag = 0 }) => flag === 0 },
  ];
  return how.clearsBeforeRinging
    ? [
        ...looks,
        { op: "exchange", at: flag, value: () => 0, into: "flag" },
        { op: "jump", to: name, when: ({ flag = 0 }) => flag === 0 },
        { op: "ring", whose },
        done,
      ]
    : [...looks, { op: "ring", whose }, { op: "store", to: flag, value: () => 0, fenced: true }, done];
}

/**
 * One process: writes `toWrite` bytes to the ring `out`, reads `toRead` from the ring `in`, and sleeps when it can do
 * neither, as RingEndpoint::Receive does.
 */
function endpoint(
  other: number,
  rings: { readonly out: string; readonly in: string },
  toWrite: number,
  toRead: number,
  how: Protocol,
): Program {
  const isFull = ({ written = 0, consumed = 0 }) => written - consumed === capacity;
  const hasWritten = ({ written = 0 }) => written === toWrite;
  return [
    { op: "label", name: "again" },
    // RingReader::Read, and Release
    { op: "load", from: `${rings.in}.written`, into: "available" },
    { op: "jump", to: "write", when: ({ available = 0, position = 0 }) => available === position },
    { op: "set", into: "position", value: ({ position = 0 }) => position + 1 },
    {
      op: "store",
      to: `${rings.in}.consumed`,
      value: ({ position = 0 }) => position,
      fenced: how.consumedFenced,
    },
    ...wake(`${rings.in}.writerSleeps`, other, "consumed", how),
    { op: "jump", to: "again", when: always },
    // RingWriter::Write, and Publish
    { op: "label", name: "write" },
    { op: "jump", to: "sleep", when: hasWritten },
    { op: "load", from: `${rings.out}.consumed`, into: "consumed" },
    { op: "jump", to: "sleep", when: isFull },
    { op: "set", into: "written", value: ({ written = 0 }) => written + 1 },
    {
      op: "store",
      to: `${rings.out}.written`,
      value: ({ written = 0 }) => written,
      fenced: how.writtenFenced,
    },
    ...wake(`${rings.out}.readerSleeps`, other, "published", how),
    { op: "jump", to: "again", when: always },
    // RingEndpoint::Sleep
    { op: "label", name: "sleep" },
    {
      op: "jump",
      to: "end",
      when: (registers) => hasWritten(registers) && (registers.position ?? 0) === toRead,
    },
    { op: "store", to: `${rings.in}.readerSleeps`, value: () => 1, fenced: how.readerSleepsFenced },
    ...(how.readerLooksAgain
      ? ([
          { op: "load", from: `${rings.in}.written`, into: "available" },
          { op: "jump", to: "wake", when: ({ available = 0, position = 0 }) => available !== position },
        ] satisfies Instruction[])
      : []),
    { op: "jump", to: "wait", when: (registers) => hasWritten(registers) || !how.writerSleeps },
    { op: "store", to: `${rings.out}.writerSleeps`, value: () => 1, fenced: how.writerSleepsFenced },
    ...(how.writerLooksAgain
      ? ([
          { op: "load", from: `${rings.out}.consumed`, into: "consumed" },
          { op: "jump", to: "wake", when: (registers) => !isFull(registers) },
        ] satisfies Instruction[])
      : []),
    { op: "label", name: "wait" },
    { op: "wait" },
    // Wake: relaxed stores
    { op: "label", name: "wake" },
    { op: "store", to: `${rings.in}.readerSleeps`, value: () => 0, fenced: false },
    { op: "jump", to: "again", when: hasWritten },
    { op: "store", to: `${rings.out}.writerSleeps`, value: () => 0, fenced: false },
    { op: "jump", to: "again", when: always },
    { op: "label", name: "end" },
    { op: "end" },
  ];
}

/** One writes to the other. */
function oneWay(how: Protocol, bytes: number): readonly Program[] {
  return [
    endpoint(1, { out: "ring", in: "back" }, bytes, 0, how),
    endpoint(0, { out: "back", in: "ring" }, 0, bytes, how),
  ];
}

/** Both write to each other, and have one bell each for everything. */
function bothWays(how: Protocol, bytes: number): readonly Program[] {
  return [
    endpoint(1, { out: "ring", in: "back" }, bytes, bytes, how),
    endpoint(0, { out: "back", in: "ring" }, bytes, bytes, how),
  ];
}

const limit = 3_000_000;

describe("sleeping and waking, in every order", () => {
  test("three bytes in one direction: nobody sleeps for ever", () => {
    const { states, stuck } = explore(oneWay(protocol, 3), limit);
    expect(stuck).toBe(0);
    expect(states).toBeGreaterThan(1_000);
  });

  test("bytes in both directions at once: nobody sleeps for ever", () => {
    const { states, stuck } = explore(bothWays(protocol, 2), limit);
    expect(stuck).toBe(0);
    expect(states).toBeGreaterThan(10_000);
  }, 240_000);

  const weakened = {
    "the reader sleeps without looking again": { readerLooksAgain: false },
    "the writer sleeps without looking again": { writerLooksAgain: false },
    "the reader's flag is not fenced": { readerSleepsFenced: false },
    "the writer's flag is not fenced": { writerSleepsFenced: false },
    "what was written is not fenced": { writtenFenced: false },
    "what was consumed is not fenced": { consumedFenced: false },
    "the flag is cleared after ringing": { clearsBeforeRinging: false },
    "the writer does not say that it sleeps": { writerSleeps: false },
  } satisfies Record<string, Partial<Protocol>>;

  test.each(Object.entries(weakened))(
    "%s: a wake-up is lost, and that is found",
    (_, change) => {
      expect(explore(oneWay({ ...protocol, ...change }, 2), limit, true).stuck).toBeGreaterThan(0);
    },
    60_000,
  );
});
