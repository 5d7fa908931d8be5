/** A client that passes functions, or holds objects, as many as it is told. */
import assert from "node:assert/strict";
import { ClientSponsor, type Remote, RemotingDomain, scoped } from "remoting";
import { type PassedReport, type ReferenceReport, Taker, type Token } from "../reference-contract.ts";
import { exitOnUnhandled } from "./exit-on-unhandled.ts";

exitOnUnhandled();
process.on("disconnect", () => process.exit());
const [url = "", task = "", count = ""] = process.argv.slice(2);
const domain = new RemotingDomain();
const taker = domain.getObject(Taker, url);
const held: Remote<Token>[] = [];

/** Each call with a function of its own. */
async function passFunctions(wrap: (closure: () => number) => () => number): Promise<PassedReport> {
  const inFlight = 64;
  const started = performance.now();
  let most = 0;
  for (let sent = 0; sent < Number(count); sent += inFlight) {
    const calls = Array.from({ length: inFlight }, (_, index) => taker.take(wrap(() => sent + index)));
    await Promise.all(calls);
    most = Math.max(most, domain.statistics.lentObjects);
  }
  return {
    most,
    left: domain.statistics.lentObjects,
    milliseconds: Math.round(performance.now() - started),
  };
}

async function hold(): Promise<void> {
  while (held.length < Number(count)) held.push(...(await taker.tokens(1_000)));
}

/** A sponsor for some of what is held. */
async function sponsor(): Promise<void> {
  const clientSponsor = new ClientSponsor();
  for (const token of held.slice(0, 100)) await clientSponsor.register(token);
}

process.on("message", (command) => {
  if (command === "drop") held.length = 0;
  assert(globalThis.gc !== undefined, "it is run with --expose-gc");
  globalThis.gc();
  setImmediate(() => {
    const { lentObjects, borrowedReferences } = domain.statistics;
    const report: ReferenceReport = { lent: lentObjects, borrowed: borrowedReferences };
    process.send?.(report);
  });
});

switch (task) {
  case "pass":
    process.send?.(await passFunctions((closure) => closure));
    break;
  case "pass scoped":
    process.send?.(await passFunctions(scoped));
    break;
  case "hold":
    await hold();
    process.send?.("holding");
    break;
  case "hold and sponsor":
    await hold();
    await sponsor();
    process.send?.("holding");
    break;
  default:
    throw new Error(`unknown task ${task}`);
}
