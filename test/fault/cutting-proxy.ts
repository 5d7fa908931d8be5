/**
 * A TCP proxy that misbehaves on purpose: it forwards an exact number of bytes of either direction and then
 * closes or resets; or it cuts what it forwards into pieces; or, when it is told to, forwards nothing any more.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** What becomes of the next connections. */
export interface CuttingPlan {
  /** How many bytes of the client's reach the server. Default: all. */
  readonly clientBytes?: number;
  /** How many bytes of the server's reach the client. Default: all. */
  readonly serverBytes?: number;
  /** What both sides see when either number is reached. Default: the end. */
  readonly finish?: "end" | "reset";
  /** Where the server's bytes are cut: after each of these numbers of bytes the rest waits for another turn. */
  readonly serverCuts?: readonly number[];
  /** The same for the client's bytes, for which the rest waits until this has resolved. */
  readonly clientCuts?: readonly number[];
  readonly barrier?: () => Promise<unknown>;
}

/** One direction of one connection. */
interface Pipe {
  readonly from: Socket;
  readonly to: Socket;
  readonly limit: number;
  readonly cuts: readonly number[];
  forwarded: number;
  queue: Promise<void>;
}

/** What one connection carried. */
export interface CarriedBytes {
  client: Buffer[];
  server: Buffer[];
}

export class CuttingProxy {
  plan: CuttingPlan = {};
  /** What was forwarded, by connection, if {@link recording}. */
  readonly carried: CarriedBytes[] = [];
  recording = false;
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #sockets = new Set<Socket>();
  #silent: "both" | "client" | "none" = "none";

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket, this.plan));
  }

  static async start(targetPort: number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(targetPort);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    assert(typeof address === "object" && address !== null);
    return `tcp://127.0.0.1:${address.port}`;
  }

  /** Forwards nothing any more, of both sides or of the client only, and closes nothing: as a pulled cable does. */
  silence(which: "both" | "client" = "both"): void {
    this.#silent = which;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(client: Socket, plan: CuttingPlan): void {
    const server = connect({ port: this.#targetPort, host: "127.0.0.1", noDelay: true });
    const carried: CarriedBytes = { client: [], server: [] };
    if (this.recording) this.carried.push(carried);
    const cut = () => {
      for (const socket of [client, server]) {
        if (plan.finish === "reset") socket.resetAndDestroy();
        else socket.end(() => socket.destroySoon());
      }
    };
    this.#watch(client, server);
    this.#watch(server, client);
    const { clientBytes = Number.POSITIVE_INFINITY, serverBytes = Number.POSITIVE_INFINITY } = plan;
    const up: Pipe = {
      from: client,
      to: server,
      limit: clientBytes,
      cuts: plan.clientCuts ?? [],
      forwarded: 0,
      queue: Promise.resolve(),
    };
    const down: Pipe = {
      from: server,
      to: client,
      limit: serverBytes,
      cuts: plan.serverCuts ?? [],
      forwarded: 0,
      queue: Promise.resolve(),
    };
    if (clientBytes === 0 || serverBytes === 0) {
      // The connection itself is made: it is not a port on which nobody listens.
      server.once("connect", cut);
      return;
    }
    client.on("data", (chunk: Buffer) => {
      if (this.#silent !== "none") return;
      if (this.recording) carried.client.push(chunk);
      this.#forward(up, chunk, cut, plan.barrier);
    });
    server.on("data", (chunk: Buffer) => {
      if (this.#silent === "both") return;
      if (this.recording) carried.server.push(chunk);
      this.#forward(down, chunk, cut, () => new Promise(setImmediate));
    });
  }

  #watch(socket: Socket, other: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#sockets.delete(socket);
      if (this.#silent !== "both") other.destroySoon();
    });
  }

  #forward(pipe: Pipe, chunk: Buffer, cut: () => void, barrier: CuttingPlan["barrier"]): void {
    if (pipe.cuts.length > 0) {
      pipe.queue = pipe.queue.then(() => this.#forwardInPieces(pipe, chunk, barrier));
      return;
    }
    if (pipe.forwarded >= pipe.limit) return;
    const piece = chunk.subarray(0, pipe.limit - pipe.forwarded);
    pipe.forwarded += piece.length;
    if (!pipe.to.writable) return;
    if (pipe.forwarded < pipe.limit) {
      pipe.to.write(piece);
    } else {
      // Once they are written they are the operating system's: a reset must not overtake them.
      pipe.to.write(piece, cut);
    }
  }

  async #forwardInPieces(pipe: Pipe, chunk: Buffer, barrier: CuttingPlan["barrier"]): Promise<void> {
    const end = pipe.forwarded + chunk.length;
    let from = pipe.forwarded;
    for (const cutAt of [...pipe.cuts.filter((at) => at > from && at < end), end]) {
      const piece = chunk.subarray(from - pipe.forwarded, cutAt - pipe.forwarded);
      await new Promise<void>((resolve) => {
        if (pipe.to.writable) pipe.to.write(piece, () => resolve());
        else resolve();
      });
      if (cutAt < end || pipe.cuts.includes(cutAt)) await barrier?.();
      from = cutAt;
    }
    pipe.forwarded = end;
  }
}
