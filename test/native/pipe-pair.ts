/** Pipes for tests: names that nobody has, and both ends of one, which are closed with the test. */
import { randomUUID } from "node:crypto";
import {
  NamedPipeClient,
  type NamedPipeClientOptions,
  NamedPipeServer,
  type NamedPipeServerOptions,
} from "remoting/ipc";
import { onTestFinished } from "vitest";

/** A name that nobody has. */
export function newName(): string {
  return `test-${process.pid}-${randomUUID()}`;
}

/** An instance that is closed with the test. */
export function serverOf(name: string, options: NamedPipeServerOptions = {}): NamedPipeServer {
  const server = new NamedPipeServer(name, options);
  onTestFinished(() => server.close());
  return server;
}

/** A client that is closed with the test. */
export function clientOf(name: string, options: NamedPipeClientOptions = {}): NamedPipeClient {
  const client = new NamedPipeClient(name, options);
  onTestFinished(() => client.close());
  return client;
}

export interface PipePair {
  readonly server: NamedPipeServer;
  readonly client: NamedPipeClient;
}

/** Both ends of a pipe, connected. */
export async function pipePair(
  serverOptions: NamedPipeServerOptions = {},
  clientOptions: NamedPipeClientOptions = {},
  name = newName(),
): Promise<PipePair> {
  const server = serverOf(name, serverOptions);
  const client = clientOf(name, clientOptions);
  await Promise.all([server.waitForConnection(), client.connect()]);
  return { server, client };
}

/** Bytes that differ from place to place, so that a piece in the wrong place is noticed. */
export function pattern(length: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let index = 0; index < length; index++) bytes[index] = (index * 31 + (index >>> 8) * 7 + seed) & 0xff;
  return bytes;
}

/** What a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}
