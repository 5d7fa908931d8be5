/** The built-in channels, with the formatters that each of them understands by default. */
import type { Channel } from "../channels/channel.ts";
import { parseChannelUrl } from "../channels/channel-url.ts";
import type { Formatter } from "../channels/formatter.ts";
import type { Transport } from "../channels/transport.ts";
import { jsonFormatter } from "../formatters/json/json-formatter.ts";
import { msgpackFormatter } from "../formatters/msgpack/msgpack-formatter.ts";
import { SessionChannel, type SessionChannelOptions } from "../session/session-channel.ts";
import { callLog } from "../sinks/call-log/call-log-sink.ts";
import { compression } from "../sinks/compression/compression-sink.ts";
import { MemoryTransport } from "../transports/memory/memory-transport.ts";
import { TcpTransport } from "../transports/tcp/tcp-transport.ts";
import type { ChannelConfiguration } from "./configuration.ts";

/** What every built-in channel can be told. All of it has defaults. */
export interface ChannelOptions extends Omit<SessionChannelOptions, "formatters"> {
  /** What this side speaks when it connects. Default MessagePack. When it listens, it understands this and the two built-in ones. */
  readonly formatter?: Formatter;
}

/** What {@link tcpChannel} can be told. */
export interface TcpChannelOptions extends ChannelOptions {}

function withFormatters({ formatter, ...options }: ChannelOptions): SessionChannelOptions {
  const builtIn = [msgpackFormatter(), jsonFormatter()] as const;
  if (formatter === undefined) return { ...options, formatters: builtIn };
  return { ...options, formatters: [formatter, ...builtIn.filter(({ name }) => name !== formatter.name)] };
}

/**
 * `tcp://host:port` (System.Runtime.Remoting.Channels.Tcp.TcpChannel).
 *
 * @example
 * ```ts
 * registerChannel(tcpChannel({ formatter: jsonFormatter(), channelSinks: [compression()] }));
 * ```
 */
export function tcpChannel(options: TcpChannelOptions = {}): Channel {
  return new SessionChannel(new TcpTransport(), withFormatters(options));
}

/** `memory://name`: within a process, and between threads once `attachMessagePort` has joined them. */
export function memoryChannel(options: ChannelOptions = {}): Channel {
  return new SessionChannel(new MemoryTransport(), withFormatters(options));
}

/**
 * A channel over a transport of your own, with everything that the built-in ones have.
 *
 * @example
 * ```ts
 * registerChannel(transportChannel(new SerialLineTransport()));
 * const meter = getObject(Meter, "serial://ttyS0/Meter");
 * ```
 */
export function transportChannel(transport: Transport, options: ChannelOptions = {}): Channel {
  return new SessionChannel(transport, withFormatters(options));
}

/** The channel that a configuration describes. */
export function createConfiguredChannel(name: string, configuration: ChannelConfiguration): Channel {
  const { url, formatter, sinks } = configuration;
  const options: ChannelOptions = {
    name,
    formatter: formatter === "json" ? jsonFormatter() : msgpackFormatter(),
    channelSinks: sinks.includes("compression") ? [compression()] : [],
    messageSinks: sinks.includes("call-log") ? [callLog()] : [],
  };
  const { scheme } = parseChannelUrl(url);
  switch (scheme) {
    case "tcp":
      return tcpChannel(options);
    case "memory":
      return memoryChannel(options);
    default:
      throw new TypeError(
        `The channel "${name}" has the URL ${url}, but there is no built-in channel for ${scheme}://`,
      );
  }
}
