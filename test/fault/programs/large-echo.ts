/** Echoes 64 KiB over tcp within one process, and counts how often the system had to provide memory for it. */
import { MarshalByRefObject, RemotingDomain, Singleton } from "remoting";

@Singleton("Echo")
class Echo extends MarshalByRefObject {
  echo(bytes: Uint8Array): Uint8Array {
    return bytes;
  }
}

process.on("disconnect", () => process.exit());
const calls = 4000;
const server = new RemotingDomain();
const { urls } = await server.serve("tcp://127.0.0.1:0", [Echo]);
const client = new RemotingDomain();
const echo = client.getObject(Echo, `${urls[0]}/Echo`);
const bytes = Buffer.alloc(64 * 1024, 1);

async function echoMany(): Promise<void> {
  for (let call = 0; call < calls; call += 4) {
    await Promise.all([echo.echo(bytes), echo.echo(bytes), echo.echo(bytes), echo.echo(bytes)]);
  }
}

// Until the heap has its size, and garbage has been collected several times.
await echoMany();
const before = process.resourceUsage().minorPageFault;
await echoMany();
const faults = (process.resourceUsage().minorPageFault - before) / calls;
await client.close();
await server.close();
process.send?.(faults, () => process.disconnect());
