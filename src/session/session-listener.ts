/** The server's end of a session channel: a session for each connection that is accepted. */
import {
  type CallDispatcher,
  type CallTarget,
  type IncomingCall,
  serveCall,
} from "../channels/call-dispatcher.ts";
import { emptyFlow, flowOfCall } from "../channels/call-flow.ts";
import type { ChannelHost, ChannelListener } from "../channels/channel.ts";
import type { Connection } from "../channels/connection.ts";
import type { MemoryBudgets } from "../channels/memory-budget.ts";
import { chainMessageSinks, type MessageSink } from "../channels/message-sink.ts";
import type { PeerHost, PeerLink } from "../channels/peer-host.ts";
import type { TransportListener } from "../channels/transport.ts";
import { ConnectError } from "../errors.ts";
import type { ErrorOrigin } from "../messages/error-origin.ts";
import { type LogicalData, type LogicalDataChanges, noLogicalData } from "../messages/logical-data.ts";
import type { MethodCall } from "../messages/method-call.ts";
import type { PeerInfo } from "../messages/peer-info.ts";
import { Session } from "./session.ts";
import type { OwnedSession, SessionChannelContext, SessionOwner } from "./session-options.ts";

/** Accepts at one address. */
export class SessionListener implements ChannelListener, SessionOwner {
  readonly #context: SessionChannelContext;
  readonly #host: ChannelHost;
  readonly #sessions = new Set<OwnedSession>();
  /** Those of them that have not yet said who they are, the oldest first. */
  readonly #strangers = new Set<OwnedSession>();
  readonly #sinks: readonly MessageSink[];
  readonly defaultTimeout: number;
  readonly budgets: MemoryBudgets;
  readonly inheritsDeadline: boolean;
  #listener: TransportListener | undefined;
  /** Made once: each session has it. */
  #url = "";
  #closing = false;

  constructor(context: SessionChannelContext, host: ChannelHost) {
    this.#context = context;
    this.#host = host;
    this.defaultTimeout = host.defaultTimeout;
    this.budgets = host.budgets;
    this.inheritsDeadline = host.inheritsDeadline;
    this.#sinks = context.messageSinks
      .map((provider) => provider.createServerSink?.())
      .filter((sink): sink is MessageSink => sink !== undefined);
  }

