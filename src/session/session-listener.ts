/** The server's end of a session channel: a session for each connection that is accepted. */
import type { CallDispatcher, CallTarget, IncomingCall } from "../channels/call-dispatcher.ts";
import type { ChannelHost, ChannelListener, PeerInfo } from "../channels/channel.ts";
import type { Connection } from "../channels/connection.ts";
import type { MemoryBudget } from "../channels/memory-budget.ts";
import { chainMessageSinks, type MessageSink } from "../channels/message-sink.ts";
import type { PeerHost, PeerLink } from "../channels/peer-host.ts";
import type { TransportListener } from "../channels/transport.ts";
import { ConnectError } from "../errors.ts";
import type { MethodCall } from "../messages/method-call.ts";
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
  readonly budget: MemoryBudget;
  #listener: TransportListener | undefined;
  #closing = false;

  constructor(context: SessionChannelContext, host: ChannelHost) {
    this.#context = context;
    this.#host = host;
    this.defaultTimeout = host.defaultTimeout;
    this.budget = host.budget;
    this.#sinks = context.messageSinks
      .map((provider) => provider.createServerSink?.())
      .filter((sink): sink is MessageSink => sink !== undefined);
  }

  /** Begins to listen. */
  async start(address: string): Promise<void> {
    this.#listener = await this.#context.transport.listen(address, (connection) => this.#accept(connection));
  }

  get url(): string {
    return `${this.#context.transport.scheme}://${this.#listener?.address ?? ""}`;
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
    else if (error !== undefined) this.#host.events.unobservedError(error);
  }

  unobservedError(error: unknown): void {
    this.#host.events.unobservedError(error);
  }

  #withSinks(peer: PeerHost): PeerHost {
    if (this.#sinks.length === 0) return peer;
    const dispatcher = new SinkDispatcher(peer.dispatcher, this.#sinks);
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

  constructor(inner: CallDispatcher, sinks: readonly MessageSink[]) {
    this.#inner = inner;
    this.#sinks = sinks;
  }

  get revision(): number {
    return this.#inner.revision;
  }

  resolve(kind: MethodCall["kind"], target: string, method: string): CallTarget {
    const found = this.#inner.resolve(kind, target, method);
    const sinks = this.#sinks;
    return {
      oneWay: found.oneWay,
      cacheable: found.cacheable,
      ...(found.authorize === undefined ? {} : { authorize: found.authorize.bind(found) }),
      invoke(args: readonly unknown[], call: IncomingCall): Promise<unknown> {
        call.methodReached = false;
        const chain = chainMessageSinks(sinks, async (message) => {
          call.methodReached = true;
          return { value: await found.invoke(message.args, call) };
        });
        const { oneWay, timeout } = call;
        const message: MethodCall = { kind, target, method, args, oneWay, options: { timeout } };
        return chain(message).then(({ value }) => value);
      },
    };
  }
}
