/** What applications import. */

// First, before any decorator runs: without Symbol.metadata, standard decorators keep nothing.
import "./contract/metadata.ts";

export type { Channel, ChannelListener, ChannelSender, PeerInfo } from "./channels/channel.ts";
export type { Formatter, PayloadLimits } from "./channels/formatter.ts";
export type { AbstractClass, Class } from "./contract/class.ts";
export { ClientActivated } from "./contract/client-activated.ts";
export { Local } from "./contract/local.ts";
export { MarshalByRefObject } from "./contract/marshal-by-ref-object.ts";
export { OneWay } from "./contract/one-way.ts";
export {
  type Accepted,
  type ConstructorArguments,
  type Received,
  Remote,
  type RemoteFunction,
  type RemotePromise,
} from "./contract/remote.ts";
export type { RemoteReference } from "./contract/remote-reference.ts";
export { Serializable, type SerializableOptions } from "./contract/serializable.ts";
export type { Exposure, MethodOptions } from "./contract/service-type.ts";
export { SingleCall } from "./contract/single-call.ts";
export { Singleton } from "./contract/singleton.ts";
export {
  AbortError,
  AccessDeniedError,
  ConnectError,
  ConnectionLostError,
  type ConnectionLostReason,
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
export { jsonFormatter } from "./formatters/json/json-formatter.ts";
export { msgpackFormatter } from "./formatters/msgpack/msgpack-formatter.ts";
export {
  type ChannelOptions,
  memoryChannel,
  type TcpChannelOptions,
  tcpChannel,
  transportChannel,
} from "./hosting/channel-factories.ts";
export {
  close,
  configure,
  createInstance,
  defaultDomain,
  disconnect,
  getObject,
  getObjectUri,
  isProxy,
  marshal,
  register,
  registerChannel,
  serve,
  unmarshal,
  unregisterChannel,
  whenDisconnected,
  withOptions,
} from "./hosting/default-domain.ts";
export type {
  MarshaledObject,
  RegisteredClass,
  RegisterOptions,
  RemotingDomainEvents,
  RemotingDomainOptions,
} from "./hosting/domain-options.ts";
export { RemotingDomain } from "./hosting/remoting-domain.ts";
export type { ServiceHost } from "./hosting/service-host.ts";
export type { CallOptions } from "./messages/method-call.ts";
export type { Principal } from "./messages/principal.ts";
export type { SessionLimits } from "./session/session-limits.ts";
export { type CallLogEntry, callLog } from "./sinks/call-log/call-log-sink.ts";
export { type CompressionOptions, compression } from "./sinks/compression/compression-sink.ts";
export { type AttachablePort, attachMessagePort } from "./transports/memory/message-port-gateway.ts";
