// What the harness and its child processes say to each other over Node's IPC channel.

import type { Operation } from "./workloads.ts";

export type Role = "server" | "client";

export interface Load {
  readonly operation: Operation;
  readonly inFlight: number;
  readonly payloadBytes: number;
  readonly milliseconds: number;
}

export interface LoadResult {
  readonly callsPerSecond: number;
  /** The median time of a call in microseconds, measured only where one call at a time is under way. */
  readonly medianMicroseconds?: number;
}

/** Each command: what it takes and what it answers. */
export interface Commands {
  start: { takes: undefined; answers: string };
  memory: { takes: undefined; answers: number };
  connect: { takes: { address: string; count: number }; answers: undefined };
  verify: { takes: undefined; answers: undefined };
  run: { takes: Load; answers: LoadResult };
  disconnect: { takes: undefined; answers: undefined };
}

export type CommandName = keyof Commands;

export interface Request {
  readonly id: number;
  readonly command: CommandName;
  readonly argument: unknown;
}

export interface Response {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}
