// The child process in which one side of one contender runs: `worker.js <server|client> <folder> <variant>`.
// It does what the harness asks, and is gone when the harness is.

import type { Connection, ContenderClient, ContenderServer, RunningServer } from "./contender.ts";
import { drive, verify } from "./drive.ts";
import type { CommandName, Commands, Load, Request, Response, Role } from "./protocol.ts";

type Handlers = { [Name in CommandName]: (argument: Commands[Name]["takes"]) => Promise<unknown> };

const [, , role, folder, variant = ""] = process.argv as [string, string, Role, string, string];
const loaded = import(new URL(`./${folder}/${role}.js`, import.meta.url).href) as Promise<{
  server: ContenderServer;
  client: ContenderClient;
}>;
// A failure is told to the first command, which awaits the same promise.
loaded.catch(() => undefined);

let running: RunningServer | undefined;
let connections: Connection[] = [];

const firstConnection = (): Connection => {
  const [connection] = connections;
  if (connection === undefined) throw new Error("not connected");
  return connection;
};

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

const residentBytes = async (): Promise<number> => {
  for (let pass = 0; pass < 3; pass++) {
    globalThis.gc?.();
    await pause(100);
  }
  return process.memoryUsage.rss();
};

const connect = async ({ address, count }: { address: string; count: number }): Promise<void> => {
  const { client } = await loaded;
  const atOnce = 50;
  while (connections.length < count) {
    const opened = await Promise.all(
      Array.from({ length: Math.min(atOnce, count - connections.length) }, async () => {
        const connection = await client.connect(address, variant);
        if ((await connection.add(1, 2)) !== 3) throw new Error("add gave a wrong result");
        return connection;
      }),
    );
    connections.push(...opened);
  }
};

const disconnect = async (): Promise<void> => {
  const closing = connections;
  connections = [];
  await Promise.all(closing.map((connection) => connection.close()));
};

const handlers: Handlers = {
  start: async () => {
    const { server } = await loaded;
    running = await server.start(variant);
    return running.address;
  },
  memory: residentBytes,
  connect,
  verify: () => verify(firstConnection()),
  run: (load: Load) => drive(firstConnection(), load),
  disconnect: async () => {
    await disconnect();
    await running?.close();
  },
};

const answer = async ({ id, command, argument }: Request): Promise<void> => {
  let response: Response;
  try {
    const handler = handlers[command] as (argument: unknown) => Promise<unknown>;
    response = { id, answer: await handler(argument) };
  } catch (error) {
    response = { id, error: error instanceof Error ? error.message : String(error) };
  }
  process.send?.(response);
};

process.on("message", (request: Request) => void answer(request));
process.on("disconnect", () => process.exit());
