/** The channels of one domain, what listens on them, and the endpoints that are called over them. */
import type { Channel, ChannelHost, ChannelListener, ChannelSender } from "../channels/channel.ts";
import { type ChannelUrl, parseChannelUrl } from "../channels/channel-url.ts";
import { RemotingError } from "../errors.ts";
import { IpcError } from "../ipc/ipc-error.ts";
import {
  mailslotChannel,
  memoryChannel,
  pipeChannel,
  shmChannel,
  tcpChannel,
  tcpsChannel,
} from "./channel-factories.ts";

/** The channels that need not be registered: made with their defaults when their scheme is first used. */
const builtIn: ReadonlyMap<string, () => Channel> = new Map([
  ["tcp", tcpChannel],
  ["tcps", tcpsChannel],
  ["memory", memoryChannel],
  ["shm", shmChannel],
  ["mailslot", mailslotChannel],
  ["pipe", pipeChannel],
]);

/** The place that a configuration gives a channel. */
interface ConfiguredPlace {
  readonly endpoint: string;
  /** Whether the configuration says anything of its security. */
  readonly isSecured: boolean;
}

interface Endpoint {
  readonly channel: Channel;
  readonly sender: ChannelSender;
}

/** See the head of this file. */
export class ChannelRegistry {
  readonly #host: ChannelHost;
  readonly #closeGrace: number;
  readonly #channels = new Map<string, Channel>();
  /** Those that were made because nobody had registered one. */
  readonly #implicit = new Set<Channel>();
  /** By the name of the channel. */
  readonly #configured = new Map<string, ConfiguredPlace>();
  readonly #listeners = new Map<ChannelListener, Channel>();
  /** By channel and endpoint. */
  readonly #endpoints = new Map<string, Endpoint>();
  #isClosed = false;

  /** @param closeGrace Milliseconds that calls under way get when something is closed. */
  constructor(host: ChannelHost, closeGrace: number) {
    this.#host = host;
    this.#closeGrace = closeGrace;
  }

