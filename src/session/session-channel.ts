/** A channel made of a transport: sessions over its connections. */
import type { Channel, ChannelHost, ChannelListener, ChannelSender } from "../channels/channel.ts";
import type { ChannelSinkProvider } from "../channels/channel-sink.ts";
import { defaultPayloadLimits, type Formatter, type PayloadLimits } from "../channels/formatter.ts";
import type { MessageSinkProvider } from "../channels/message-sink.ts";
import type { Transport } from "../channels/transport.ts";
import { BufferPool } from "./buffer-pool.ts";
import { Heartbeat } from "./heartbeat.ts";
import { defaultSessionLimits, pooledBufferSize, type SessionLimits } from "./session-limits.ts";
import { SessionListener } from "./session-listener.ts";
import type { SessionChannelContext } from "./session-options.ts";
import { SessionSender } from "./session-sender.ts";

/** What makes one channel over a transport different from another. */
export interface SessionChannelOptions {
  /** Unique within a domain. Default: the transport's scheme. */
  readonly name?: string;
  /** Of several channels for one scheme the highest wins. Default 1, as in .NET. */
  readonly priority?: number;
  /**
   * What can be spoken: a client speaks the first, a server whichever of them the client asks for.
   */
  readonly formatters: readonly [Formatter, ...Formatter[]];
  /** Links that see messages. Default none. The first is nearest to the application. */
  readonly messageSinks?: readonly MessageSinkProvider[];
  /** Links that see bytes. Default none. The same, in the same order, on both sides. */
  readonly channelSinks?: readonly ChannelSinkProvider[];
  /** Bounds that differ from {@link defaultSessionLimits} and {@link defaultPayloadLimits}. */
  readonly limits?: Partial<SessionLimits & PayloadLimits>;
}

/** See the head of this file. */
export class SessionChannel implements Channel {
  readonly name: string;
  readonly priority: number;
  readonly scheme: string;
  readonly capabilities: Channel["capabilities"];
  readonly #context: SessionChannelContext;

  constructor(transport: Transport, options: SessionChannelOptions) {
    this.name = options.name ?? transport.scheme;
    this.priority = options.priority ?? 1;
    this.scheme = transport.scheme;
    this.capabilities = transport.capabilities;
    const limits = { ...defaultSessionLimits, ...defaultPayloadLimits, ...options.limits };
    for (const [name, value] of Object.entries(limits)) {
      if (!Number.isInteger(value) || value < 0) {
        throw new TypeError(`The limit ${name} must be a whole number of at least 0, not ${value}`);
      }
    }
    this.#context = {
      transport,
      formatters: options.formatters,
      messageSinks: options.messageSinks ?? [],
      channelSinks: options.channelSinks ?? [],
      limits,
      payloadLimits: limits,
      pool: new BufferPool(pooledBufferSize),
      heartbeat: new Heartbeat(),
    };
  }

  createSender(address: string, host: ChannelHost): ChannelSender {
    return new SessionSender(address, this.#context, host);
  }

  async listen(address: string, host: ChannelHost): Promise<ChannelListener> {
    const listener = new SessionListener(this.#context, host);
    await listener.start(address);
    return listener;
  }
}
