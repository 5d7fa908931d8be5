// `npm run demo` starts a server process and calls it from this one.
// `npm run demo -- --channel URL` does the same over another channel; for memory:// all is in this process.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { RemotingDomain } from "remoting";
import { openPizzeria } from "./open-pizzeria.ts";
import { Screen } from "./screen.ts";
import type { ServerNews } from "./server.ts";
import { tour } from "./tour.ts";

/** The command line, or the world behind it, makes the demo impossible: no fault of what is shown. */
class UsageError extends Error {}

interface Server {
  readonly url: string;
  /** In what process it is, for the reader. */
  readonly place: string;
  close(): Promise<void>;
}

function readChannel(): string {
  try {
    const { values } = parseArgs({ options: { channel: { type: "string", default: "tcp://127.0.0.1:0" } } });
    return values.channel;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function startProcess(channel: string): Promise<Server> {
  const child = fork(join(import.meta.dirname, "server.ts"), [channel]);
  const exited = once(child, "exit");
  const news = await firstNews(child);
  if ("problem" in news) throw new UsageError(news.problem);
  return {
    url: news.url,
    place: `server process ${child.pid}`,
    async close() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

function firstNews(child: ChildProcess): Promise<ServerNews> {
  return new Promise((resolve, reject) => {
    child.once("message", (news: ServerNews) => resolve(news));
    child.once("exit", (code) => reject(new Error(`The server has ended with ${code} before it was ready`)));
  });
}

async function startBeside(channel: string): Promise<Server> {
  const { url, domain } = await openPizzeria(channel).catch((error: Error) => {
    throw new UsageError(error.message);
  });
  return { url, place: "a second domain of this process", close: () => domain.close() };
}

async function run(): Promise<void> {
  const channel = readChannel();
  const started = performance.now();
  const server = await (channel.startsWith("memory:") ? startBeside(channel) : startProcess(channel));
  const domain = new RemotingDomain({ defaultTimeout: 5_000 });
  const screen = new Screen();
  try {
    screen.print(screen.style("bold", "Remoting: a pizzeria, served elsewhere and used from here"));
    screen.print(screen.style("dim", `client process ${process.pid} → ${server.url} → ${server.place}`));
    await tour(domain, server.url, screen);
  } finally {
    await domain.close();
    await server.close();
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (screen.mistakes === 0) {
    screen.print(`\n${screen.style("green", "✓")} All ${screen.lines} results were right, in ${seconds} s`);
  } else {
    screen.print(`\n${screen.style("red", "✗")} ${screen.mistakes} of ${screen.lines} results were wrong`);
    process.exitCode = 1;
  }
}

try {
  await run();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`The demo cannot run: ${error.message}`);
  console.error("Usage: npm run demo -- --channel URL, for example tcp://127.0.0.1:6100 or memory://demo");
  process.exitCode = 2;
}
