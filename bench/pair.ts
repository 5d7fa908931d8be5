// One contender at work: its server and its client, in two processes.

import { Child } from "./child.ts";
import type { Contender } from "./contenders.ts";
import type { LoadResult } from "./protocol.ts";
import type { Workload } from "./workloads.ts";

const warmUpConnections = 20;

export class Pair {
  readonly contender: Contender;
  readonly #server: Child;
  readonly #client: Child;
  #address = "";

  /** @param options Of Node, for both processes. */
  constructor(contender: Contender, options: readonly string[] = []) {
    this.contender = contender;
    this.#server = new Child(contender, "server", options);
    this.#client = new Child(contender, "client", options);
  }

  async start(): Promise<void> {
    this.#address = await this.#server.request("start", undefined);
  }

  /** Connects once and compares every operation's result in full. */
  async verify(): Promise<void> {
    await this.#client.request("connect", { address: this.#address, count: 1 });
    await this.#client.request("verify", undefined);
  }

  run(workload: Workload, milliseconds: number): Promise<LoadResult> {
    const { operation, inFlight, payloadBytes } = workload;
    return this.#client.request("run", { operation, inFlight, payloadBytes, milliseconds });
  }

  /**
   * The server's resident bytes for each idle connection. A few connections come first, so that what is
   * loaded and compiled only once is not counted.
   */
  async idleMemory(connections: number): Promise<number> {
    const target = { address: this.#address, count: warmUpConnections };
    await this.#client.request("connect", target);
    const before = await this.#server.request("memory", undefined);
    await this.#client.request("connect", { ...target, count: warmUpConnections + connections });
    const after = await this.#server.request("memory", undefined);
    return (after - before) / connections;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#client.stop(), this.#server.stop()]);
  }
}
