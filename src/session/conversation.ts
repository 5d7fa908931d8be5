/** What a session consists of once it is known how to format: the domain's side, the way of payloads, calls both ways. */
import type { ChannelSink } from "../channels/channel-sink.ts";
import type { Formatter } from "../channels/formatter.ts";
import { FormatterSink } from "../channels/formatter-sink.ts";
import type { PeerHost } from "../channels/peer-host.ts";
import type { FrameSender } from "./frame-sender.ts";
import type { IdleObserver } from "./idle-observer.ts";
import { IncomingCalls } from "./incoming-calls.ts";
import { OutgoingCalls } from "./outgoing-calls.ts";
import { PayloadStage } from "./payload-stage.ts";
import type { OwnedSession, SessionOptions, SessionOwner } from "./session-options.ts";

const noSinks: readonly ChannelSink[] = [];

/** See the head of this file. */
export class Conversation {
  readonly host: PeerHost;
  readonly stage: PayloadStage;
  readonly incoming: IncomingCalls;
  /** The calls to the peer, once there was one: most servers never call their clients. */
  outgoing: OutgoingCalls | undefined;
  readonly #sender: FrameSender;
  readonly #owner: SessionOwner;
  readonly #observer: IdleObserver;

  /** @param observer Told when the last call in one of the two directions has ended. */
  constructor(
    session: OwnedSession,
    options: SessionOptions,
    owner: SessionOwner,
    sender: FrameSender,
    formatter: Formatter,
    observer: IdleObserver,
  ) {
    this.#sender = sender;
    this.#owner = owner;
    this.#observer = observer;
    this.host = owner.openPeer(session.peer, session);
    const { dispatcher, marshaler } = this.host;
    const codec = formatter.createCodec(sender);
    const { channelSinks } = options;
    const sinks = channelSinks.length === 0 ? noSinks : channelSinks.map((provider) => provider.createSink());
    this.stage = new PayloadStage(new FormatterSink(codec, marshaler), sinks);
    this.incoming = new IncomingCalls(
      sender,
      this.stage,
      dispatcher,
      marshaler,
      options.limits,
      session.peer,
      owner,
      observer,
    );
  }

  /** The calls to the peer, for one more. */
  calling(): OutgoingCalls {
    this.outgoing ??= new OutgoingCalls(
      this.#sender,
      this.stage,
      this.host.marshaler,
      this.#owner.defaultTimeout,
      this.#observer,
    );
    return this.outgoing;
  }

  /** Whether no call is under way in either direction. */
  get isIdle(): boolean {
    return (this.outgoing === undefined || this.outgoing.size === 0) && this.incoming.isIdle;
  }
}
