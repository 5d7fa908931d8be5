/** Starts a server with all services of the suite, in this thread. */
import {
  type Channel,
  type ChannelOptions,
  callLog,
  compression,
  memoryChannel,
  pipeChannel,
  RemotingDomain,
  type RemotingDomainOptions,
  shmChannel,
  tcpChannel,
  tcpsChannel,
} from "remoting";
import type { MessageSinkProvider } from "remoting/spi";
import { FakeClock } from "../../fake-clock.ts";
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
import { tlsOptions } from "./certificates.ts";
import { Courier, Parcel } from "./courier.ts";
import { DomainProbe } from "./domain-probe.ts";
import { Exchange } from "./exchange.ts";
import { Ledger, record } from "./ledger.ts";
import { Attic, Brief, Cache, Everlasting, Reservation, Timekeeper } from "./lifetime-services.ts";

/** How a test server is to be. Plain data, since it may have to travel to another thread. */
export interface ServerOptions {
  readonly limits?: NonNullable<ChannelOptions["limits"]>;
  readonly domain?: RemotingDomainOptions;
  readonly compression?: { readonly threshold?: number; readonly maxUnpackedBytes?: number };
  /** Whether a message sink adds to the call context of every call and return. */
  readonly contextSink?: boolean;
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
  if (url.startsWith("tcps:")) return tcpsChannel({ ...options, tls: tlsOptions() });
  if (url.startsWith("shm:")) return shmChannel(options);
  if (url.startsWith("pipe:")) return pipeChannel(options);
  return url.startsWith("tcp:") ? tcpChannel(options) : memoryChannel(options);
}

const contextSink: MessageSinkProvider = {
  name: "context",
  createServerSink: () => ({
    async processMessage(call, next) {
      const returned = await next({
        ...call,
        context: new Map([...(call.context ?? []), ["server", call.method]]),
      });
      return {
        ...returned,
        context: new Map([...(returned.context ?? []), ["server.returned", call.method]]),
      };
    },
  }),
};

/** Starts a server at a URL. */
export async function startServer(url: string, options: ServerOptions): Promise<TestServer> {
  const clock = new FakeClock();
  const domain = new RemotingDomain({ ...options.domain, leases: { clock, ...options.domain?.leases } });
  const timekeeper = new Timekeeper(clock);
  timekeeper._watch(domain);
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
  if (options.contextSink === true) messageSinks.push(contextSink);
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
  domain.marshal(timekeeper, "Timekeeper");
  domain.register(Directory, MemoryDirectory, { uri: "directory/main", methods: { log: { oneWay: true } } });
  const host = await domain.serve(url, [
    AsyncVisitor,
    Attic,
    Brief,
    Cache,
    Calls,
    Cart,
    Courier,
    Echo,
    Everlasting,
    Exchange,
    FragileSlowTally,
    FragileTally,
    Ledger,
    Parcel,
    Reservation,
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
