/** `tcp://host:port`: Node's `net`. The reference transport. */
import { createServer, type Socket } from "node:net";
import { type Connection, duplexCapabilities, type Transport, type TransportListener } from "../../spi.ts";
import type { SocketOwner } from "./owned-socket.ts";
import { ReadBuffer } from "./read-buffer.ts";
import { formatTcpAddress, isLoopback, parseTcpAddress } from "./tcp-address.ts";
import { TcpConnection } from "./tcp-connection.ts";

/** See the head of this file. */
export class TcpTransport implements Transport {
  readonly scheme = "tcp";
  readonly #readBuffer = new ReadBuffer();
  readonly capabilities = duplexCapabilities;

  connect(address: string, signal: AbortSignal): Promise<Connection> {
    const { host, port } = parseTcpAddress(address);
    return new Promise((resolve, reject) => {
      if (port === 0) throw new TypeError(`tcp://${address} has no port: 0 can only be listened on`);
      const connection = new TcpConnection(address, (owner) => {
        const socket = this.#readBuffer.createSocket(owner);
        // Calls are small and wait for each other: Nagle's algorithm would add its delay to each.
        socket.setNoDelay(true);
        socket.connect({ host, port });
        const abort = () =>
          socket.destroy(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
        signal.addEventListener("abort", abort, { once: true });
        socket.once("error", reject);
        socket.once("connect", () => {
          signal.removeEventListener("abort", abort);
          socket.removeListener("error", reject);
          connection.isLocal = isLoopback(socket.remoteAddress ?? "");
          resolve(connection);
        });
        return socket;
      });
    });
  }

  isLocal(address: string): boolean {
    return isLoopback(parseTcpAddress(address).host);
  }

  listen(address: string, accept: (connection: Connection) => void): Promise<TransportListener> {
    const { host, port } = parseTcpAddress(address);
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true, pauseOnConnect: true }, (accepted) => {
        const { remoteAddress = "" } = accepted;
        const open = (owner: SocketOwner) => this.#readBuffer.adopt(accepted, owner);
        const connection = new TcpConnection(peerNameOf(accepted), open);
        connection.isLocal = isLoopback(remoteAddress);
        accept(connection);
      });
      server.once("error", reject);
      server.listen({ host, port }, () => {
        server.removeListener("error", reject);
        // Whoever cannot be accepted, for want of descriptors, learns it from the system. Those who were go on.
        server.on("error", () => {});
        const bound = server.address();
        const actual = typeof bound === "object" && bound !== null ? bound.port : port;
        resolve({
          address: formatTcpAddress(host, actual),
          close: () => new Promise((closed) => server.close(() => closed())),
        });
      });
    });
  }
}

/** What to call the other end of a socket. */
export function peerNameOf(socket: Socket): string {
  // Joined, which makes one string: a template would keep its parts, for as long as the connection lasts.
  return [socket.remoteAddress ?? "unknown", socket.remotePort ?? 0].join(":");
}
