// No address in the code: remoting.json says where, and REMOTING_CHANNEL overrides it.
// Two domains are as far apart as two processes; that lets one program show both sides.
import { RemotingDomain } from "remoting";
import { Inventory } from "./contract.ts";

await using server = new RemotingDomain();
await server.configure();
const host = await server.serve([Inventory]);
console.log(`serving at ${host.urls}`);

await using client = new RemotingDomain();
await client.configure();
const inventory = client.getObject(Inventory);
console.log(`using ${client.getObjectUri(inventory)}`);
console.log(`${await inventory.take("apples", 5)} apples are left`);
