// The floor's client: calls in flight are an array of resolvers indexed by an id that is used again.

import { once } from "node:events";
import { connect } from "node:net";
import type { ContenderClient } from "../../contender.ts";
import { createDecoder, createEncoder } from "./codec.ts";
import { FrameReader } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";

type Reply = [id: number, result: unknown];
type Resolver = (result: unknown) => void;

export const client: ContenderClient = {
  async connect(address, variant) {
    const socket = variant.endsWith("unix")
      ? connect(address)
      : connect({ port: Number(address), host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    const resolvers: (Resolver | undefined)[] = [];
    const freeIds: number[] = [];
    const writer = new FrameWriter(socket, createEncoder(variant));
    const reader = new FrameReader(createDecoder(variant), (message) => {
      const [id, result] = message as Reply;
      const resolve = resolvers[id];
      resolvers[id] = undefined;
      freeIds.push(id);
      resolve?.(result);
    });
    socket.on("data", (chunk: Buffer) => reader.push(chunk));
    const call = <Result>(method: string, args: unknown[]): Promise<Result> =>
      new Promise((resolve) => {
        const id = freeIds.pop() ?? resolvers.length;
        resolvers[id] = resolve as Resolver;
        writer.send([id, method, args]);
      });
    return {
      add: (a, b) => call<number>("add", [a, b]),
      echo: (value) => call<object>("echo", [value]),
      echoBinary: (bytes) => call<Uint8Array>("echoBinary", [bytes]),
      async close() {
        socket.destroy();
      },
    };
  },
};
