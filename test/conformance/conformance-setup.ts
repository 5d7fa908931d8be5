/** A row of the matrix: where servers run, how they are reached, and what is spoken. */
import { randomUUID } from "node:crypto";
import type { Formatter } from "remoting/spi";
import { type ServerOptions, startServer, type TestServer } from "./server/start-server.ts";
import { WorkerServers } from "./server/worker-servers.ts";

/** What the suite needs to know of a row. */
export interface ConformanceSetup {
  /** Makes what is needed for one run of the suite. */
  open(): ConformanceBench;
  readonly formatter: () => Formatter;
}

/** Where the servers of one run are. */
export interface ConformanceBench {
  /** Starts a server: at a place of its own, or where one was before. */
  start(options: ServerOptions, url?: string): Promise<TestServer>;
  /** An endpoint in this thread that nobody has, for what needs the server's domain at hand. */
  localUrl(): string;
  close(): Promise<void>;
}

/** Clients and servers are domains of one process. */
export function inProcess(newUrl: () => string, formatter: () => Formatter): ConformanceSetup {
  return {
    formatter,
    open: () => ({
      start: (options, url) => startServer(url ?? newUrl(), options),
      localUrl: newUrl,
      close: async () => {},
    }),
  };
}

/** Servers run in a worker thread. */
export function overMessagePort(formatter: () => Formatter): ConformanceSetup {
  return {
    formatter,
    open: () => {
      const servers = new WorkerServers();
      return {
        start: (options, url) => servers.start(url ?? servers.newUrl(), options),
        localUrl: memoryUrl,
        close: () => servers.close(),
      };
    },
  };
}

let memoryNames = 0;

/** A `memory://` endpoint that nobody has. */
export function memoryUrl(): string {
  return `memory://conformance-${++memoryNames}`;
}

/** A `tcp://` endpoint that nobody has. */
export function tcpUrl(): string {
  return "tcp://127.0.0.1:0";
}

/** A `tcps://` endpoint that nobody has. */
export function tcpsUrl(): string {
  return "tcps://127.0.0.1:0";
}

let shmNames = 0;

/** A `shm://` endpoint that nobody has. */
export function shmUrl(): string {
  return `shm://conformance-${process.pid}-${++shmNames}`;
}

/** A `pipe://` endpoint that nobody has. */
export function pipeUrl(): string {
  return `pipe://conformance-${process.pid}-${randomUUID()}`;
}
