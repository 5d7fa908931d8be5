/**
 * What authors of channels, sinks, formatters and transports import (`remoting/spi`). The built-in ones
 * import nothing else of this package, so whatever they can do, others can.
 */

export { readUint32, writeUint32 } from "./channels/big-endian.ts";
export { ByteReader, protocolError } from "./channels/byte-reader.ts";
export { ByteWriter } from "./channels/byte-writer.ts";
export {
  type CallDispatcher,
  type CallTarget,
  type IncomingCall,
  serveCall,
  type TargetAccess,
} from "./channels/call-dispatcher.ts";
export { type CallFlow, flowOfCall, type ServedCallInfo } from "./channels/call-flow.ts";
export { type ChannelCapabilities, duplexCapabilities } from "./channels/capabilities.ts";
export type {
  Channel,
  ChannelEvents,
  ChannelHost,
  ChannelListener,
  ChannelSender,
  PeerConversation,
} from "./channels/channel.ts";
export type { ChannelSink, ChannelSinkProvider } from "./channels/channel-sink.ts";
export { type ChannelUrl, parseChannelUrl } from "./channels/channel-url.ts";
export {
  type Connection,
  type ConnectionHandler,
  messageHeadroom,
  type TransportSink,
} from "./channels/connection.ts";
export { ContextDecoder, encodeContext } from "./channels/context-codec.ts";
export {
  type Codec,
  type CodecOptions,
  defaultPayloadLimits,
  type Formatter,
  type PayloadLimits,
} from "./channels/formatter.ts";
export { FormatterSink } from "./channels/formatter-sink.ts";
export { MemoryBudget, type MemoryBudgets } from "./channels/memory-budget.ts";
export {
  chainMessageSinks,
  type MessageSink,
  type MessageSinkProvider,
  type NextMessageSink,
} from "./channels/message-sink.ts";
export { noAttachments, noHeaders, type Payload } from "./channels/payload.ts";
export {
  defaultPeerLimits,
  type PeerHost,
  type PeerLimits,
  type PeerLink,
  type UnmarshalContext,
  type ValueMarshaler,
} from "./channels/peer-host.ts";
export type { Transport, TransportListener, TransportSinkProvider } from "./channels/transport.ts";
export { maxObjectKeys, Tagged, type TagResolver, type WireValue } from "./channels/wire-value.ts";
export type { AccessRule } from "./contract/authorize.ts";
export {
  AbortError,
  AccessDeniedError,
  ConnectError,
  ConnectionLostError,
  type ConnectionLostReason,
  describeThrown,
  LimitExceededError,
  MethodNotFoundError,
  ObjectDisconnectedError,
  RemoteInvocationError,
  RemotingError,
  type RemotingErrorOptions,
  RemotingTimeoutError,
  SerializationError,
  ServiceNotFoundError,
} from "./errors.ts";
export type { ErrorOrigin } from "./messages/error-origin.ts";
export type {
  ContextReceiver,
  LogicalData,
  LogicalDataChanges,
  LogicalValue,
} from "./messages/logical-data.ts";
export type { CallOptions, ConstructionCall, MethodCall, MethodReturn } from "./messages/method-call.ts";
export type { PeerInfo } from "./messages/peer-info.ts";
export type { Principal } from "./messages/principal.ts";
