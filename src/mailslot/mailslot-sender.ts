/** The writing end of the channel. */
import { IpcError, MailslotClient } from "../ipc.ts";
import {
  AbortError,
  ByteWriter,
  type ChannelHost,
  type ChannelSender,
  ConnectError,
  ConnectionLostError,
  chainMessageSinks,
  defaultPayloadLimits,
  encodeContext,
  FormatterSink,
  LimitExceededError,
  type MessageSink,
  type MethodCall,
  type NextMessageSink,
  type PeerHost,
  RemotingError,
  RemotingTimeoutError,
} from "../spi.ts";
import type { MailslotSettings } from "./mailslot-channel-options.ts";
import { writeDatagram } from "./mailslot-datagram.ts";

const noContext = Buffer.alloc(0);

/** Sends one-way calls to one slot. */
export class MailslotSender implements ChannelSender {
  readonly #url: string;
  readonly #settings: MailslotSettings;
  readonly #client: MailslotClient;
  readonly #peer: PeerHost;
  readonly #formatter: FormatterSink;
  readonly #chain: NextMessageSink;

  constructor(address: string, settings: MailslotSettings, host: ChannelHost) {
    const { formatters, messageSinks, folder, writeTimeout, limits } = settings;
    this.#url = `mailslot://${address}`;
    this.#settings = settings;
    this.#client = new MailslotClient(address, { writeTimeout, ...(folder === undefined ? {} : { folder }) });
    this.#peer = host.openPeer({
      peer: {
        url: this.#url,
        peerName: address,
        direction: "outgoing",
        principal: undefined,
        isLocal: false,
      },
    });
    // Without definitions: every message stands alone.
    const codec = formatters[0].createCodec({
      limits: { ...defaultPayloadLimits, ...host.limits, ...limits },
    });
    this.#formatter = new FormatterSink(codec, this.#peer.marshaler);
    const sinks = messageSinks
      .map((provider) => provider.createClientSink?.())
      .filter((sink): sink is MessageSink => sink !== undefined);
    this.#chain = chainMessageSinks(sinks, async (call) => ({ value: await this.#write(call) }));
  }

  async send(call: MethodCall): Promise<unknown> {
    const { value } = await this.#chain(call);
    return value;
  }

  async #write(call: MethodCall): Promise<undefined> {
    const { kind, target, method, oneWay, options } = call;
    if (kind === "construct" || !oneWay) {
      throw new RemotingError(
        `${kind === "construct" ? target : `${target}.${method}`} cannot be called over ${this.#url}: a mailslot carries no replies, so only methods that are marked @OneWay() can be called`,
      );
    }
    const message = this.#format(call);
    const { timeout = this.#settings.writeTimeout, signal } = options;
    const room = timeout === 0 ? this.#settings.writeTimeout : Math.min(timeout, this.#settings.writeTimeout);
    try {
      await this.#client.write(message, { timeout: room, signal });
    } catch (error) {
      throw this.#failure(error);
    }
    return undefined;
  }

  #format({ target, method, args, context }: MethodCall): Buffer {
    const { formatters, maxMessageSize } = this.#settings;
    const encoded = context === undefined ? noContext : encodeContext(context);
    const writer = new ByteWriter();
    const attachments = this.#formatter.format(args, "args", writer);
    const body = writer.written();
    const [{ name: formatter }] = formatters;
    return writeDatagram({ formatter, target, method, context: encoded, attachments, body }, maxMessageSize);
  }

  /** In the words of channels: nothing of it was written. */
  #failure(error: unknown): unknown {
    if (error instanceof AbortError || !(error instanceof IpcError)) return error;
    const { fault, message } = error;
    switch (fault) {
      case "too-large":
        return new LimitExceededError("maxMessageSize", message, { cause: error });
      case "full":
        return new RemotingTimeoutError(message, { cause: error });
      case "closed":
        return new ConnectionLostError(`The channel to ${this.#url} was closed by this side`, {
          reason: "local",
          cause: error,
        });
      default:
        return new ConnectError(`${this.#url} cannot be reached: ${message}`, { cause: error });
    }
  }

  /** There is no connection to lose. */
  async whenDisconnected(): Promise<undefined> {
    return undefined;
  }

  /** What was written stays written; what waits for room fails. */
  async close(): Promise<void> {
    this.#client.close();
    this.#peer.closed(undefined);
  }
}
