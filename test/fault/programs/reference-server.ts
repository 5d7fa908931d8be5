/** A server that tells what it holds, after collecting garbage if it is told to. */
import assert from "node:assert/strict";
import { RemotingDomain } from "remoting";
import { type ReferenceReport, Taker, Token } from "../reference-contract.ts";
import { exitOnUnhandled } from "./exit-on-unhandled.ts";

exitOnUnhandled();
process.on("disconnect", () => process.exit());
const domain = new RemotingDomain();
const host = await domain.serve("tcp://127.0.0.1:0", [Taker, Token]);
process.on("message", (command) => {
  assert(globalThis.gc !== undefined, "it is run with --expose-gc");
  if (command === "collect") globalThis.gc();
  // What was collected is told in a task of its own.
  setImmediate(() => {
    const { lentObjects, borrowedReferences } = domain.statistics;
    const report: ReferenceReport = { lent: lentObjects, borrowed: borrowedReferences };
    process.send?.(report);
  });
});
process.send?.(host.urls[0]);
