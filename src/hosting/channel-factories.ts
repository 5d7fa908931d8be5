/** The built-in channels, with the formatters that each of them understands by default. */
import type { Channel } from "../channels/channel.ts";
import { parseChannelUrl } from "../channels/channel-url.ts";
import type { Formatter } from "../channels/formatter.ts";
import type { Transport } from "../channels/transport.ts";
import { jsonFormatter } from "../formatters/json/json-formatter.ts";
import { msgpackFormatter } from "../formatters/msgpack/msgpack-formatter.ts";
import { MailslotChannel } from "../mailslot/mailslot-channel.ts";
import type { MailslotChannelOptions } from "../mailslot/mailslot-channel-options.ts";
import { SessionChannel, type SessionChannelOptions } from "../session/session-channel.ts";
import { callLog } from "../sinks/call-log/call-log-sink.ts";
import { compression } from "../sinks/compression/compression-sink.ts";
import { MemoryTransport } from "../transports/memory/memory-transport.ts";
import { PipeTransport, type PipeTransportOptions } from "../transports/pipe/pipe-transport.ts";
import { type ShmOptions, ShmTransport } from "../transports/shared-memory/shm-transport.ts";
import { TcpTransport } from "../transports/tcp/tcp-transport.ts";
import type { TlsOptions } from "../transports/tcp/tls-options.ts";
import { TlsTransport } from "../transports/tcp/tls-transport.ts";
import {
  checkChannelOptions,
  checkMailslotOptions,
  checkPipeOptions,
  checkShmOptions,
  checkTcpsOptions,
  checkTransport,
} from "./channel-option-rules.ts";
import type { ChannelConfiguration } from "./configuration.ts";

/** What every built-in channel can be told. All of it has defaults. */
export interface ChannelOptions extends Omit<SessionChannelOptions, "formatters"> {
  /** What this side speaks when it connects. Default MessagePack. When it listens, it understands this and the two built-in ones. */
  readonly formatter?: Formatter;
}

/** What {@link tcpChannel} can be told. */
export interface TcpChannelOptions extends ChannelOptions {}

/** What {@link tcpsChannel} can be told. */
export interface TcpsChannelOptions extends ChannelOptions {
  /** Who this side is, and whom it trusts. To connect to a server with a public certificate, nothing is needed. */
  readonly tls?: TlsOptions;
}

function formattersWith(formatter: Formatter | undefined): readonly [Formatter, ...Formatter[]] {
  const builtIn = [msgpackFormatter(), jsonFormatter()] as const;
  if (formatter === undefined) return builtIn;
  return [formatter, ...builtIn.filter(({ name }) => name !== formatter.name)];
}

function withFormatters({ formatter, ...options }: ChannelOptions): SessionChannelOptions {
  return { ...options, formatters: formattersWith(formatter) };
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
  checkChannelOptions("tcpChannel", options);
  return new SessionChannel(new TcpTransport(), withFormatters(options));
}

/**
 * `tcps://host:port`: TLS 1.2 or later. The server has a certificate, which the client checks, host name included; with
 * `requireClientCertificate` the client has one too, whose name is the caller's {@link Principal}.
 *
 * @example
 * ```ts
 * // The server:
 * registerChannel(tcpsChannel({ tls: { ca, server: { cert, key, requireClientCertificate: true } } }));
 * // A client:
 * registerChannel(tcpsChannel({ tls: { ca, client: { cert, key } } }));
 * ```
 */
export function tcpsChannel(options: TcpsChannelOptions = {}): Channel {
  checkTcpsOptions(options);
  const { tls = {}, ...channel } = options;
  return new SessionChannel(new TlsTransport(tls), withFormatters(channel));
}

/** `memory://name`: within a process, and between threads once `attachMessagePort` has joined them. */
export function memoryChannel(options: ChannelOptions = {}): Channel {
  checkChannelOptions("memoryChannel", options);
  return new SessionChannel(new MemoryTransport(), withFormatters(options));
}

/** What {@link shmChannel} can be told. */
export interface ShmChannelOptions extends ChannelOptions, ShmOptions {}

/**
 * `shm://name`: memory that two processes of one user share, the fastest way between them. Needs the native addon.
 *
 * @example
 * ```ts
 * registerChannel(shmChannel({ spinMicroseconds: 0 })); // never wait busily
 * ```
 */
