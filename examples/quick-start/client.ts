// client.ts: another process that counts with it
import { close, getObject } from "remoting";
import { Counter } from "./contract.ts";

const counter = getObject(Counter, "tcp://127.0.0.1:6100");

console.log(await counter.increment());
console.log(await counter.increment(5));
await counter.countTo(9, (value) => console.log(`counted to ${value}`));

await close();
