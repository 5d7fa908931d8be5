// Long computations belong in a worker; with a proxy they look like any other call.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { attachMessagePort, close, getObject } from "remoting";
import { Primes } from "./contract.ts";

const worker = new Worker(new URL("./start-worker.js", import.meta.url));
await once(worker, "message");
attachMessagePort(worker, ["primes"]);

const primes = getObject(Primes, "memory://primes");
let ticks = 0;
const clock = setInterval(() => ticks++, 1);
console.log(`${await primes.count(5_000_000)} primes below 5,000,000`);
clearInterval(clock);
console.log(`this thread ${ticks > 0 ? "went on meanwhile" : "was blocked"}`);

await close();
await worker.terminate();
