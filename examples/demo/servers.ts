// Where the pizzeria is served: in a process of its own, in a worker thread, or beside the client.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { attachMessagePort } from "remoting";
import { openPizzeria } from "./open-pizzeria.ts";
import type { ServerNews } from "./server.ts";

/** It cannot be served there: no fault of what is shown. */
export class CannotServeError extends Error {}

export interface Server {
  /** One for each channel that was asked for. */
  readonly urls: readonly string[];
  /** In what process it is, for the reader. */
  readonly place: string;
  close(): Promise<void>;
}

/** Serves in a process of its own; for memory://, which ends at the process, in a second domain of this one. */
export function startServer(...channels: readonly string[]): Promise<Server> {
  return channels.some((channel) => channel.startsWith("memory:"))
    ? startBeside(channels)
    : startProcess(channels);
}

async function startProcess(channels: readonly string[]): Promise<Server> {
  const child = fork(join(import.meta.dirname, "server.ts"), channels);
  const exited = once(child, "exit");
  const news = await firstNews(child);
  if ("problem" in news) throw new CannotServeError(news.problem);
  return {
    urls: news.urls,
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

async function startBeside(channels: readonly string[]): Promise<Server> {
  const { urls, domain } = await openPizzeria(channels).catch((error: Error) => {
    throw new CannotServeError(error.message);
  });
  return { urls, place: "a second domain of this process", close: () => domain.close() };
}

/** Serves in a worker thread, which memory:// reaches once both threads have attached a port. */
export async function startWorker(): Promise<Server> {
  const worker = new Worker(new URL("./start-worker.js", import.meta.url));
  await once(worker, "message");
  const detach = attachMessagePort(worker, ["worker"]);
  return {
    urls: ["memory://worker"],
    place: `worker thread ${worker.threadId}`,
    async close() {
      detach();
      await worker.terminate();
    },
  };
}
