// server.ts: the server of the classic samples, in its three forms one after the other
import { NamedPipeServer } from "remoting/ipc";

const name = "\\\\.\\pipe\\HelloWorld";
console.log(`Waiting for a client at ${name}`);

// Duplex, of message type: a request is answered.
{
  await using pipe = new NamedPipeServer(name);
  await pipe.waitForConnection();
  const request = await pipe.readMessage();
  await pipe.write(Buffer.from(`Hello, process ${pipe.peer.processId}, you said "${request}"`));
  await pipe.waitForPipeDrain();
}

// Inbound: the client writes, and this side reads until it closes.
const lines: string[] = [];
{
  await using pipe = new NamedPipeServer(name, { direction: "inbound" });
  await pipe.waitForConnection();
  for await (const line of pipe) lines.push(String(line));
}

// Outbound: this side writes. Each message arrives as one, however soon the next follows.
{
  await using pipe = new NamedPipeServer(name, { direction: "outbound" });
  await pipe.waitForConnection();
  await pipe.write(Buffer.from(`${lines.length} lines came`));
  for (const line of lines) await pipe.write(Buffer.from(line.toUpperCase()));
  await pipe.waitForPipeDrain();
}