export function shmChannel(given: ShmChannelOptions = {}): Channel {
  checkShmOptions(given);
  const { spinMicroseconds, ringBytes, ...options } = given;
  const transport = new ShmTransport({
    ...(spinMicroseconds === undefined ? {} : { spinMicroseconds }),
    ...(ringBytes === undefined ? {} : { ringBytes }),
  });
  return new SessionChannel(transport, withFormatters(options));
}

/** What {@link mailslotChannel} can be told. */
export interface MailslotOptions extends Omit<MailslotChannelOptions, "formatters"> {
  /** What this side speaks when it calls. Default MessagePack. When it listens, it understands this and the two built-in ones. */
  readonly formatter?: Formatter;
}

/**
 * `mailslot://name`: one-way calls between processes of one machine, a message each. What needs a reply is refused when
 * it is published, or when its proxy is made.
 *
 * @example
 * ```ts
 * registerChannel(mailslotChannel({ maxMessageSize: 4_096 }));
 * await serve("mailslot://log", [Log]);   // every method of Log is @OneWay()
 * ```
 */
export function mailslotChannel(given: MailslotOptions = {}): Channel {
  checkMailslotOptions(given);
  const { formatter, ...options } = given;
  return new MailslotChannel({ ...options, formatters: formattersWith(formatter) });
}

/** What {@link pipeChannel} can be told. */
export interface PipeChannelOptions extends ChannelOptions, PipeTransportOptions {}

/**
 * `pipe://name`: named pipes (System.Runtime.Remoting.Channels.Ipc.IpcChannel). The operating system says who the
 * peer is. Needs the native addon.
 *
 * @example
 * ```ts
 * registerChannel(pipeChannel({ security: { folder: "/run/shop", mode: 0o660 } }));
 * ```
 */
export function pipeChannel(given: PipeChannelOptions = {}): Channel {
  checkPipeOptions(given);
  const { security, ...options } = given;
  return new SessionChannel(new PipeTransport({ security }), withFormatters(options));
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
  checkTransport(transport);
  checkChannelOptions("transportChannel", options);
  return new SessionChannel(transport, withFormatters(options));
}

/** The channel that a configuration describes. */
export function createConfiguredChannel(name: string, configuration: ChannelConfiguration): Channel {
  const { url, variable, formatter, sinks, credentials, authentication, tls } = configuration;
  const origin = variable === undefined ? "" : `, which is from the environment variable ${variable}`;
  const place = `the URL ${url}${origin}`;
  const options: ChannelOptions = {
    name,
    formatter: formatter === "json" ? jsonFormatter() : msgpackFormatter(),
    channelSinks: sinks.includes("compression") ? [compression()] : [],
    messageSinks: sinks.includes("call-log") ? [callLog()] : [],
    ...(credentials === undefined ? {} : { credentials }),
    ...(authentication === undefined ? {} : { authentication }),
  };
  const { scheme } = parseChannelUrl(url);
  switch (scheme) {
    case "tcp":
      if (tls !== undefined) {
        throw new TypeError(
          `The channel "${name}" has tls, and ${place}: nothing would be encrypted; use tcps://`,
        );
      }
      return tcpChannel(options);
    case "tcps":
      return tcpsChannel({ ...options, ...(tls === undefined ? {} : { tls }) });
    case "memory":
      return memoryChannel(options);
    case "shm":
      return shmChannel(options);
    case "mailslot":
      if (sinks.includes("compression")) {
        throw new TypeError(
          `The channel "${name}" cannot compress with ${place}: mailslot:// has no channel sinks, because its two ends never agree on anything`,
        );
      }
      if (credentials !== undefined || authentication !== undefined) {
        throw new TypeError(
          `The channel "${name}" cannot have credentials or authentication with ${place}: mailslot:// takes whoever the operating system lets write, because nothing ever comes back to prove anything with`,
        );
      }
      return mailslotChannel({
        name,
        formatter: options.formatter ?? msgpackFormatter(),
        messageSinks: options.messageSinks ?? [],
      });
    case "pipe":
      return pipeChannel(options);
    default:
      throw new TypeError(
        `The channel "${name}" has ${place}, but there is no built-in channel for ${scheme}://`,
      );
  }
}
