// What a good engineer writes by hand between two threads of one process: messages that V8 copies, and nothing besides.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { ContenderClient } from "../../contender.ts";
import type { Call, Reply } from "./messages.ts";

type Resolver = (result: unknown) => void;

export const client: ContenderClient = {
  async connect() {
    const thread = new Worker(new URL("./echo-thread.js", import.meta.url));
    await once(thread, "online");
    const resolvers: (Resolver | undefined)[] = [];
    const freeIds: number[] = [];
    thread.on("message", ({ id, result }: Reply) => {
      const resolve = resolvers[id];
      resolvers[id] = undefined;
      freeIds.push(id);
      resolve?.(result);
    });
    const call = <Result>(method: Call["method"], args: readonly unknown[]): Promise<Result> =>
      new Promise((resolve) => {
        const id = freeIds.pop() ?? resolvers.length;
        resolvers[id] = resolve as Resolver;
        const message: Call = { id, method, args };
        thread.postMessage(message);
      });
    return {
      add: (a, b) => call<number>("add", [a, b]),
      echo: (value) => call<object>("echo", [value]),
      echoBinary: (bytes) => call<Uint8Array>("echoBinary", [bytes]),
      async close() {
        await thread.terminate();
      },
    };
  },
};
