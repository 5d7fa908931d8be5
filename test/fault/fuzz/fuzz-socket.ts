/** A socket that leads nowhere: what is written is only looked through, what is received the fuzzer delivers. */
import { once } from "node:events";
import { Socket } from "node:net";
import { giveTo } from "../../../src/transports/tcp/owned-socket.ts";
import { TcpConnection } from "../../../src/transports/tcp/tcp-connection.ts";
import { collectIds } from "./corpus.ts";

/** See the head of this file. */
export class FuzzSocket extends Socket {
  /** The ids that the side under test has made known, in their order. */
  readonly ids: string[] = [];
  /** Messages that it has sent. */
  sent = 0;
  #onWritten: () => void = () => {};
  /** Resolves when the side under test has sent something. */
  readonly whenWritten = new Promise<void>((resolve) => {
    this.#onWritten = resolve;
  });

  // Socket declares five forms of this; the one that TcpConnection uses is enough.
  override write(bytes: Uint8Array | string, ...rest: unknown[]): boolean {
    this.sent++;
    this.#onWritten();
    const text =
      typeof bytes === "string"
        ? bytes
        : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
    if (text.includes("~")) collectIds(text, this.ids);
    const done = rest.at(-1);
    if (typeof done === "function") process.nextTick(done as () => void);
    return true;
  }

  override end(...rest: unknown[]): this {
    const done = rest.at(-1);
    if (typeof done === "function") process.nextTick(done as () => void);
    this.destroy();
    return this;
  }
}

/** One end of a connection: the side under test has `connection`, the fuzzer delivers to it. */
export class FuzzLink {
  readonly socket = new FuzzSocket();
  readonly connection = new TcpConnection("fuzz", (owner) => giveTo(this.socket, owner));

  get ids(): readonly string[] {
    return this.socket.ids;
  }

  get sent(): number {
    return this.socket.sent;
  }

  get isOpen(): boolean {
    return !this.socket.destroyed;
  }

  /** Ends the connection, and resolves when its side knows. */
  async close(): Promise<void> {
    this.socket.destroy();
    if (!this.socket.closed) await once(this.socket, "close");
    await new Promise((resolve) => process.nextTick(resolve));
  }

  /** Delivers bytes of the stream, in memory that is used for something else right afterwards. */
  deliver(bytes: Uint8Array): void {
    const memory = Buffer.from(bytes);
    this.connection.receive(memory, memory.length);
    memory.fill(0xaa);
  }
}
