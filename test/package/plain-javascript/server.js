import { serve } from "remoting";
import { Counter } from "./counter.js";

const host = await serve("tcp://127.0.0.1:0", [Counter]);
console.log(host.urls[0]);
