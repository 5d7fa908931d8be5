import { close, configure, getObject } from "remoting";
import { Thesaurus } from "./contract.ts";

await configure(process.env.CONFIGURATION ?? "tcp.json");
console.log(`quick: ${(await getObject(Thesaurus).synonymsOf("quick")).join(", ")}`);
await close();
