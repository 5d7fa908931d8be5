/** A client that is none: a socket that sends whatever it is told to, and listens to what comes back. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { FrameReader, frame, type HelloOptions, hello, kind, message, type ReceivedFrame } from "./frames.ts";
import { within } from "./within.ts";

/** In which whatever is to happen has to happen. Long, for busy machines. */
const patience = 30_000;

export class RawPeer {
  readonly socket: Socket;
  readonly received: ReceivedFrame[] = [];
  readonly #reader = new FrameReader();
  readonly #closed: Promise<unknown>;
  #wake: () => void = () => {};
  #lastPing = 0;

  /** Takes part over a socket that is connected. */
  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {});
    this.#closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("data", (chunk: Buffer) => {
      this.received.push(...this.#reader.read(chunk));
      this.#wake();
    });
    socket.once("close", () => this.#wake());
  }

  static async connect(port: number): Promise<RawPeer> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const peer = new RawPeer(socket);
    await once(socket, "connect");
    return peer;
  }

  /** Connects and shakes hands as a good client does. */
  static async open(port: number, options: HelloOptions = {}): Promise<RawPeer> {
    const peer = await RawPeer.connect(port);
    peer.send(hello(options));
    await peer.next(kind.welcome);
    return peer;
  }

  /** Sends frames as one message. */
  send(...frames: readonly Uint8Array[]): void {
    this.socket.write(message(frames));
  }

  /** Sends bytes as they are, and waits until the operating system has them. */
  async write(bytes: Uint8Array): Promise<void> {
    await new Promise<void>((resolve) => this.socket.write(bytes, () => resolve()));
  }

  /** The first frame of a kind, and of an id if one is given, that has not been taken yet. */
  async next(wanted: number, id?: number): Promise<ReceivedFrame> {
    const find = async (): Promise<ReceivedFrame> => {
      for (;;) {
        const index = this.received.findIndex(
          (candidate) => candidate.kind === wanted && (id === undefined || candidate.id === id),
        );
        const [found] = index < 0 ? [] : this.received.splice(index, 1);
        if (found !== undefined) return found;
        assert(!this.socket.closed, `the connection was closed before a frame of kind ${wanted} came`);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    };
    return within(patience, find(), `a frame of kind ${wanted}`);
  }

  /** Demands that the connection lives and that everything sent so far was looked at. */
  async expectOpen(): Promise<void> {
    const id = ++this.#lastPing;
    this.send(frame(kind.ping, 0, id));
    await this.next(kind.pong, id);
  }

  /** Demands that the other side ends the connection. */
  async expectClosed(): Promise<void> {
    await within(patience, this.#closed, "the end of a connection that cannot be trusted");
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    this.socket.destroy();
    await this.#closed;
  }
}
