/** The end of a chain of one's own: messages of bytes, into a mailslot. */
import { MailslotClient, type MailslotClientOptions } from "../ipc.ts";
import { messageHeadroom, type TransportSink, type TransportSinkProvider } from "../spi.ts";
import { mailslotCapabilities } from "./mailslot-channel.ts";

/** What {@link mailslotSinkProvider} can be told. */
export interface MailslotSinkOptions extends MailslotClientOptions {
  /** Takes what becomes of a message that could not be written: `send` tells nobody. */
  readonly onError: (error: unknown) => void;
}

/** Writes each message into a mailslot. */
export interface MailslotSink extends TransportSink, AsyncDisposable {
  /** Closes it. What waits for room is not written. */
  close(): void;
}

/** Makes the end of chains that end in a mailslot. */
export interface MailslotSinkProvider extends TransportSinkProvider {
  connect(address: string): Promise<MailslotSink>;
}

class ClientSink implements MailslotSink {
  readonly maxMessageSize: number;
  readonly #client: MailslotClient;
  readonly #onError: (error: unknown) => void;
  #queuedBytes = 0;

  constructor(client: MailslotClient, maxMessageSize: number, onError: (error: unknown) => void) {
    this.#client = client;
    this.maxMessageSize = maxMessageSize;
    this.#onError = onError;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  send(memory: Buffer, length: number, release: (memory: Buffer) => void, tail?: Uint8Array): void {
    const head = memory.subarray(messageHeadroom, length);
    // Copied by `write` before it returns.
    const written = this.#client.write(tail === undefined ? head : Buffer.concat([head, tail]));
    release(memory);
    const bytes = head.length + (tail?.length ?? 0);
    this.#queuedBytes += bytes;
    written.catch(this.#onError).finally(() => {
      this.#queuedBytes -= bytes;
    });
  }

  flush(): void {}

  close(): void {
    this.#client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

/**
 * Lets any chain end in a mailslot: `connect("name")` opens it, and each `send` writes a message.
 *
 * @example
 * ```ts
 * const sink = await mailslotSinkProvider({ onError: console.error }).connect("log");
 * ```
 */
export function mailslotSinkProvider(options: MailslotSinkOptions): MailslotSinkProvider {
  const { onError, ...clientOptions } = options;
  const { maxMessageSize = 65_536 } = options;
  return {
    scheme: "mailslot",
    capabilities: mailslotCapabilities(maxMessageSize),
    async connect(address) {
      const client = new MailslotClient(address, clientOptions);
      client.open();
      return new ClientSink(client, maxMessageSize, onError);
    },
  };
}