  /** Throws if the domain is closed. */
  assertOpen(): void {
    if (this.#isClosed) throw new RemotingError("The domain is closed");
  }

  /** Adds a channel. Throws TypeError if its name is taken. */
  register(channel: Channel): void {
    this.assertOpen();
    if (this.#channels.has(channel.name)) {
      throw new TypeError(
        `A channel named "${channel.name}" is registered already: give this one another name`,
      );
    }
    this.#channels.set(channel.name, channel);
  }

  /**
   * Adds a channel that has a place of its own: there it is used, and not the first of its scheme. A place outlives its
   * channel, so that nothing is served there with the settings of another when it is unregistered.
   */
  registerAt(url: string, channel: Channel, isSecured: boolean): void {
    this.register(channel);
    this.#configured.set(channel.name, { endpoint: parseChannelUrl(url).endpoint, isSecured });
  }

  /** Removes a channel and closes all that uses it. Throws TypeError if it is not registered. */
  async unregister(name: string): Promise<void> {
    const removed = this.#channels.get(name);
    if (removed === undefined) throw new TypeError(`No channel named "${name}" is registered`);
    this.#channels.delete(name);
    await this.#closeWhere((channel) => channel === removed);
  }

  /** All channels, those with the highest priority first. */
  get channels(): readonly Channel[] {
    return [...this.#channels.values()].sort((a, b) => b.priority - a.priority);
  }

  /** The channels that are listened on at present. */
  get listening(): Iterable<Channel> {
    return this.#listeners.values();
  }

  /** The addresses that are listened on at present. */
  get listenerUrls(): readonly string[] {
    return [...this.#listeners.keys()].map(({ url }) => url);
  }

  /** Whether there is a channel for a scheme, or can be. */
  serves(scheme: string): boolean {
    return builtIn.has(scheme) || this.channels.some((channel) => channel.scheme === scheme);
  }

  /**
   * The channel for an endpoint.
   *
   * @throws TypeError if there is none, or only one that would be less than what a configuration says of this endpoint.
   */
  channelFor({ scheme, endpoint }: Pick<ChannelUrl, "scheme" | "endpoint">): Channel {
    const place = [...this.#configured].find(([, configured]) => configured.endpoint === endpoint);
    return place === undefined ? this.#firstOf(scheme) : this.#channelNamed(...place);
  }

  #channelNamed(name: string, { endpoint, isSecured }: ConfiguredPlace): Channel {
    const named = this.#channels.get(name);
    if (named === undefined) {
      throw new TypeError(
        `The configuration gives ${endpoint} the channel "${name}", which is not registered any more: register one of that name`,
      );
    }
    // Between what the program registers and what the file says, priorities decide, as anywhere else.
    const first = this.channels.find(
      (channel) =>
        channel === named ||
        (channel.scheme === named.scheme &&
          !this.#implicit.has(channel) &&
          !this.#configured.has(channel.name)),
    );
    if (first === undefined || first === named) return named;
    if (!isSecured) return first;
    throw new TypeError(
      `The channel "${first.name}" comes before "${name}", and would drop what the configuration says of the security of ${endpoint}: give it a lower priority; or unregister "${name}", and register a channel of that name with all the settings`,
    );
  }

  #firstOf(scheme: string): Channel {
    const candidates = this.channels.filter((channel) => channel.scheme === scheme);
    const registered = candidates.find((channel) => !this.#implicit.has(channel)) ?? candidates[0];
    if (registered !== undefined) return registered;
    const channel = builtIn.get(scheme)?.();
    if (channel === undefined) {
      const known = new Set([...builtIn.keys(), ...this.channels.map((other) => other.scheme)]);
      throw new TypeError(
        `No channel serves ${scheme}:// (there are ${[...known].join(", ")}): register one with registerChannel()`,
      );
    }
    this.#channels.set(channel.name, channel);
    this.#implicit.add(channel);
    return channel;
  }

  /**
   * The way to an endpoint; the same one for the same endpoint and the same channel. Another channel, registered with a
   * higher priority, may have other credentials, and must not use what was opened with those of this one.
   */
  senderFor(url: string): ChannelSender {
    this.assertOpen();
    const { scheme, address, endpoint } = parseChannelUrl(url);
    const channel = this.channelFor({ scheme, endpoint });
    const key = `${channel.name}\n${endpoint}`;
    const known = this.#endpoints.get(key);
    if (known !== undefined) return known.sender;
    let sender: ChannelSender;
    try {
      sender = channel.createSender(address, this.#host);
    } catch (cause) {
      throw isIllegalName(cause) ? new TypeError(cause.message, { cause }) : cause;
    }
    this.#endpoints.set(key, { channel, sender });
    return sender;
  }

  /**
   * The channel to listen with at an address.
   *
   * @param name Of a configured channel: two of them can have the same address, if its port is 0.
   */
  channelToListen(url: string, name: string | undefined): Channel {
    const place = name === undefined ? undefined : this.#configured.get(name);
    if (name === undefined || place === undefined) return this.channelFor(parseChannelUrl(url));
    return this.#channelNamed(name, place);
  }

  /**
   * Listens at an address.
   *
   * @throws TypeError if there can be no such address; else a RemotingError that has the system's error as its cause.
   */
  async listen(url: string, channel: Channel): Promise<ChannelListener> {
    this.assertOpen();
    const { address, objectUri, endpoint } = parseChannelUrl(url);
    if (objectUri !== "") throw new TypeError(`"${url}" names an object: listen on ${endpoint}`);
    try {
      const listener = await channel.listen(address, this.#host);
      this.#listeners.set(listener, channel);
      return listener;
    } catch (cause) {
      if (isIllegalName(cause)) throw new TypeError(cause.message, { cause });
      // What an IpcError tells is the system's, as what Node's errors of sockets tell: one class for all channels.
      const isSaid = cause instanceof TypeError || cause instanceof RemotingError;
      if (isSaid && !(cause instanceof IpcError)) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new RemotingError(`Cannot listen on ${url}: ${reason}`, { cause });
    }
  }

  /** Stops listening, and ends the connections that were accepted. */
  async stop(listener: ChannelListener): Promise<void> {
    this.#listeners.delete(listener);
    await listener.close(this.#closeGrace);
  }

  /** Closes everything. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#closeWhere(() => true);
    this.#channels.clear();
  }

  async #closeWhere(matches: (channel: Channel) => boolean): Promise<void> {
    const listeners = [...this.#listeners].filter(([, channel]) => matches(channel));
    const endpoints = [...this.#endpoints].filter(([, { channel }]) => matches(channel));
    for (const [key] of endpoints) this.#endpoints.delete(key);
    await Promise.all([
      ...listeners.map(([listener]) => this.stop(listener)),
      ...endpoints.map(([, { sender }]) => sender.close(this.#closeGrace)),
    ]);
  }
}

/** Whether a name was refused before the system was asked: a mistake of the program, as an illegal URL is. */
function isIllegalName(error: unknown): error is IpcError {
  return error instanceof IpcError && error.fault === "invalid" && error.systemCode === 0;
}
