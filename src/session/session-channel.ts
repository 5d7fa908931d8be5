/** A channel made of a transport: sessions over its connections. */
import type { Channel, ChannelHost, ChannelListener, ChannelSender } from "../channels/channel.ts";
import type { ChannelSinkProvider } from "../channels/channel-sink.ts";
import type { Formatter } from "../channels/formatter.ts";
import type { MessageSinkProvider } from "../channels/message-sink.ts";
import type { Transport } from "../channels/transport.ts";
import { AccessDeniedError } from "../errors.ts";
import { type ChannelLimits, checkLimits, defaultChannelLimits } from "./channel-limits.ts";
import { Heartbeat } from "./heartbeat.ts";
import { pooledBufferSize } from "./session-limits.ts";
import { SessionListener } from "./session-listener.ts";
import type { SessionChannelContext } from "./session-options.ts";
import { SessionPool } from "./session-pool.ts";
import { SessionSender } from "./session-sender.ts";
import type { SharedSecret, SharedSecrets } from "./shared-secret.ts";

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
   * What this side proves who it is with when it connects: {@link sharedSecret}. The server has to prove that it knows
   * the same secret, or the connection is refused. A function is asked for each connection, with the endpoint's URL, so
   * that servers can have secrets of their own. Default none.
   */
  readonly credentials?: SharedSecret | ((url: string) => SharedSecret | undefined);
  /**
   * The secrets that clients have to prove to know when this side listens: {@link sharedSecrets}. A client that knows
   * none of them is refused before anything it calls is looked at. A function is asked when it begins to listen.
   * Default none: whoever reaches the address may call.
   */
  readonly authentication?: SharedSecrets | (() => SharedSecrets);
  /**
   * Lets it listen on addresses that other machines can reach although nothing tells who calls. Default `false`:
   * whoever reaches such an address could call every published method.
   */
  readonly allowAnonymousRemote?: boolean;
}

/** See the head of this file. */
export class SessionChannel implements Channel {
  readonly name: string;
  readonly priority: number;
  readonly scheme: string;
  readonly capabilities: Channel["capabilities"];
  readonly #transport: Transport;
  readonly #options: SessionChannelOptions;
  readonly #pool = new SessionPool(pooledBufferSize);
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
    const { formatters, messageSinks = [], channelSinks = [], credentials } = this.#options;
    const limits: ChannelLimits = { ...defaultChannelLimits, ...host.limits, ...this.#options.limits };
    return {
      transport: this.#transport,
      formatters,
      messageSinks,
      channelSinks,
      limits,
      credentials,
      pool: this.#pool,
      heartbeat: this.#heartbeat,
    };
  }

  createSender(address: string, host: ChannelHost): ChannelSender {
    return new SessionSender(address, this.#context(host), host);
  }

  async listen(address: string, host: ChannelHost): Promise<ChannelListener> {
    this.#refuseStrangers(address);
    const { authentication } = this.#options;
    const secrets = typeof authentication === "function" ? authentication() : authentication;
    const listener = new SessionListener({ ...this.#context(host), authentication: secrets }, host);
    await listener.start(address);
    return listener;
  }

  /** Whoever can reach a published method can call it, unless it is known who that is. */
  #refuseStrangers(address: string): void {
    const { allowAnonymousRemote = false, authentication } = this.#options;
    const transport = this.#transport;
    if (authentication !== undefined || transport.authenticatesPeers === true) return;
    if (allowAnonymousRemote || transport.isLocal(address)) return;
    throw new AccessDeniedError(
      `${this.scheme}://${address} can be reached from other machines, and nothing tells who calls: listen on 127.0.0.1; or give the channel authentication: sharedSecrets({ … }), or use tcps:// with tls: { server: { requireClientCertificate: true, … } }; or, if the network itself is trusted, give the channel allowAnonymousRemote: true`,
    );
  }
}
