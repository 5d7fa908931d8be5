/**
 * The top abstraction: messages in, messages out. How they travel, in a session or one by one, is the
 * channel's affair, so that request-and-reply and one-way channels fit as well as duplex ones.
 */
import type { ErrorOrigin } from "../messages/error-origin.ts";
import type { ContextReceiver } from "../messages/logical-data.ts";
import type { MethodCall } from "../messages/method-call.ts";
import type { PeerInfo } from "../messages/peer-info.ts";
import type { ChannelCapabilities } from "./capabilities.ts";
import type { MemoryBudgets } from "./memory-budget.ts";
import type { PeerHost, PeerLimits, PeerLink } from "./peer-host.ts";

/** A way for messages to travel (IChannel, IChannelSender, IChannelReceiver). */
export interface Channel {
  /** Unique within a domain. Default: the scheme. */
  readonly name: string;
  /** Of several channels for one scheme the one with the highest priority is used. Default 1, as in .NET. */
  readonly priority: number;
  /** The URL scheme that it serves. */
  readonly scheme: string;
  /** What it can do. */
  readonly capabilities: ChannelCapabilities;

  /** The way to one endpoint (CreateMessageSink). Makes no connection yet. Called once for each endpoint. */
  createSender(address: string, host: ChannelHost): ChannelSender;

  /** Receives calls at an address (StartListening). */
  listen(address: string, host: ChannelHost): Promise<ChannelListener>;
}

/** What a channel knows of a conversation that it opens. */
export interface PeerConversation {
  readonly peer: PeerInfo;
  /** The way back to the peer; absent where there is none, and then nothing can travel by reference. */
  readonly link?: PeerLink | undefined;
  /** The way to the peer's endpoint that outlives this conversation, for a peer that can be dialled. */
  readonly sender?: Pick<ChannelSender, "send"> | undefined;
  /** What the channel allows the peer. Default: {@link defaultPeerLimits}. */
  readonly limits?: PeerLimits | undefined;
}

/** What a domain offers to its channels. */
export interface ChannelHost {
  /**
   * Opens a conversation with a peer.
   */
  openPeer(conversation: PeerConversation): PeerHost;
  /** What the domain allows its peers. A channel's own options come first. */
  readonly limits: Readonly<Record<string, number>>;
  /** Bound what all peers together can make this domain hold, over all channels. */
  readonly budgets: MemoryBudgets;
  /** Milliseconds a call may take when it does not say. */
  readonly defaultTimeout: number;
  /** Whether the calls that a method makes end with the time of the call that it serves. */
  readonly inheritsDeadline: boolean;
  /** Tells the domain's listeners what happened to a peer. */
  readonly events: ChannelEvents;
}

/** What channels tell the domain. */
export interface ChannelEvents {
  connected(peer: PeerInfo): void;
  disconnected(peer: PeerInfo, error: Error | undefined): void;
  /** A peer takes no new calls: it is closing. */
  draining(peer: PeerInfo): void;
  /**
   * An error that no call can report: a hostile or broken peer, a one-way call or a callback that failed.
   *
   * @param origin What is known of whence it came. Default nothing.
   */
  unobservedError(error: unknown, origin?: ErrorOrigin): void;
}

/** The client's end of a channel, for one endpoint. */
export interface ChannelSender {
  /**
   * Sends a call and settles with its result. Never sends it twice.
   *
   * @param receiver Takes what comes back in the call context, before the promise resolves. Default nobody.
   */
  send(call: MethodCall, receiver?: ContextReceiver): Promise<unknown>;
  /** Resolves with the reason when the present connection, if any, is lost; at once if there is none. */
  whenDisconnected(): Promise<Error | undefined>;
  /** Calls under way may finish for `grace` milliseconds; then everything is gone. */
  close(grace: number): Promise<void>;
}

/** The server's end of a channel, at one address. */
export interface ChannelListener {
  /** The endpoint as clients can use it, for example `"tcp://127.0.0.1:6100"`. */
  readonly url: string;
  /** Stops listening; calls under way may finish for `grace` milliseconds; then everything is gone. */
  close(grace: number): Promise<void>;
}
