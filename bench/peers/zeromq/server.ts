// zeromq.js over ipc: a Router answers with msgpackr by hand, as zeromq has no calls. A socket sends one message at a
// time, so answers wait in a queue, which is the way its documentation shows.

import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Packr } from "msgpackr";
import { Router } from "zeromq";
import type { ContenderServer } from "../../contender.ts";
import { SendQueue } from "./send-queue.ts";

type Call = [id: number, method: "add" | "echo" | "echoBinary", args: unknown[]];

const answer = ([, method, args]: Call): unknown => {
  const [first, second] = args;
  return method === "add" ? (first as number) + (second as number) : first;
};

export const server: ContenderServer = {
  async start() {
    const packr = new Packr();
    const socket = new Router({ linger: 0, receiveHighWaterMark: 0, sendHighWaterMark: 0 });
    const path = join(tmpdir(), `remoting-bench-zeromq-${process.pid}`);
    const address = `ipc://${path}`;
    await socket.bind(address);
    // The process is ended rather than the socket closed.
    process.once("exit", () => rmSync(path, { force: true }));
    const queue = new SendQueue(socket);
    const serve = async (): Promise<void> => {
      for await (const [client, message] of socket) {
        if (client === undefined || message === undefined) continue;
        const call = packr.unpack(message) as Call;
        queue.send([client, packr.pack([call[0], answer(call)])]);
      }
    };
    void serve();
    return {
      address,
      async close() {
        socket.close();
      },
    };
  },
};
