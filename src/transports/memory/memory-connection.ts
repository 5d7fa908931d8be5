/** Two ends in one thread. Bytes are copied, and arrive in a later turn: as over any other connection. */
import { type Connection, type ConnectionHandler, messageHeadroom } from "../../spi.ts";

/** One of two ends. */
export class MemoryConnection implements Connection {
  readonly maxMessageSize = Number.POSITIVE_INFINITY;
  readonly peerName: string;
  readonly isLocal = true;
  #peer: MemoryConnection | undefined;
  #handler: ConnectionHandler | undefined;
  #inbox: Buffer[] = [];
  #queuedBytes = 0;
  #scheduled = false;
  #open = true;
  /** The other end is gone; its last messages may still wait here. */
  #ended = false;
  #whenClosed: Promise<void>;
  #resolveClosed: () => void = () => {};

  private constructor(peerName: string) {
    this.peerName = peerName;
    this.#whenClosed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /** Two ends that lead to each other. */
  static pair(name: string): [client: MemoryConnection, server: MemoryConnection] {
    const client = new MemoryConnection(`memory:${name}`);
    const server = new MemoryConnection(`memory:${name} (client)`);
    client.#peer = server;
    server.#peer = client;
    return [client, server];
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler;
    this.#schedule();
  }

  send(memory: Buffer, length: number, release: (memory: Buffer) => void, tail?: Uint8Array): void {
    const peer = this.#peer;
    if (this.#open && peer !== undefined) {
      const head = memory.subarray(messageHeadroom, length);
      const message = tail === undefined ? Buffer.from(head) : Buffer.concat([head, tail]);
      this.#queuedBytes += message.length;
      peer.#inbox.push(message);
      peer.#schedule();
    }
    release(memory);
  }

  flush(): void {}

  #schedule(): void {
    if (this.#scheduled || this.#handler === undefined) return;
    this.#scheduled = true;
    setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    this.#scheduled = false;
    const handler = this.#handler;
    if (handler === undefined) return;
    const messages = this.#inbox;
    this.#inbox = [];
    for (const message of messages) {
      if (!this.#open) break;
      if (this.#peer !== undefined) this.#peer.#queuedBytes -= message.length;
      if (message.length > handler.messageLimit) {
        handler.onInvalid(
          `a message of ${message.length} bytes, where at most ${handler.messageLimit} are allowed`,
        );
        break;
      }
      handler.onMessage(message, 0, message.length, 0);
    }
    if (messages.length > 0 && this.#peer !== undefined) this.#peer.#drained();
    if (this.#ended && this.#inbox.length === 0) this.#finish();
  }

  #drained(): void {
    this.#handler?.onDrain();
  }

  close(): Promise<void> {
    this.#finish();
    return this.#whenClosed;
  }

  destroy(): void {
    this.#finish();
  }

  #finish(): void {
    if (!this.#open) return;
    this.#open = false;
    const peer = this.#peer;
    if (peer !== undefined) {
      peer.#ended = true;
      peer.#schedule();
    }
    setImmediate(() => {
      this.#handler?.onClose();
      this.#resolveClosed();
    });
  }

  keepAlive(): void {
    // There is no handle that would keep the process running.
  }
}
