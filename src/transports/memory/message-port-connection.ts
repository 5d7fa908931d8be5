/** A connection over a `MessagePort`: between threads. */
import type { MessagePort } from "node:worker_threads";
import { type Connection, type ConnectionHandler, messageHeadroom } from "../../spi.ts";

/** How the two ends tell each other what `postMessage` does not: how much was taken, and that it is over. */
type ControlMessage = { readonly taken: number } | "end";

/** One end; owns the port. */
export class MessagePortConnection implements Connection {
  readonly maxMessageSize = Number.POSITIVE_INFINITY;
  readonly isLocal = true;
  readonly peerName: string;
  readonly #port: MessagePort;
  #queuedBytes = 0;
  #error: Error | undefined;
  readonly #whenClosed: Promise<void>;

  constructor(port: MessagePort, peerName: string) {
    this.#port = port;
    this.peerName = peerName;
    this.#whenClosed = new Promise((resolve) => port.once("close", () => resolve()));
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  start(handler: ConnectionHandler): void {
    this.#port.on("message", (message: Uint8Array | ControlMessage) => {
      if (message instanceof Uint8Array) {
        this.#receive(Buffer.from(message.buffer, message.byteOffset, message.byteLength), handler);
      } else if (message === "end") {
        this.#port.close();
      } else if (typeof message?.taken === "number") {
        this.#queuedBytes -= message.taken;
        handler.onDrain();
      }
    });
    this.#port.once("messageerror", (error) => {
      this.#error = error;
      this.#port.close();
    });
    this.#port.once("close", () => handler.onClose(this.#error));
  }

  #receive(message: Buffer, handler: ConnectionHandler): void {
    this.#port.postMessage({ taken: message.length } satisfies ControlMessage);
    if (message.length === 0 || message.length > handler.messageLimit) {
      handler.onInvalid(
        `a message of ${message.length} bytes, where at most ${handler.messageLimit} are allowed`,
      );
    } else {
      handler.onMessage(message, 0, message.length, 0);
    }
  }

  send(memory: Buffer, length: number, release: (memory: Buffer) => void, tail?: Uint8Array): void {
    // Copied into memory of its own first: posting a view would clone the whole pooled buffer under it.
    const message = new Uint8Array(length - messageHeadroom + (tail?.length ?? 0));
    message.set(memory.subarray(messageHeadroom, length));
    if (tail !== undefined) message.set(tail, length - messageHeadroom);
    release(memory);
    this.#queuedBytes += message.length;
    this.#port.postMessage(message, [message.buffer]);
  }

  flush(): void {}

  close(): Promise<void> {
    this.#port.postMessage("end" satisfies ControlMessage);
    this.#port.close();
    return this.#whenClosed;
  }

  destroy(): void {
    this.#port.close();
  }

  keepAlive(active: boolean): void {
    if (active) this.#port.ref();
    else this.#port.unref();
  }
}
