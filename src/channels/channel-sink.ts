/**
 * Links that see headers and bytes, after formatting: compression, sealing, metering.
 *
 * ```text
 * client                                        server
 *   proxy                                         object
 *   message sinks   (MethodCall)                  message sinks
 *   formatter sink  (values → bytes)              formatter sink
 *   channel sinks   outgoing ↓   ↑ incoming       channel sinks  incoming ↑  ↓ outgoing
 *   session, connection  ───────────────────────  session, connection
 * ```
 */
import type { Payload } from "./payload.ts";

/**
 * Transforms payloads (IClientChannelSink and IServerChannelSink in one: both ends of a connection transform
 * requests and replies alike). A sink that returns its argument has passed it on untouched. Returning a
 * promise is allowed: the order of calls is kept, later ones wait.
 */
export interface ChannelSink {
  /** Transforms what this side sends. */
  outgoing(payload: Payload): Payload | Promise<Payload>;
  /** Undoes on this side what the peer's `outgoing` did. Rejects what it cannot undo with a `RemotingError`. */
  incoming(payload: Payload): Payload | Promise<Payload>;
}

/** Makes a sink for each connection. Both ends must list providers of the same names in the same order. */
export interface ChannelSinkProvider {
  /** Names the sink in the handshake and in configuration files, for example `"compression"`. */
  readonly name: string;
  /** A sink for one connection, which it may keep state for. */
  createSink(): ChannelSink;
}
