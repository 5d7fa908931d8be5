// capnweb over `ws`, as its README serves it from Node; `ws` sets TCP_NODELAY and leaves compression off.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { newWebSocketRpcSession } from "capnweb";
import { WebSocketServer } from "ws";
import type { ContenderServer } from "../../contender.ts";
import { BenchTarget } from "./bench-target.ts";
import "./web-socket.ts";

export const server: ContenderServer = {
  async start() {
    const listener = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
    listener.on("connection", (socket) => {
      newWebSocketRpcSession(socket as unknown as WebSocket, new BenchTarget());
    });
    await once(listener, "listening");
    return {
      address: `ws://127.0.0.1:${(listener.address() as AddressInfo).port}`,
      async close() {
        for (const socket of listener.clients) socket.terminate();
        listener.close();
      },
    };
  },
};
