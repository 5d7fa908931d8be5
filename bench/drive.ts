// Keeps a given number of calls under way for a bounded time and count, and says how many were completed.

// The global of that name is a getter: with it the clock costs 0.07 us more a call, where a call takes 3.
import { performance } from "node:perf_hooks";
import { isDeepStrictEqual } from "node:util";
import type { Connection } from "./contender.ts";
import { order } from "./order.ts";
import type { Load, LoadResult } from "./protocol.ts";

const maximumCalls = 5_000_000;
const maximumSamples = 200_000;

/** Deterministic bytes that no encoding can shorten by accident. */
export const binaryOf = (length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  for (let index = 0, state = 1; index < length; index++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
};

const median = (samples: Float64Array): number => samples.sort()[samples.length >> 1] ?? Number.NaN;

const wrong = (what: string): never => {
  throw new Error(`${what} gave a wrong result`);
};

interface Repeated {
  call(index: number): Promise<unknown>;
  /** Each result is looked at, as an application would. */
  isRight(result: unknown, index: number): boolean;
}

const repeatedOf = (connection: Connection, load: Load): Repeated => {
  if (load.operation === "add") {
    return {
      call: (index) => connection.add(index & 0xffff, 1),
      isRight: (result, index) => result === (index & 0xffff) + 1,
    };
  }
  if (load.operation === "echo") {
    return {
      call: () => connection.echo(order),
      isRight: (result) => (result as typeof order).revision === order.revision,
    };
  }
  const bytes = binaryOf(load.payloadBytes);
  return {
    call: () => connection.echoBinary(bytes),
    isRight: (result) => (result as Uint8Array).length === bytes.length,
  };
};

export const drive = async (connection: Connection, load: Load): Promise<LoadResult> => {
  const repeated = repeatedOf(connection, load);
  const samples = load.inFlight === 1 ? new Float64Array(maximumSamples) : undefined;
  const begin = performance.now();
  const deadline = begin + load.milliseconds;
  let started = 0;
  let completed = 0;
  let now = begin;
  const lane = async (): Promise<void> => {
    while (now < deadline && started < maximumCalls) {
      const index = started++;
      const before = now;
      if (!repeated.isRight(await repeated.call(index), index)) wrong(load.operation);
      now = performance.now();
      if (samples !== undefined && completed < maximumSamples) samples[completed] = now - before;
      completed++;
    }
  };
  await Promise.all(Array.from({ length: load.inFlight }, lane));
  const callsPerSecond = (completed * 1000) / (now - begin);
  if (samples === undefined) return { callsPerSecond };
  return { callsPerSecond, medianMicroseconds: median(samples.subarray(0, completed)) * 1000 };
};

/** Every operation once, compared in full: a contender that is fast and wrong is not measured. */
export const verify = async (connection: Connection): Promise<void> => {
  if ((await connection.add(19, 23)) !== 42) wrong("add");
  const echoed = await connection.echo(order);
  if (!isDeepStrictEqual(JSON.parse(JSON.stringify(echoed)), order)) wrong("echo");
  for (const length of [0, 1, 1000, 64 * 1024, 1024 * 1024]) {
    const bytes = binaryOf(length);
    if (!bytes.equals(await connection.echoBinary(bytes))) wrong(`echoBinary of ${length} bytes`);
  }
};
