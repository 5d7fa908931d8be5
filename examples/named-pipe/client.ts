// client.ts: the client of each form
import { NamedPipeClient } from "remoting/ipc";

const name = "\\\\.\\pipe\\HelloWorld";

{
  await using pipe = new NamedPipeClient(name);
  await pipe.connect({ timeout: 10_000 });
  const answer = String(await pipe.transact(Buffer.from("Hello, world")));
  console.log(answer.replace(String(process.pid), "<client>"));
}

{
  await using pipe = new NamedPipeClient(name, { direction: "outbound" });
  await pipe.connect({ timeout: 10_000 });
  for (const line of ["one", "two", ""]) await pipe.write(Buffer.from(line));
  await pipe.waitForPipeDrain();
}

{
  await using pipe = new NamedPipeClient(name, { direction: "inbound" });
  await pipe.connect({ timeout: 10_000 });
  for await (const message of pipe) console.log(`"${message}"`);
}