  /** Begins to listen. */
  async start(address: string): Promise<void> {
    this.#listener = await this.#context.transport.listen(
      address,
      (connection) => this.#accept(connection),
      (error) => this.#host.events.unobservedError(error),
    );
    this.#url = `${this.#context.transport.scheme}://${this.#listener.address}`;
  }

  get url(): string {
    return this.#url;
  }

  #accept(connection: Connection): void {
    if (this.#closing) {
      connection.destroy();
      return;
    }
    const peer: PeerInfo = {
      url: this.url,
      peerName: connection.peerName,
      direction: "incoming",
      principal: undefined,
      isLocal: false,
    };
    const session = Session.accept(this.#context, this, peer, connection);
    this.#sessions.add(session);
    this.#strangers.add(session);
    this.#makeRoom(session);
  }

  /** Keeps the number of connections within its limits, and those that work before those that only came. */
  #makeRoom(newest: OwnedSession): void {
    const { maxConnections, maxHandshakes } = this.#context.limits;
    if (this.#sessions.size > maxConnections) {
      newest.turnAway(
        new ConnectError(
          `${this.url} has ${maxConnections} connections, as many as it takes (maxConnections)`,
        ),
      );
    } else if (this.#strangers.size > maxHandshakes) {
      const [oldest] = this.#strangers;
      oldest?.turnAway(
        new ConnectError(
          `More than ${maxHandshakes} connections to ${this.url} have not finished their handshake, and this one is the oldest (maxHandshakes)`,
        ),
      );
    }
  }

  openPeer(peer: PeerInfo, link: PeerLink): PeerHost {
    return this.#withSinks(this.#host.openPeer({ peer, link, limits: this.#context.limits }));
  }

  sessionOpened(session: OwnedSession): void {
    this.#strangers.delete(session);
    this.#host.events.connected(session.peer);
  }

  peerDraining({ peer }: OwnedSession): void {
    this.#host.events.draining(peer);
  }

  sessionClosed(session: OwnedSession, error: Error | undefined, wasOpen: boolean): void {
    this.#sessions.delete(session);
    this.#strangers.delete(session);
    if (wasOpen) this.#host.events.disconnected(session.peer, error);
    // A stranger, or a peer that could not be agreed with: nobody else will hear of it.
    else if (error !== undefined) this.#host.events.unobservedError(error, { peer: session.peer });
  }

  unobservedError(error: unknown, origin?: ErrorOrigin): void {
    this.#host.events.unobservedError(error, origin);
  }

  #withSinks(peer: PeerHost): PeerHost {
    if (this.#sinks.length === 0) return peer;
    const dispatcher = new SinkDispatcher(peer.dispatcher, this.#sinks, this.inheritsDeadline);
    return {
      dispatcher,
      marshaler: peer.marshaler,
      get holdsReferences() {
        return peer.holdsReferences;
      },
      get borrowsReferences() {
        return peer.borrowsReferences;
      },
      released: (id, count) => peer.released(id, count),
      signalChanged: (id, aborted) => peer.signalChanged(id, aborted),
      closed: (error) => peer.closed(error),
    };
  }

  async close(grace: number): Promise<void> {
    this.#closing = true;
    const stopped = this.#listener?.close();
    await Promise.all([...this.#sessions].map((session) => session.close(grace)));
    await stopped;
  }
}

/** Lets message sinks see the calls on their way to the object. */
class SinkDispatcher implements CallDispatcher {
  readonly #inner: CallDispatcher;
  readonly #sinks: readonly MessageSink[];
  readonly #inheritsDeadline: boolean;

  constructor(inner: CallDispatcher, sinks: readonly MessageSink[], inheritsDeadline: boolean) {
    this.#inner = inner;
    this.#sinks = sinks;
    this.#inheritsDeadline = inheritsDeadline;
  }

  get revision(): number {
    return this.#inner.revision;
  }

  resolve(kind: MethodCall["kind"], target: string, method: string): CallTarget {
    const found = this.#inner.resolve(kind, target, method);
    const sinks = this.#sinks;
    const inheritsDeadline = this.#inheritsDeadline;
    return {
      oneWay: found.oneWay,
      cacheable: found.cacheable,
      ...(found.authorize === undefined ? {} : { authorize: found.authorize.bind(found) }),
      invoke(args: readonly unknown[], call: IncomingCall): Promise<unknown> {
        call.methodReached = false;
        const context = call.flow?.data;
        const chain = chainMessageSinks(sinks, async (message) => {
          call.methodReached = true;
          if (message.context !== context)
            adoptContext(call, message.context ?? noLogicalData, inheritsDeadline);
          const value = await serveCall(found, message.args, call, inheritsDeadline);
          const changes = call.flow?.changes;
          return changes === undefined ? { value } : { value, context: changes };
        });
        const { oneWay, timeout } = call;
        const message: MethodCall = { kind, target, method, args, oneWay, options: { timeout }, context };
        return chain(message).then((returned) => {
          if (returned.context !== call.flow?.changes) answerContext(call, returned.context ?? noChanges);
          return returned.value;
        });
      },
    };
  }
}

const noChanges: ReadonlyMap<string, undefined> = new Map();

/** A message sink has put something else into the context of a call. */
function adoptContext(call: IncomingCall, data: LogicalData, inheritsDeadline: boolean): void {
  if (call.flow === undefined) call.flow = flowOfCall(call, data, inheritsDeadline);
  else call.flow.replace(data);
}

/** A message sink has put something else into the context of a return. */
function answerContext(call: IncomingCall, changes: LogicalDataChanges): void {
  call.flow ??= emptyFlow(call, false);
  call.flow.answer(changes);
}
