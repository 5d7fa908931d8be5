/**
 * A process at one end of a pipe, for tests that end it. `serve name`: answers each message with itself. `flood name`:
 * writes messages of all sizes for ever, and reads what comes. `hold name`: exits with everything open and pending.
 * `race name marker count`: makes the pipe as often as it can, and looks whether anybody else has it too.
 */
import { mkdirSync, rmdirSync } from "node:fs";
import { IpcError, NamedPipeClient, NamedPipeServer } from "../../../src/ipc.ts";
import { endWithParent } from "./end-with-parent.ts";

endWithParent();

const [mode = "", name = "", marker = "", count = "0"] = process.argv.slice(2);

async function serve(): Promise<void> {
  const server = new NamedPipeServer(name, { firstInstance: true });
  process.stdout.write("ready\n");
  for (;;) {
    await server.waitForConnection();
    try {
      for await (const message of server) await server.write(message);
    } catch {
      // The client is gone; the next one may come.
    }
    server.disconnect();
  }
}

async function flood(): Promise<void> {
  const client = new NamedPipeClient(name);
  await client.connect();
  process.stdout.write("ready\n");
  const reading = (async () => {
    for await (const _ of client);
  })();
  for (let size = 0; ; size = (size * 3 + 1) % 300_000)
    await Promise.race([client.write(Buffer.alloc(size)), reading]);
}

async function hold(): Promise<void> {
  const server = new NamedPipeServer(name, { maxInstances: 2 });
  const client = new NamedPipeClient(name);
  await Promise.all([server.waitForConnection(), client.connect()]);
  void new NamedPipeServer(name, { maxInstances: 2 }).waitForConnection();
  void client.readMessage();
  void client.write(Buffer.alloc(8 << 20));
  void server.waitForPipeDrain();
  void new NamedPipeClient(`${name}-nobody`).connect();
}

function race(): number {
  let made = 0;
  for (let attempt = 0; attempt < Number(count); attempt++) {
    try {
      const server = new NamedPipeServer(name, { firstInstance: true });
      // Fails if another process has the name at this moment.
      mkdirSync(marker);
      rmdirSync(marker);
      made++;
      void server.close();
    } catch (error) {
      if (!(error instanceof IpcError) || error.fault !== "in-use") throw error;
    }
  }
  return made;
}

if (mode === "serve") await serve();
else if (mode === "flood") await flood();
else if (mode === "race") process.stdout.write(`${race()}\n`);
else if (mode === "hold") {
  await hold();
  process.stdout.write("holding\n", () => process.exit(0));
} else if (mode === "stay") {
  // For a thread: it is ended from outside.
  await hold();
  process.stdout.write("holding\n");
}
