// Puts the two sinks into a channel. Whoever serves or calls Settings never learns of them.
import { RemotingDomain, tcpChannel } from "remoting";
import { checksum } from "./checksum-sink.ts";
import { Settings } from "./contract.ts";
import { readOnly } from "./read-only-sink.ts";

let checked = 0;
const channelSinks = [checksum(() => checked++)];

await using server = new RemotingDomain();
server.registerChannel(tcpChannel({ channelSinks, messageSinks: [readOnly("get", "list")] }));
const host = await server.serve("tcp://127.0.0.1:0", [Settings]);

await using client = new RemotingDomain();
client.registerChannel(tcpChannel({ channelSinks }));
const settings = client.getObject(Settings, host.urls[0]);

console.log(await settings.getValue("theme"));
await settings.setValue("theme", "light").catch((error: unknown) => console.log(String(error)));
console.log(await settings.getValue("theme"));
console.log(`${checked} checksums were right`);
