/**
 * What a process and its domain hold, to be compared with what they held before: whatever has happened in between,
 * nothing of it may stay.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { DomainStatistics, RemotingDomain } from "remoting";

/** One moment of a process. */
export interface Holdings {
  /** Pending calls, references and connections of the domains that are looked at. */
  readonly statistics: DomainStatistics;
  /** Open files and sockets; -1 where the system does not tell. */
  readonly descriptors: number;
  /** Sockets, servers and timers that would keep the process running, by their kind. */
  readonly resources: Readonly<Record<string, number>>;
  /** Bytes in use after a garbage collection: the heap and everything outside it. */
  readonly usedBytes: number;
}

/** Collects garbage, also in processes that were not started with `--expose-gc`. */
export const collectGarbage: () => void = (() => {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
})();

/** Kinds that come and go with what the process does at the moment of looking, and standard streams, opened when first used. */
const fleeting = /^(?:PipeWrap|Immediate|TickObject|FS|.*ReqWrap|.*Wrap_Req|CloseReq)/;

/** Looks at this process. */
export function holdings(...domains: readonly RemotingDomain[]): Holdings {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    if (!fleeting.test(kind)) resources[kind] = (resources[kind] ?? 0) + 1;
  }
  return {
    statistics: addStatistics(domains),
    descriptors: countDescriptors(),
    resources,
    usedBytes: heapUsed + external,
  };
}

function addStatistics(domains: readonly RemotingDomain[]): DomainStatistics {
  const sum = {
    connections: 0,
    outgoingCalls: 0,
    incomingCalls: 0,
    lentObjects: 0,
    borrowedReferences: 0,
    queuedBytes: 0,
  };
  for (const { statistics } of domains) {
    for (const name of Object.keys(sum) as (keyof DomainStatistics)[]) sum[name] += statistics[name];
  }
  return sum;
}

function countDescriptors(): number {
  try {
    // One of them is that of the listing itself.
    return readdirSync("/proc/self/fd").length - 1;
  } catch {
    return -1;
  }
}

/** Allows what a process keeps for good when it first does something: compiled code, pools, caches. */
export const allowedGrowth = 8 * 1024 * 1024;

/** In which everything has to be given back. Long, for busy machines; what takes longer stays for ever. */
const patience = 20_000;

/**
 * Waits until nothing is held that was not held before.
 *
 * @param read Looks at the process in question.
 * @returns How many bytes more are in use than before.
 * @throws AssertionError that compares the two if it does not come to that.
 */
export async function returnsToBaseline(
  before: Holdings,
  read: () => Holdings | PromiseLike<Holdings>,
  growth = allowedGrowth,
): Promise<number> {
  const end = performance.now() + patience;
  for (;;) {
    // What this process no longer uses of others' is given back when it is collected.
    collectGarbage();
    const now = await read();
    const grown = now.usedBytes - before.usedBytes;
    const isBack = JSON.stringify(comparable(now)) === JSON.stringify(comparable(before)) && grown <= growth;
    if (isBack) return grown;
    if (performance.now() > end) {
      assert.deepEqual(comparable(now), comparable(before), "something is still held");
      assert(grown <= growth, `${grown} bytes more are in use than before, where ${growth} are allowed`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function comparable({ statistics, descriptors, resources }: Holdings) {
  return { statistics, descriptors, resources: Object.fromEntries(Object.entries(resources).sort()) };
}
