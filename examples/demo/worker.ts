// The worker thread of `npm run demo -- --all`.
import { parentPort } from "node:worker_threads";
import { attachMessagePort } from "remoting";
import { openPizzeria } from "./open-pizzeria.ts";

if (parentPort === null) throw new Error("worker.ts is started by servers.ts");
attachMessagePort(parentPort);
await openPizzeria(["memory://worker"]);
parentPort.postMessage("ready");
