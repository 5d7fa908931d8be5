// The one-way part of the tour: what a channel can carry that takes messages and gives no replies.
import { setTimeout as delay } from "node:timers/promises";
import type { RemotingDomain } from "remoting";
import { Bell, Kitchen } from "./contract.ts";

export interface BellReport {
  readonly rung: number;
  readonly arrived: number;
  readonly callsPerSecond: number;
}

const rings = 2_000;
const patienceMilliseconds = 10_000;

/** Rings over a channel without replies, and asks over another one how often the bell was heard. */
export async function ringTheBell(
  domain: RemotingDomain,
  bellUrl: string,
  kitchenUrl: string,
): Promise<BellReport> {
  const bell = domain.getObject(Bell, bellUrl);
  const kitchen = domain.getObject(Kitchen, kitchenUrl);
  const before = await kitchen.countRings();
  const began = performance.now();
  for (let ring = 0; ring < rings; ring++) await bell.ring();
  let arrived = 0;
  while (arrived < rings && performance.now() - began < patienceMilliseconds) {
    arrived = (await kitchen.countRings()) - before;
    if (arrived < rings) await delay(5);
  }
  return { rung: rings, arrived, callsPerSecond: (arrived * 1000) / (performance.now() - began) };
}
