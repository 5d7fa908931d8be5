/** A connection whose other end is a test: it sees each frame that is sent, and says what comes back, byte by byte. */
import {
  ByteWriter,
  type Connection,
  type ConnectionHandler,
  duplexCapabilities,
  messageHeadroom,
  type Transport,
} from "../../../src/spi.ts";

/** A frame that the session under test has sent. */
export interface SentFrame {
  readonly kind: number;
  readonly flags: number;
  readonly id: number;
  readonly body: Buffer;
}

/** Builds a frame. */
export function frame(
  kind: number,
  flags = 0,
  id = 0,
  write: (writer: ByteWriter) => void = () => {},
): Buffer {
  const body = new ByteWriter();
  write(body);
  const writer = new ByteWriter();
  writer.writeUint32(6 + body.position);
  writer.writeUint8(kind);
  writer.writeUint8(flags);
  writer.writeUint32(id);
  writer.writeBytes(body.written());
  return Buffer.from(writer.written());
}

export class ScriptedConnection implements Connection {
  readonly maxMessageSize = Number.POSITIVE_INFINITY;
  readonly peerName = "the test";
  isLocal = false;
  sendsCheaply = false;
  fragmentSize: number | undefined;
  queuedBytes = 0;
  readonly sent: SentFrame[] = [];
  handler: ConnectionHandler | undefined;
  /** How the session has ended the connection. */
  ended: "closed" | "destroyed" | undefined;
  #waiting: (() => void)[] = [];

  start(handler: ConnectionHandler): void {
    this.handler = handler;
  }

  send(memory: Buffer, length: number, release: (memory: Buffer) => void, tail?: Uint8Array): void {
    const message = Buffer.concat([memory.subarray(messageHeadroom, length), tail ?? Buffer.alloc(0)]);
    release(memory);
    for (let at = 0; at < message.length; at += 4 + message.readUInt32BE(at)) {
      this.sent.push({
        kind: message.readUInt8(at + 4),
        flags: message.readUInt8(at + 5),
        id: message.readUInt32BE(at + 6),
        body: message.subarray(at + 10, at + 4 + message.readUInt32BE(at)),
      });
    }
    this.#notify();
  }

  flush(): void {}

  async close(): Promise<void> {
    this.#end("closed");
  }

  destroy(): void {
    this.#end("destroyed");
  }

  keepAlive(): void {}

  #end(how: "closed" | "destroyed"): void {
    if (this.ended !== undefined) return;
    this.ended = how;
    queueMicrotask(() => this.handler?.onClose());
    this.#notify();
  }

  #notify(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Delivers frames as one message, in one piece. */
  deliver(...frames: readonly Uint8Array[]): void {
    const message = Buffer.concat(frames);
    const handler = this.handler;
    if (handler === undefined) throw new Error("the session has not started the connection");
    if (message.length > handler.messageLimit) handler.onInvalid(`${message.length} bytes`);
    else handler.onMessage(message, 0, message.length, 0);
  }

  /** Waits for a frame of a kind; takes it. */
  async next(kind: number, id?: number): Promise<SentFrame> {
    for (;;) {
      const index = this.sent.findIndex((sent) => sent.kind === kind && (id === undefined || sent.id === id));
      const [found] = index < 0 ? [] : this.sent.splice(index, 1);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Waits until the session has ended the connection. */
  async whenEnded(): Promise<"closed" | "destroyed"> {
    while (this.ended === undefined) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.ended;
  }
}

/** A transport whose connections are scripted. */
export class ScriptedTransport implements Transport {
  isLocal(): boolean {
    return true;
  }

  readonly scheme = "scripted";
  readonly capabilities = duplexCapabilities;
  readonly #connect: () => Promise<Connection>;
  #accept: (connection: Connection) => void = () => {};

  /** @param connect Makes the connections of clients. */
  constructor(connect: () => Promise<Connection> = () => Promise.reject(new Error("nobody is there"))) {
    this.#connect = connect;
  }

  connect(): Promise<Connection> {
    return this.#connect();
  }

  async listen(address: string, accept: (connection: Connection) => void) {
    this.#accept = accept;
    return { address, close: async () => {} };
  }

  /** A client of the server that listens. */
  accept(isLocal = false): ScriptedConnection {
    const connection = new ScriptedConnection();
    connection.isLocal = isLocal;
    this.#accept(connection);
    return connection;
  }
}
