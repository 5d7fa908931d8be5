/** The server's end of a session channel: a session for each connection that is accepted. */
import type { CallDispatcher, CallTarget, IncomingCall } from "../channels/call-dispatcher.ts";
import type { ChannelHost, ChannelListener, PeerInfo } from "../channels/channel.ts";
import type { Connection } from "../channels/connection.ts";
import { chainMessageSinks, type MessageSink } from "../channels/message-sink.ts";
import type { PeerHost, PeerLink } from "../channels/peer-host.ts";
import type { TransportListener } from "../channels/transport.ts";
import type { MethodCall } from "../messages/method-call.ts";
import { Session } from "./session.ts";
import type { OwnedSession, SessionChannelContext, SessionOwner } from "./session-options.ts";

/** Accepts at one address. */
export class SessionListener implements ChannelListener, SessionOwner {
  readonly #context: SessionChannelContext;
  readonly #host: ChannelHost;
  readonly #sessions = new Set<OwnedSession>();
  readonly #sinks: readonly MessageSink[];
  readonly defaultTimeout: number;
  #listener: TransportListener | undefined;
  #closing = false;

  constructor(context: SessionChannelContext, host: ChannelHost) {
    this.#context = context;
    this.#host = host;
    this.defaultTimeout = host.defaultTimeout;
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
    this.#sessions.add(Session.accept(this.#context, this, peer, connection));
  }

  openPeer(peer: PeerInfo, link: PeerLink): PeerHost {
    return this.#withSinks(this.#host.openPeer({ peer, link, limits: this.#context.limits }));
  }

  sessionOpened({ peer }: OwnedSession): void {
    this.#host.events.connected(peer);
  }

  peerDraining({ peer }: OwnedSession): void {
    this.#host.events.draining(peer);
  }

  sessionClosed(session: OwnedSession, error: Error | undefined, wasOpen: boolean): void {
    this.#sessions.delete(session);
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
      invoke(args: readonly unknown[], call: IncomingCall): Promise<unknown> {
        const chain = chainMessageSinks(sinks, async (message) => ({
          value: await found.invoke(message.args, call),
        }));
        const { oneWay, timeout } = call;
        const message: MethodCall = { kind, target, method, args, oneWay, options: { timeout } };
        return chain(message).then(({ value }) => value);
      },
    };
  }
}
