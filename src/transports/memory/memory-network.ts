/** The names that are listened on with `memory://` in this thread, and the ports to other threads. */
import type { Connection } from "../../spi.ts";

/** Takes the connections to one name. */
export type AcceptConnection = (connection: Connection) => void;

/** Opens connections to names that are not in this thread. */
export interface MemoryGateway {
  connect(name: string, signal: AbortSignal): Promise<Connection>;
}

/** Where the two ends of `memory://` find each other. */
export class MemoryNetwork {
  readonly #listeners = new Map<string, AcceptConnection>();
  readonly #gateways = new Map<string, MemoryGateway>();

  /** Takes a name. Throws if it is taken. */
  listen(name: string, accept: AcceptConnection): void {
    if (this.#listeners.has(name)) {
      throw new Error("the name is taken in this process: choose another one, or close the other first");
    }
    this.#listeners.set(name, accept);
  }

  /** Gives a name back. */
  unlisten(name: string): void {
    this.#listeners.delete(name);
  }

  /** Who listens on a name. */
  listener(name: string): AcceptConnection | undefined {
    return this.#listeners.get(name);
  }

  /** Makes a name lead to another thread. */
  addGateway(name: string, gateway: MemoryGateway): void {
    this.#gateways.set(name, gateway);
  }

  removeGateway(name: string): void {
    this.#gateways.delete(name);
  }

  /** The way to a name in another thread. */
  gateway(name: string): MemoryGateway | undefined {
    return this.#gateways.get(name);
  }
}

/**
 * The network of this thread. Shared by all domains in it, as the operating system's table of ports is by all
 * processes: two domains could not meet otherwise.
 */
export const memoryNetwork = new MemoryNetwork();
