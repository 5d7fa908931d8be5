// How fast a channel is, in a second: a taste, not a benchmark. `npm run bench` measures.
import type { Remote, RemotingDomain } from "remoting";
import { Kitchen } from "./contract.ts";

export interface Speed {
  /** The median of calls that are made one after the other. */
  readonly roundTripMicroseconds: number;
  /** With 64 calls under way. */
  readonly callsPerSecond: number;
  /** A megabyte there and back, four under way. */
  readonly megabytesPerSecond: number;
}

const warmUpMilliseconds = 200;
const milliseconds = 400;
const doughBytes = 1024 * 1024;

/** Calls until the time is over, with so many under way, and says how many there were a second. */
async function repeat(inFlight: number, time: number, call: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  let completed = 0;
  const lane = async () => {
    while (performance.now() - began < time) {
      await call();
      completed++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return (completed * 1000) / (performance.now() - began);
}

async function medianOf(call: () => Promise<unknown>): Promise<number> {
  const samples: number[] = [];
  await repeat(1, milliseconds, async () => {
    const began = performance.now();
    await call();
    samples.push(performance.now() - began);
  });
  return samples.sort((a, b) => a - b)[samples.length >> 1] ?? Number.NaN;
}

export async function measureSpeed(domain: RemotingDomain, url: string): Promise<Speed> {
  const kitchen: Remote<Kitchen> = domain.getObject(Kitchen, url);
  const weigh = () => kitchen.weigh(5);
  const dough = Buffer.alloc(doughBytes, "dough");
  const knead = () => kitchen.knead(dough);
  await repeat(64, warmUpMilliseconds, weigh);
  await repeat(4, warmUpMilliseconds, knead);
  return {
    roundTripMicroseconds: (await medianOf(weigh)) * 1000,
    callsPerSecond: await repeat(64, milliseconds, weigh),
    megabytesPerSecond: ((await repeat(4, milliseconds, knead)) * doughBytes) / 1e6,
  };
}
