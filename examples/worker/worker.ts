import { parentPort } from "node:worker_threads";
import { attachMessagePort, serve } from "remoting";
import { Primes } from "./contract.ts";

if (parentPort === null) throw new Error("worker.ts is started by main.ts");
attachMessagePort(parentPort);
await serve("memory://primes", [Primes]);
parentPort.postMessage("ready");
