/** `tcp://host:port`: Node's `net`. The reference transport. */
import { connect, createServer, type Socket } from "node:net";
import type { ChannelCapabilities, Connection, Transport, TransportListener } from "../../spi.ts";
import { ReadBuffer } from "./read-buffer.ts";
import { parseTcpAddress } from "./tcp-address.ts";
import { TcpConnection } from "./tcp-connection.ts";

/** See the head of this file. */
export class TcpTransport implements Transport {
  readonly scheme = "tcp";
  readonly #readBuffer = new ReadBuffer();
  readonly capabilities: ChannelCapabilities = {
    duplex: true,
    reply: true,
    byReference: true,
    ordered: true,
    peerIdentity: false,
    maxMessageSize: Number.POSITIVE_INFINITY,
  };

  connect(address: string, signal: AbortSignal): Promise<Connection> {
    const { host, port } = parseTcpAddress(address);
    return new Promise((resolve, reject) => {
      if (port === 0) throw new TypeError(`tcp://${address} has no port: 0 can only be listened on`);
      // Calls are small and wait for each other: Nagle's algorithm would add its delay to each.
      let connection: TcpConnection | undefined;
      const socket = connect({
        host,
        port,
        noDelay: true,
        onread: this.#readBuffer.onRead((chunk, length) => connection?.receive(chunk, length)),
      });
      connection = new TcpConnection(socket, address);
      const abort = () =>
        socket.destroy(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
      signal.addEventListener("abort", abort, { once: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        signal.removeEventListener("abort", abort);
        socket.removeListener("error", reject);
        resolve(connection);
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
        const peerName = peerNameOf(accepted);
        let connection: TcpConnection | undefined;
        const socket = this.#readBuffer.adopt(accepted, (chunk, length) =>
          connection?.receive(chunk, length),
        );
        connection = new TcpConnection(socket, peerName);
        accept(connection);
      });
      server.once("error", reject);
      server.listen({ host, port }, () => {
        server.removeListener("error", reject);
        const bound = server.address();
        const actual = typeof bound === "object" && bound !== null ? bound.port : port;
        resolve({
          address: `${host.includes(":") ? `[${host}]` : host}:${actual}`,
          close: () => new Promise((closed) => server.close(() => closed())),
        });
      });
    });
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function peerNameOf(socket: Socket): string {
  return `${socket.remoteAddress ?? "unknown"}:${socket.remotePort ?? 0}`;
}
