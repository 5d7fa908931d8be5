/** Lets two threads reach each other's `memory://` names over a port that they share with the application. */
import { MessageChannel, type MessagePort, type Worker } from "node:worker_threads";
import type { Connection } from "../../spi.ts";
import { type MemoryGateway, memoryNetwork } from "./memory-network.ts";
import { MessagePortConnection } from "./message-port-connection.ts";

/** A port, a worker, or a worker's `parentPort`. */
export type AttachablePort = MessagePort | Worker;

/** The key that tells our requests from the application's own messages on the same port. */
const requestKey = "remoting:connect";

interface ConnectRequest {
  readonly [requestKey]: string;
  readonly port: MessagePort;
}

function isConnectRequest(message: unknown): message is ConnectRequest {
  return (
    typeof message === "object" &&
    message !== null &&
    requestKey in message &&
    typeof message[requestKey] === "string"
  );
}

class MessagePortGateway implements MemoryGateway {
  readonly #port: AttachablePort;

  constructor(port: AttachablePort) {
    this.#port = port;
  }

  async connect(name: string, _signal: AbortSignal): Promise<Connection> {
    const { port1, port2 } = new MessageChannel();
    this.#port.postMessage({ [requestKey]: name, port: port2 } satisfies ConnectRequest, [port2]);
    // Whether anybody listens is told by the handshake, or by the port being closed at once.
    return new MessagePortConnection(port1, `memory:${name}`);
  }
}

/**
 * Joins this thread's `memory://` names with those on the other side of a port. Both sides call it.
 *
 * The port stays the application's: its own messages pass as before, and it alone decides when it is closed.
 *
 * @param port The worker, or in the worker `parentPort`, or any `MessagePort`.
 * @param names The names that lead to the other side. None for a side that only serves.
 * @returns Undoes it.
 *
 * @example
 * ```ts
 * // main.ts
 * attachMessagePort(new Worker("./worker.js"), ["counters"]);
 * const counter = getObject(Counter, "memory://counters/Counter");
 * // worker.ts
 * attachMessagePort(parentPort);
 * await serve("memory://counters", [Counter]);
 * ```
 */
export function attachMessagePort(port: AttachablePort, names: readonly string[] = []): () => void {
  const gateway = new MessagePortGateway(port);
  for (const name of names) memoryNetwork.addGateway(name, gateway);
  const onMessage = (message: unknown) => {
    if (!isConnectRequest(message)) return;
    const accept = memoryNetwork.listener(message[requestKey]);
    if (accept === undefined) message.port.close();
    else accept(new MessagePortConnection(message.port, `memory:${message[requestKey]} (thread)`));
  };
  port.on("message", onMessage);
  return () => {
    port.off("message", onMessage);
    for (const name of names) memoryNetwork.removeGateway(name);
  };
}
