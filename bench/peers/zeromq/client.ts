// A Dealer, with the floor's messages: [id, method, args] there, [id, result] back.

import { Packr } from "msgpackr";
import { Dealer } from "zeromq";
import type { ContenderClient } from "../../contender.ts";
import { SendQueue } from "./send-queue.ts";

type Reply = [id: number, result: unknown];
type Resolver = (result: unknown) => void;

export const client: ContenderClient = {
  async connect(address) {
    const packr = new Packr();
    const socket = new Dealer({ linger: 0, receiveHighWaterMark: 0, sendHighWaterMark: 0 });
    socket.connect(address);
    const queue = new SendQueue(socket);
    const resolvers: (Resolver | undefined)[] = [];
    const freeIds: number[] = [];
    const receive = async (): Promise<void> => {
      for await (const [message] of socket) {
        if (message === undefined) continue;
        const [id, result] = packr.unpack(message) as Reply;
        const resolve = resolvers[id];
        resolvers[id] = undefined;
        freeIds.push(id);
        resolve?.(result);
      }
    };
    void receive();
    const call = <Result>(method: string, args: unknown[]): Promise<Result> =>
      new Promise((resolve) => {
        const id = freeIds.pop() ?? resolvers.length;
        resolvers[id] = resolve as Resolver;
        queue.send([packr.pack([id, method, args])]);
      });
    return {
      add: (a, b) => call<number>("add", [a, b]),
      echo: (value) => call<object>("echo", [value]),
      echoBinary: (bytes) => call<Uint8Array>("echoBinary", [bytes]),
      async close() {
        socket.close();
      },
    };
  },
};
