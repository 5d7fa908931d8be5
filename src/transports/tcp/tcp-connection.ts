/**
 * Messages over a byte stream: each is preceded by its length. Serves every Node stream socket, so that
 * other stream transports can use it too.
 */
import type { Socket } from "node:net";
import {
  type Connection,
  type ConnectionHandler,
  messageHeadroom,
  type Principal,
  readUint32,
  writeUint32,
} from "../../spi.ts";
import type { SocketOwner } from "./owned-socket.ts";

const prefixSize = 4;

/** How many queued bytes are few enough to ask for more. */
const lowWater = 128 * 1024;

interface HeldMessage {
  readonly memory: Buffer;
  readonly length: number;
  readonly release: (memory: Buffer) => void;
  readonly tail: Uint8Array | undefined;
}

/** What TLS knows of a connection and TCP does not. */
export type StreamIdentity = Pick<Connection, "principal" | "refusal" | "channelBinding">;

/** A connection over a socket that is already connected. Owns the socket. */
export class TcpConnection implements Connection, SocketOwner {
  readonly peerName: string;
  /** Whether the peer is on this machine. Set before the connection is handed on. */
  isLocal = false;
  /** What the layer between this one and TCP knows of the peer. Set before the connection is handed on. */
  identity: StreamIdentity | undefined;
  readonly #socket: Socket;
  #handler: ConnectionHandler | undefined;
  /** A message that waits for whether another one follows, to be written together with it. */
  #held: HeldMessage | undefined;
  #corked = false;
  /** The length of the message being received, and how many of its bytes are still to come. */
  #missing = 0;
  /** A length that has not fully arrived: its first bytes, and how many they are. */
  #prefix = 0;
  #prefixFilled = 0;
  #error: Error | undefined;
  /** What came before {@link start}: only a stranger speaks first. */
  #early: Buffer[] | undefined;

  /** @param open Makes the socket, which is connected or about to be, and tells its owner what happens to it. */
  constructor(peerName: string, open: (owner: SocketOwner) => Socket) {
    this.peerName = peerName;
    this.#socket = open(this);
  }

  get maxMessageSize(): number {
    return Number.POSITIVE_INFINITY;
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  get principal(): Principal | undefined {
    return this.identity?.principal;
  }

  get refusal(): string | undefined {
    return this.identity?.refusal;
  }

  get channelBinding(): Uint8Array | undefined {
    return this.identity?.channelBinding;
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler;
    const socket = this.#socket;
    for (const chunk of this.#early ?? []) process.nextTick(() => this.receive(chunk, chunk.length));
    this.#early = undefined;
    if (socket.closed) process.nextTick(() => this.onClosed());
  }

  onError(error: Error): void {
    this.#error ??= error;
  }

  onClosed(): void {
    const handler = this.#handler;
    if (handler === undefined) return;
    this.#handler = undefined;
    if (this.#socket.readableEnded && (this.#missing > 0 || this.#prefixFilled > 0)) {
      this.#error ??= new Error("the peer closed the connection in the middle of a message");
    }
    handler.onClose(this.#error);
  }

  send(memory: Buffer, length: number, release: (memory: Buffer) => void, tail?: Uint8Array): void {
    const size = length - messageHeadroom + (tail === undefined ? 0 : tail.length);
    writeUint32(memory, messageHeadroom - prefixSize, size);
    const held = this.#held;
    if ((held !== undefined || tail !== undefined) && !this.#corked) {
      this.#corked = true;
      this.#socket.cork();
    }
    if (held !== undefined) this.#write(held);
    this.#held = { memory, length, release, tail };
  }

  flush(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#write(held);
    if (this.#corked) {
      this.#corked = false;
      this.#socket.uncork();
    }
  }

  #write({ memory, length, release, tail }: HeldMessage): void {
    const socket = this.#socket;
    if (!socket.writable) return;
    socket.write(memory.subarray(messageHeadroom - prefixSize, length), () => {
      release(memory);
      if (socket.writableLength <= lowWater) this.#handler?.onDrain();
    });
    if (tail !== undefined) socket.write(tail);
  }

  receive(chunk: Buffer, end: number): void {
    const handler = this.#handler;
    if (handler === undefined) {
      if (this.#socket.closed) return;
      this.#early ??= [];
      this.#early.push(Buffer.from(chunk.subarray(0, end)));
      return;
    }
    let position = 0;
    while (position < end) {
      if (this.#missing > 0) {
        const next = Math.min(end, position + this.#missing);
        this.#missing -= next - position;
        handler.onMessage(chunk, position, next, this.#missing);
        position = next;
        continue;
      }
      let length: number;
      if (this.#prefixFilled === 0 && end - position >= prefixSize) {
        length = readUint32(chunk, position);
        position += prefixSize;
      } else {
        this.#prefix = ((this.#prefix << 8) | chunk.readUInt8(position++)) >>> 0;
        if (++this.#prefixFilled < prefixSize) continue;
        length = this.#prefix;
        this.#prefix = 0;
        this.#prefixFilled = 0;
      }
      if (length === 0 || length > handler.messageLimit) {
        handler.onInvalid(describeLength(length, handler.messageLimit));
        return;
      }
      if (end - position >= length) {
        handler.onMessage(chunk, position, position + length, 0);
        position += length;
      } else {
        this.#missing = length - (end - position);
        if (position < end) handler.onMessage(chunk, position, end, this.#missing);
        return;
      }
    }
  }

  close(): Promise<void> {
    const socket = this.#socket;
    if (socket.closed) return Promise.resolve();
    return new Promise((resolve) => {
      socket.once("close", () => resolve());
      this.flush();
      // The peer may have ended too, or may never do so: what was written is what counts.
      socket.end(() => {
        if (!socket.readableEnded) socket.destroySoon();
      });
    });
  }

  destroy(): void {
    this.#socket.destroy();
  }

  keepAlive(active: boolean): void {
    if (active) this.#socket.ref();
    else this.#socket.unref();
  }
}

/** What a length that cannot be one tells of the peer. */
function describeLength(length: number, limit: number): string {
  const text = Buffer.allocUnsafe(prefixSize);
  text.writeUInt32BE(length);
  const start = text.toString("latin1");
  if (
    start === "HTTP" ||
    start === "GET " ||
    start === "POST" ||
    start === "HEAD" ||
    start === "PUT " ||
    start === "OPTI"
  ) {
    return "it speaks HTTP";
  }
  // A hello or an alert of TLS.
  if ((text[0] === 0x16 || text[0] === 0x15) && text[1] === 0x03) return "it speaks TLS: is it tcps://?";
  return `a message of ${length} bytes, where at most ${limit} are allowed`;
}
