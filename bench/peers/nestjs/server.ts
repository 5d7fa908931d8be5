// NestJS microservices over TCP as an application has them: a controller behind `createMicroservice`. The
// decorators are applied as functions, because Nest's are legacy ones; binary travels as base64, the best
// that its JSON allows.

import "reflect-metadata";
import type { AddressInfo, Server, Socket } from "node:net";
import { Controller, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { MessagePattern, type MicroserviceOptions, Transport } from "@nestjs/microservices";
import type { ContenderServer } from "../../contender.ts";

class BenchController {
  add({ a, b }: { a: number; b: number }): number {
    return a + b;
  }

  echo(value: object): object {
    return value;
  }

  echoBinary(base64: string): string {
    return Buffer.from(base64, "base64").toString("base64");
  }
}

class BenchModule {}

for (const method of ["add", "echo", "echoBinary"]) {
  const descriptor = Object.getOwnPropertyDescriptor(BenchController.prototype, method);
  if (descriptor === undefined) throw new Error(`no method ${method}`);
  MessagePattern(method)(BenchController.prototype, method, descriptor);
}
Controller()(BenchController);
Module({ controllers: [BenchController] })(BenchModule);

export const server: ContenderServer = {
  async start() {
    const application = await NestFactory.createMicroservice<MicroserviceOptions>(BenchModule, {
      transport: Transport.TCP,
      options: { host: "127.0.0.1", port: 0 },
      logger: false,
    });
    await application.listen();
    const listener = application.unwrap<Server>();
    listener.on("connection", (socket: Socket) => socket.setNoDelay());
    return {
      address: String((listener.address() as AddressInfo).port),
      close: () => application.close(),
    };
  },
};
