/** Starts a server with all services of the suite, in this thread. */
import {
  type Channel,
  type ChannelOptions,
  callLog,
  compression,
  memoryChannel,
  RemotingDomain,
  type RemotingDomainOptions,
  tcpChannel,
} from "remoting";
import type { MessageSinkProvider } from "remoting/spi";
import {
  AsyncVisitor,
  Cart,
  FragileSlowTally,
  FragileTally,
  SlowTally,
  Tally,
  UntidyVisitor,
  Visitor,
  Workbook,
} from "./activated-services.ts";
import { Calls, Directory, Echo, MemoryDirectory, Secretive, Thrower } from "./call-services.ts";
import { DomainProbe } from "./domain-probe.ts";
import { Exchange } from "./exchange.ts";
import { Ledger, record } from "./ledger.ts";

/** How a test server is to be. Plain data, since it may have to travel to another thread. */
export interface ServerOptions {
  readonly limits?: NonNullable<ChannelOptions["limits"]>;
  readonly domain?: RemotingDomainOptions;
  readonly compression?: { readonly threshold?: number; readonly maxUnpackedBytes?: number };
  /** Whether the probe lists the calls that arrive. */
  readonly countCalls?: boolean;
  /** The key under which the server's call log is recorded; none without it. */
  readonly callLogKey?: string;
}

/** A server that runs. */
export interface TestServer {
  /** Its endpoint. */
  readonly url: string;
  close(): Promise<void>;
}

/** The channels under test, by scheme. */
export function createChannel(url: string, options: ChannelOptions): Channel {
  return url.startsWith("tcp:") ? tcpChannel(options) : memoryChannel(options);
}

/** Starts a server at a URL. */
export async function startServer(url: string, options: ServerOptions): Promise<TestServer> {
  const domain = new RemotingDomain(options.domain);
  const { probe, onCall } = DomainProbe.watch(domain);
  const messageSinks: MessageSinkProvider[] = [];
  if (options.countCalls === true) {
    messageSinks.push({
      name: "counter",
      createServerSink: () => ({
        processMessage(call, next) {
          if (call.target !== "Probe") onCall(`${call.target}.${call.method}`);
          return next(call);
        },
      }),
    });
  }
  const { callLogKey } = options;
  if (callLogKey !== undefined) {
    messageSinks.push(
      callLog(({ side, target, method }) => record(`${side} ${target}.${method}`, callLogKey)),
    );
  }
  domain.registerChannel(
    createChannel(url, {
      messageSinks,
      channelSinks: options.compression === undefined ? [] : [compression(options.compression)],
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    }),
  );
  domain.marshal(probe, "Probe");
  domain.register(Directory, MemoryDirectory, { uri: "directory/main", methods: { log: { oneWay: true } } });
  const host = await domain.serve(url, [
    AsyncVisitor,
    Calls,
    Cart,
    Echo,
    Exchange,
    FragileSlowTally,
    FragileTally,
    Ledger,
    Secretive,
    SlowTally,
    Tally,
    Thrower,
    UntidyVisitor,
    Visitor,
    Workbook,
  ]);
  const [bound] = host.urls;
  if (bound === undefined) throw new Error(`The server does not listen at ${url}`);
  return { url: bound, close: () => domain.close() };
}
