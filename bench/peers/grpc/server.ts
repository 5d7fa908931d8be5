// grpc-js, unary calls without TLS. HTTP/2 sets TCP_NODELAY by itself.

import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import type { ContenderServer } from "../../contender.ts";
import { Bench, channelOptions } from "./service.ts";

type Call<Request, Reply> = (call: ServerUnaryCall<Request, Reply>, reply: sendUnaryData<Reply>) => void;

const add: Call<{ a: number; b: number }, { sum: number }> = (call, reply) =>
  reply(null, { sum: call.request.a + call.request.b });

const echo: Call<object, object> = (call, reply) => reply(null, call.request);

export const server: ContenderServer = {
  async start() {
    const listener = new Server(channelOptions);
    listener.addService(Bench.service, { Add: add, Echo: echo, EchoBinary: echo });
    const port = await new Promise<number>((resolve, reject) => {
      listener.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    return {
      address: `127.0.0.1:${port}`,
      async close() {
        listener.forceShutdown();
      },
    };
  },
};
