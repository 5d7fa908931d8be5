import { setTimeout as wait } from "node:timers/promises";
import { ClientSponsor, close, createInstance, getLifetimeService, ObjectDisconnectedError } from "remoting";
import { Desk } from "./contract.ts";

const desk = await createInstance(Desk, "tcp://127.0.0.1:6105", "Ada");
const lease = await getLifetimeService(desk);
console.log(`the lease is ${await lease?.currentState()}, for ${await lease?.initialLeaseTime()} ms`);

// A sponsor is asked whenever the lease has run out, and keeps the desk without using it.
const sponsor = new ClientSponsor(2_000);
await sponsor.register(desk);
await wait(6_000);
console.log(await desk.write("after six idle seconds"));

// Without it nobody asks for more.
await sponsor.close();
while ((await lease?.currentState()) !== "Expired") await wait(100);
try {
  await desk.write("too late");
} catch (error) {
  if (error instanceof ObjectDisconnectedError) console.log("the desk is gone");
}

await close();
