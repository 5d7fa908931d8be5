// The other side of worker-threads: answers what is posted to it.

import { parentPort } from "node:worker_threads";
import type { Call } from "./messages.ts";

parentPort?.on("message", ({ id, method, args }: Call) => {
  parentPort?.postMessage({ id, result: method === "add" ? Number(args[0]) + Number(args[1]) : args[0] });
});
