// A `ClientProxy` of NestJS: each call is an observable that gives one value.

import type { Socket } from "node:net";
import { ClientProxyFactory, Transport } from "@nestjs/microservices";
import { firstValueFrom } from "rxjs";
import type { ContenderClient } from "../../contender.ts";

export const client: ContenderClient = {
  async connect(address) {
    const proxy = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host: "127.0.0.1", port: Number(address) },
    });
    await proxy.connect();
    proxy.unwrap<Socket>().setNoDelay();
    const call = <Result>(pattern: string, data: unknown): Promise<Result> =>
      firstValueFrom(proxy.send<Result>(pattern, data));
    return {
      add: (a, b) => call<number>("add", { a, b }),
      echo: (value) => call<object>("echo", value),
      echoBinary: async (bytes) =>
        Buffer.from(await call<string>("echoBinary", bytes.toString("base64")), "base64"),
      async close() {
        await proxy.close();
      },
    };
  },
};
