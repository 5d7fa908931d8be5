import { serve } from "remoting";
import { Thermometer } from "./contract.ts";

const host = await serve("tcp://127.0.0.1:6101", [Thermometer]);
console.log(`Serving at ${host.urls}`);
