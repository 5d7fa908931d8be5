// A capnweb stub of the server's main object. What it promises can be pipelined on, so it is awaited here to
// be a plain promise again.

import { once } from "node:events";
import { newWebSocketRpcSession } from "capnweb";
import { WebSocket as Socket } from "ws";
import type { ContenderClient } from "../../contender.ts";
import type { BenchApi } from "./bench-target.ts";
import "./web-socket.ts";

export const client: ContenderClient = {
  async connect(address) {
    const socket = new Socket(address, { perMessageDeflate: false });
    await once(socket, "open");
    const stub = newWebSocketRpcSession<BenchApi>(socket as unknown as WebSocket);
    return {
      add: async (a, b) => await stub.add(a, b),
      echo: async (value) => await stub.echo(value),
      echoBinary: async (bytes) => await stub.echoBinary(bytes),
      async close() {
        socket.terminate();
      },
    };
  },
};
