// A message connection of vscode-jsonrpc that only sends requests.

import { once } from "node:events";
import { connect } from "node:net";
import { createMessageConnection, SocketMessageReader, SocketMessageWriter } from "vscode-jsonrpc/node";
import type { ContenderClient } from "../../contender.ts";

export const client: ContenderClient = {
  async connect(address) {
    const socket = connect({ port: Number(address), host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    const connection = createMessageConnection(
      new SocketMessageReader(socket),
      new SocketMessageWriter(socket),
    );
    connection.listen();
    return {
      add: (a, b) => connection.sendRequest<number>("add", a, b),
      echo: (value) => connection.sendRequest<object>("echo", value),
      echoBinary: async (bytes) =>
        Buffer.from(await connection.sendRequest<string>("echoBinary", bytes.toString("base64")), "base64"),
      async close() {
        connection.dispose();
        socket.destroy();
      },
    };
  },
};
