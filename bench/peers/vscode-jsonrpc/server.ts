// vscode-jsonrpc over a TCP socket. Binary travels as base64, the best that its JSON allows.

import { type AddressInfo, createServer, type Socket } from "node:net";
import { createMessageConnection, SocketMessageReader, SocketMessageWriter } from "vscode-jsonrpc/node";
import type { ContenderServer } from "../../contender.ts";

const serve = (socket: Socket): void => {
  const connection = createMessageConnection(
    new SocketMessageReader(socket),
    new SocketMessageWriter(socket),
  );
  connection.onRequest("add", (a: number, b: number) => a + b);
  connection.onRequest("echo", (value: object) => value);
  connection.onRequest("echoBinary", (base64: string) => Buffer.from(base64, "base64").toString("base64"));
  connection.listen();
};

export const server: ContenderServer = {
  async start() {
    const sockets = new Set<Socket>();
    const listener = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      serve(socket);
    });
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    return {
      address: String((listener.address() as AddressInfo).port),
      async close() {
        listener.close();
        for (const socket of sockets) socket.destroy();
      },
    };
  },
};
