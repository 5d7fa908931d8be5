// server.ts: where the counter lives
import { serve } from "remoting";
import { Counter } from "./contract.ts";

const host = await serve("tcp://127.0.0.1:6100", [Counter]);
console.log(`Serving at ${host.urls}`);
