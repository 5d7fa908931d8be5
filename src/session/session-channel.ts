/** A channel made of a transport: sessions over its connections. */
import type { Channel, ChannelHost, ChannelListener, ChannelSender } from "../channels/channel.ts";
import type { ChannelSinkProvider } from "../channels/channel-sink.ts";
import { defaultPayloadLimits, type Formatter, type PayloadLimits } from "../channels/formatter.ts";
import type { MessageSinkProvider } from "../channels/message-sink.ts";
import { defaultPeerLimits, type PeerLimits } from "../channels/peer-host.ts";
import type { Transport } from "../channels/transport.ts";
import { AccessDeniedError } from "../errors.ts";
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
  /** Bounds that differ from the domain's, and those from the defaults; `docs/limits.md` has all of them. */
  readonly limits?: Partial<ChannelLimits>;
  /**
   * Lets it listen on addresses that other machines can reach although nothing tells who calls. Default `false`:
   * whoever reaches such an address could call every published method.
   */
  readonly allowAnonymousRemote?: boolean;
}

/** All bounds that a channel has. */
export interface ChannelLimits extends SessionLimits, PayloadLimits, PeerLimits {}

/** What holds unless a domain or a channel says otherwise. */
export const defaultChannelLimits: ChannelLimits = {
  ...defaultSessionLimits,
  ...defaultPayloadLimits,
  ...defaultPeerLimits,
};

/** See the head of this file. */
export class SessionChannel implements Channel {
  readonly name: string;
  readonly priority: number;
  readonly scheme: string;
  readonly capabilities: Channel["capabilities"];
  readonly #transport: Transport;
  readonly #options: SessionChannelOptions;
  readonly #pool = new BufferPool(pooledBufferSize);
  readonly #heartbeat = new Heartbeat();

  constructor(transport: Transport, options: SessionChannelOptions) {
    this.name = options.name ?? transport.scheme;
    this.priority = options.priority ?? 1;
    this.scheme = transport.scheme;
    this.capabilities = transport.capabilities;
    this.#transport = transport;
    this.#options = options;
    checkLimits(options.limits ?? {});
  }

  #context(host: ChannelHost): SessionChannelContext {
    const { formatters, messageSinks = [], channelSinks = [] } = this.#options;
    const limits: ChannelLimits = { ...defaultChannelLimits, ...host.limits, ...this.#options.limits };
    return {
      transport: this.#transport,
      formatters,
      messageSinks,
      channelSinks,
      limits,
      pool: this.#pool,
      heartbeat: this.#heartbeat,
    };
  }

  createSender(address: string, host: ChannelHost): ChannelSender {
    return new SessionSender(address, this.#context(host), host);
  }

  async listen(address: string, host: ChannelHost): Promise<ChannelListener> {
    this.#refuseStrangers(address);
    const listener = new SessionListener(this.#context(host), host);
    await listener.start(address);
    return listener;
  }

  /** Whoever can reach a published method can call it, unless it is known who that is. */
  #refuseStrangers(address: string): void {
    const { allowAnonymousRemote = false } = this.#options;
    const transport = this.#transport;
    if (allowAnonymousRemote || transport.authenticatesPeers === true || transport.isLocal(address)) return;
    throw new AccessDeniedError(
      `${this.scheme}://${address} can be reached from other machines, and nothing tells who calls: listen on 127.0.0.1, or, if the network itself is trusted, give the channel allowAnonymousRemote: true`,
    );
  }
}

/** Throws TypeError for a limit that is not one. */
export function checkLimits(limits: Readonly<Record<string, unknown>> | Partial<ChannelLimits>): void {
  for (const [name, value] of Object.entries(limits)) {
    if (!(name in defaultChannelLimits)) {
      throw new TypeError(
        `There is no limit named ${name}: expected ${Object.keys(defaultChannelLimits).join(", ")}`,
      );
    }
    if (!Number.isInteger(value) || Number(value) < 0) {
      throw new TypeError(`The limit ${name} must be a whole number of at least 0, not ${String(value)}`);
    }
  }
}
