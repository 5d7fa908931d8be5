// npm run bench:ipc: messages a second of the classes of remoting/ipc, beside a C program that does the same system
// calls (floor.c). Rounds are interleaved, so that what is compared was measured within seconds of each other.

import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { MailslotClient, MailslotServer, NamedPipeClient } from "remoting/ipc";
import { answersOf, type Measurement, messageSize, nameOf } from "./measurement.ts";

const rounds = 9;

/** Writes under way at the same time: enough that a writer never waits for its own promises. */
const inFlight = 64;

const measurements: readonly Measurement[] = [
  { kind: "pipe", mode: "stream", messages: 100_000 },
  { kind: "pipe", mode: "round-trips", messages: 10_000 },
  { kind: "mailslot", mode: "stream", messages: 100_000 },
];

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const floor = here("../dist/ipc-floor");

const measureFloor = ({ kind, mode, messages }: Measurement): number =>
  Number(execFileSync(floor, [kind, mode, String(messages)], { encoding: "utf8" }));

const sendAll = async (write: (message: Buffer) => Promise<unknown>, messages: number): Promise<void> => {
  const message = Buffer.alloc(messageSize, "x");
  let left = messages;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await write(message);
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
};

/** Returns the seconds that it took. */
const measurePipe = async ({ mode, messages }: Measurement): Promise<number> => {
  await using pipe = new NamedPipeClient(nameOf(process.pid));
  await pipe.connect({ timeout: 10_000 });
  const begin = performance.now();
  if (mode === "stream") {
    await sendAll((message) => pipe.write(message), messages);
  } else {
    const message = Buffer.alloc(messageSize, "x");
    for (let left = messages; left > 0; left--) await pipe.transact(message);
  }
  await pipe.readMessage();
  return (performance.now() - begin) / 1000;
};

const measureMailslot = async ({ messages }: Measurement, answers: MailslotServer): Promise<number> => {
  await using slot = new MailslotClient(nameOf(process.pid));
  const begin = performance.now();
  await sendAll((message) => slot.write(message), messages);
  await answers.read();
  return (performance.now() - begin) / 1000;
};

const measureClasses = async (measurement: Measurement): Promise<number> => {
  await using answers = new MailslotServer(answersOf(process.pid));
  const reader = fork(here("./reader.ts"), [JSON.stringify(measurement)]);
  await once(reader, "message");
  const seconds =
    measurement.kind === "pipe"
      ? await measurePipe(measurement)
      : await measureMailslot(measurement, answers);
  if (reader.exitCode === null) await once(reader, "exit");
  return measurement.messages / seconds;
};

const median = (samples: number[]): number =>
  samples.sort((a, b) => a - b)[samples.length >> 1] ?? Number.NaN;

mkdirSync(here("../dist"), { recursive: true });
execFileSync(process.env.CC ?? "cc", ["-O2", "-Wall", "-Wextra", "-o", floor, here("./floor.c")], {
  stdio: "inherit",
});

console.log(`messages of ${messageSize} bytes, medians of ${rounds} interleaved rounds`);
for (const measurement of measurements) {
  const floors: number[] = [];
  const classes: number[] = [];
  for (let round = 0; round < rounds; round++) {
    floors.push(measureFloor(measurement));
    classes.push(await measureClasses(measurement));
  }
  const best = median(floors);
  const ours = median(classes);
  const format = (perSecond: number): string => Math.round(perSecond).toLocaleString("en").padStart(11);
  console.log(
    `${`${measurement.kind}, ${measurement.mode}`.padEnd(20)} C ${format(best)}/s   classes ${format(ours)}/s   ${(ours / best).toFixed(2)}`,
  );
}
