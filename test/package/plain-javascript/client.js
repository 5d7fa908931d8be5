import { close, getObject } from "remoting";
import { Counter } from "./counter.js";

const counter = getObject(Counter, process.argv[2]);
console.log(await counter.increment(), await counter.increment(2));
console.log(await counter.reset(), await counter.increment());
await close();
