// The floor's server: what a good engineer writes by hand on `net` and msgpackr, and nothing besides. No
// types, no errors, no cancellation, no references, no limits: the price of those is what the ratio to it
// shows.

import { rmSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContenderServer } from "../../contender.ts";
import { createDecoder, createEncoder } from "./codec.ts";
import { FrameReader } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";

type Call = [id: number, method: string, args: unknown[]];

const methods = new Map<string, (...args: never[]) => unknown>([
  ["add", (a: number, b: number) => a + b],
  ["echo", (value: object) => value],
  ["echoBinary", (bytes: Uint8Array) => bytes],
]);

const serve = (socket: Socket, variant: string): void => {
  const writer = new FrameWriter(socket, createEncoder(variant));
  const reader = new FrameReader(createDecoder(variant), (message) => {
    const [id, method, args] = message as Call;
    const handler = methods.get(method);
    writer.send([id, handler?.(...(args as never[]))]);
  });
  socket.on("data", (chunk: Buffer) => reader.push(chunk));
  socket.on("error", () => socket.destroy());
};

export const server: ContenderServer = {
  async start(variant) {
    const sockets = new Set<Socket>();
    const listener = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      serve(socket, variant);
    });
    const bound = variant.endsWith("unix") ? join(tmpdir(), `remoting-bench-${process.pid}.sock`) : 0;
    // One that was killed under the same process id has left its socket.
    if (bound !== 0) rmSync(bound, { force: true });
    await new Promise<void>((resolve) => {
      if (bound === 0) listener.listen(0, "127.0.0.1", resolve);
      else listener.listen(bound, resolve);
    });
    // The process is ended rather than the server, and only a server that is closed removes its socket.
    if (bound !== 0) process.once("exit", () => rmSync(bound, { force: true }));
    return {
      address: String(bound || (listener.address() as AddressInfo).port),
      async close() {
        listener.close();
        for (const socket of sockets) socket.destroy();
      },
    };
  },
};
