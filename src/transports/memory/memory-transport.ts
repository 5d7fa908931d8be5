/** `memory://name`: the whole chain without a wire, within a thread or, over a port, to another one. */
import { type Connection, duplexCapabilities, type Transport, type TransportListener } from "../../spi.ts";
import { MemoryConnection } from "./memory-connection.ts";
import { memoryNetwork } from "./memory-network.ts";

/** See the head of this file. */
export class MemoryTransport implements Transport {
  readonly scheme = "memory";
  readonly capabilities = duplexCapabilities;

  async connect(address: string, signal: AbortSignal): Promise<Connection> {
    const accept = memoryNetwork.listener(address);
    if (accept !== undefined) {
      const [client, server] = MemoryConnection.pair(address);
      accept(server);
      return client;
    }
    const gateway = memoryNetwork.gateway(address);
    if (gateway === undefined) {
      throw new Error(
        `nobody listens on memory://${address} in this process; for another thread, attachMessagePort(port, ["${address}"]) first`,
      );
    }
    return gateway.connect(address, signal);
  }

  isLocal(): boolean {
    return true;
  }

  async listen(address: string, accept: (connection: Connection) => void): Promise<TransportListener> {
    memoryNetwork.listen(address, accept);
    return {
      address,
      close: async () => memoryNetwork.unlisten(address),
    };
  }
}
