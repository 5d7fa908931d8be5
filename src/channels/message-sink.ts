/** Links that see messages, before formatting: tracing, authorization, validation, retry. */
import type { MethodCall, MethodReturn } from "../messages/method-call.ts";

/** The rest of the chain. */
export type NextMessageSink = (call: MethodCall) => Promise<MethodReturn>;

/**
 * Sees a call go by and its result come back (IMessageSink). It may answer by itself, change what it passes
 * on (by a new message: messages are not modified), or call `next` again where repeating is safe.
 *
 * @example
 * ```ts
 * const timing: MessageSink = {
 *   async processMessage(call, next) {
 *     const started = performance.now();
 *     try {
 *       return await next(call);
 *     } finally {
 *       histogram.record(call.method, performance.now() - started);
 *     }
 *   },
 * };
 * ```
 */
export interface MessageSink {
  processMessage(call: MethodCall, next: NextMessageSink): Promise<MethodReturn>;
}

/** Makes the sinks of a chain. A provider may be for one side only. */
export interface MessageSinkProvider {
  /** Names the sink in configuration files. */
  readonly name: string;
  /** The sink for calls that this side makes over the channel. */
  createClientSink?(): MessageSink;
  /** The sink for calls that arrive over the channel. */
  createServerSink?(): MessageSink;
}

/**
 * Joins sinks to one function, the first outermost. Done once for each chain, not for each call; for an
 * empty list the result is `last` itself, so an empty chain costs nothing.
 */
export function chainMessageSinks(sinks: readonly MessageSink[], last: NextMessageSink): NextMessageSink {
  return sinks.reduceRight<NextMessageSink>((next, sink) => (call) => sink.processMessage(call, next), last);
}
