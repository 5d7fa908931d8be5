// Neither side names an address, a channel or a formatter: a file does, and which one is said when it is started.
import { configure, serve } from "remoting";
import { Thesaurus } from "./contract.ts";

await configure(process.env.CONFIGURATION ?? "tcp.json");
const host = await serve([Thesaurus]);
console.log(`serving at ${host.urls}`);
