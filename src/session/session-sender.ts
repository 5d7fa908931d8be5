/** The client's end of a session channel: one session at a time, made when it is needed and made anew when it was lost. */
import { callFlows } from "../channels/call-flow.ts";
import type { ChannelHost, ChannelSender } from "../channels/channel.ts";
import type { MemoryBudgets } from "../channels/memory-budget.ts";
import { chainMessageSinks, type MessageSink, type NextMessageSink } from "../channels/message-sink.ts";
import type { PeerHost } from "../channels/peer-host.ts";
import { ConnectionLostError } from "../errors.ts";
import type { ErrorOrigin } from "../messages/error-origin.ts";
import type { ContextReceiver, LogicalDataChanges } from "../messages/logical-data.ts";
import type { MethodCall, MethodReturn } from "../messages/method-call.ts";
import type { PeerInfo } from "../messages/peer-info.ts";
import { Session } from "./session.ts";
import type { OwnedSession, SessionChannelContext, SessionOwner } from "./session-options.ts";

/** Sends to one endpoint. */
export class SessionSender implements ChannelSender, SessionOwner {
  readonly #address: string;
  readonly #context: SessionChannelContext;
  readonly #host: ChannelHost;
  readonly #sinks: readonly MessageSink[];
  readonly #chain: NextMessageSink | undefined;
  readonly #peer: PeerInfo;
  readonly defaultTimeout: number;
  readonly budgets: MemoryBudgets;
  readonly inheritsDeadline: boolean;
  #session: Session | undefined;
  /** Sessions that take no new calls, until their last one has ended. */
  readonly #retiring = new Set<OwnedSession>();
  #isClosed = false;

  constructor(address: string, context: SessionChannelContext, host: ChannelHost) {
    this.#address = address;
    this.#context = context;
    this.#host = host;
    this.defaultTimeout = host.defaultTimeout;
    this.budgets = host.budgets;
    this.inheritsDeadline = host.inheritsDeadline;
    const url = `${context.transport.scheme}://${address}`;
    this.#peer = { url, peerName: address, direction: "outgoing", principal: undefined, isLocal: false };
    this.#sinks = context.messageSinks
      .map((provider) => provider.createClientSink?.())
      .filter((sink): sink is MessageSink => sink !== undefined);
    if (this.#sinks.length > 0) {
      this.#chain = chainMessageSinks(
        this.#sinks,
        returning((call, receiver) => this.#sendNow(call, receiver)),
      );
    }
  }

  send(call: MethodCall, receiver?: ContextReceiver): Promise<unknown> {
    if (this.#chain === undefined) return this.#sendNow(call, receiver);
    return this.#chain(call).then((returned) => received(returned, receiver));
  }

  #sendNow(call: MethodCall, receiver?: ContextReceiver): Promise<unknown> {
    const session = this.#current();
    if (session !== undefined) return session.send(call, receiver);
    const message = `The channel to ${this.#peer.url} was closed by this side`;
    return Promise.reject(new ConnectionLostError(message, { reason: "local" }));
  }

  async whenDisconnected(): Promise<Error | undefined> {
    return this.#session?.whenClosed();
  }

  async close(grace: number): Promise<void> {
    this.#isClosed = true;
    const sessions = [...this.#retiring, ...(this.#session === undefined ? [] : [this.#session])];
    await Promise.all(sessions.map((session) => session.close(grace)));
  }

  #current(): Session | undefined {
    if (this.#isClosed) return undefined;
    const session = this.#session;
    return session === undefined || session.isClosed ? this.#connect() : session;
  }

  #connect(): Session {
    const { transport } = this.#context;
    // What a transport throws, because of an address that is none, is then told to the calls, too.
    const open = async (signal: AbortSignal) => transport.connect(this.#address, signal);
    const session = callFlows.outside(() => Session.connect(this.#context, this, this.#peer, open));
    this.#session = session;
    return session;
  }

  openPeer(peer: PeerInfo, session: OwnedSession): PeerHost {
    // Calls to what was lent in a session go through it while it lasts: it may be the last one that the server takes.
    const over: ChannelSender["send"] = (call, receiver) =>
      session.isClosed ? this.#sendNow(call, receiver) : session.send(call, receiver);
    const chain = this.#sinks.length === 0 ? undefined : chainMessageSinks(this.#sinks, returning(over));
    const send: ChannelSender["send"] =
      chain === undefined
        ? over
        : (call, receiver) => chain(call).then((returned) => received(returned, receiver));
    return this.#host.openPeer({ peer, link: session, sender: { send }, limits: this.#context.limits });
  }

  sessionOpened({ peer }: OwnedSession): void {
    this.#host.events.connected(peer);
  }

  peerDraining(session: OwnedSession): void {
    if (this.#session === session) this.#session = undefined;
    this.#retiring.add(session);
    this.#host.events.draining(session.peer);
  }

  sessionClosed(session: OwnedSession, error: Error | undefined, wasOpen: boolean): void {
    this.#retiring.delete(session);
    if (this.#session === session) this.#session = undefined;
    if (wasOpen) this.#host.events.disconnected(session.peer, error);
  }

  unobservedError(error: unknown, origin?: ErrorOrigin): void {
    this.#host.events.unobservedError(error, origin);
  }
}

/** The end of a chain of message sinks: what comes back in the call context becomes a part of the return. */
function returning(send: ChannelSender["send"]): NextMessageSink {
  return async (call) => {
    let context: LogicalDataChanges | undefined;
    const value = await send(call, {
      receive(changes) {
        context = changes;
      },
    });
    return context === undefined ? { value } : { value, context };
  };
}

/** The beginning of the chain: takes the return apart again. */
function received({ value, context }: MethodReturn, receiver: ContextReceiver | undefined): unknown {
  if (context !== undefined) receiver?.receive(context);
  return value;
}
