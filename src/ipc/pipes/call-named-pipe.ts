/** One question, one answer. */

import { NamedPipeClient } from "./named-pipe-client.ts";
import type { ReadMessageOptions } from "./named-pipe-stream.ts";
import type { NamedPipeClientOptions } from "./pipe-options.ts";

/** What {@link callNamedPipe} can be told. */
export interface CallNamedPipeOptions extends ReadMessageOptions, Pick<NamedPipeClientOptions, "folder"> {}

/**
 * Opens a message pipe, writes a message, reads the answer and closes it (CallNamedPipe).
 *
 * @param options `timeout` is for all of it together.
 * @throws IpcError as `connect` and `transact` do.
 *
 * @example
 * ```ts
 * const answer = await callNamedPipe("\\\\.\\pipe\\HelloWorld", Buffer.from("ping"), { timeout: 1000 });
 * ```
 */
export async function callNamedPipe(
  name: string,
  message: Uint8Array,
  { folder, ...options }: CallNamedPipeOptions = {},
): Promise<Buffer> {
  const { timeout, signal } = options;
  const deadline = timeout === undefined ? undefined : performance.now() + timeout;
  await using client = new NamedPipeClient(name, folder === undefined ? {} : { folder });
  await client.connect({ timeout, signal });
  if (deadline === undefined) return await client.transact(message, options);
  return await client.transact(message, { ...options, timeout: Math.max(0, deadline - performance.now()) });
}
