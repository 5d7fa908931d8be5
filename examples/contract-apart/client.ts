import { close, getObject } from "remoting";
// Erased by the compiler: no line of the contract, and none of the implementation, is loaded here.
import type { Weather } from "./contract.ts";

const weather = getObject<Weather>("tcp://127.0.0.1:6103/Weather");
console.log(await weather.forecast("Lisbon"));

await close();
