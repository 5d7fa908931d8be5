// A dynamic client of grpc-js. Channels to one address share their connection unless told otherwise.

import { credentials, type ServiceError } from "@grpc/grpc-js";
import type { ContenderClient } from "../../contender.ts";
import { Bench, channelOptions } from "./service.ts";

type Reply = (error: ServiceError | null, reply: object) => void;
type Unary = (request: object, reply: Reply) => void;

export const client: ContenderClient = {
  async connect(address) {
    const stub = new Bench(address, credentials.createInsecure(), {
      ...channelOptions,
      "grpc.use_local_subchannel_pool": 1,
    });
    await new Promise<void>((resolve, reject) => {
      stub.waitForReady(Date.now() + 10_000, (error) => (error === undefined ? resolve() : reject(error)));
    });
    const call = <Result>(method: "Add" | "Echo" | "EchoBinary", request: object): Promise<Result> =>
      new Promise((resolve, reject) => {
        (stub[method] as Unary).call(stub, request, (error, reply) =>
          error === null ? resolve(reply as Result) : reject(error),
        );
      });
    return {
      add: async (a, b) => (await call<{ sum: number }>("Add", { a, b })).sum,
      echo: (value) => call<object>("Echo", value),
      echoBinary: async (bytes) =>
        (await call<{ content: Buffer }>("EchoBinary", { content: bytes })).content,
      async close() {
        stub.close();
      },
    };
  },
};
