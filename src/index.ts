/** What applications import. */

// First, before any decorator runs: without Symbol.metadata, standard decorators keep nothing.
import "./contract/metadata.ts";

export type { Channel, ChannelListener, ChannelSender } from "./channels/channel.ts";
export type { Formatter, PayloadLimits } from "./channels/formatter.ts";
export { type AccessRule, Authorize, type AuthorizeDecorator } from "./contract/authorize.ts";
export type { AbstractClass, Class } from "./contract/class.ts";
export { ClientActivated } from "./contract/client-activated.ts";
export type { LeaseSettings } from "./contract/lease-settings.ts";
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
export { scoped } from "./contract/scoped.ts";
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
export type { AuthorizationRequest, Authorizer } from "./hosting/authorization.ts";
export {
  type ChannelOptions,
  type MailslotOptions,
  mailslotChannel,
  memoryChannel,
  type PipeChannelOptions,
  pipeChannel,
  type ShmChannelOptions,
  shmChannel,
  type TcpChannelOptions,
  type TcpsChannelOptions,
  tcpChannel,
  tcpsChannel,
  transportChannel,
} from "./hosting/channel-factories.ts";
export { ClientSponsor } from "./hosting/client-sponsor.ts";
export type { CustomErrorsMode } from "./hosting/custom-errors.ts";
export {
  close,
  configure,
  createInstance,
  defaultDomain,
  disconnect,
  getLifetimeService,
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
export type { DomainLimits } from "./hosting/domain-limits.ts";
export type {
  MarshaledObject,
  ObjectReference,
  RegisteredClass,
  RegisterOptions,
  RemotingDomainEvents,
  RemotingDomainOptions,
} from "./hosting/domain-options.ts";
export type { DomainStatistics } from "./hosting/domain-statistics.ts";
export { RemotingDomain } from "./hosting/remoting-domain.ts";
export type { ServiceHost } from "./hosting/service-host.ts";
export type { Clock } from "./lifetime/clock.ts";
export type { Lease, Sponsor } from "./lifetime/lease.ts";
export type { LeaseOptions, LifetimeRules } from "./lifetime/lifetime-options.ts";
export type { LeaseState } from "./lifetime/object-lease.ts";

export {
  type MailslotSink,
  type MailslotSinkOptions,
  type MailslotSinkProvider,
  mailslotSinkProvider,
} from "./mailslot/mailslot-sink.ts";
export type { ErrorOrigin } from "./messages/error-origin.ts";
export type { CallOptions } from "./messages/method-call.ts";
export type { PeerInfo } from "./messages/peer-info.ts";
export type { Principal } from "./messages/principal.ts";
export type { ChannelLimits } from "./session/channel-limits.ts";
export type { SessionLimits } from "./session/session-limits.ts";
export {
  type Secret,
  type SharedSecret,
  type SharedSecretEntry,
  type SharedSecretOptions,
  type SharedSecrets,
  sharedSecret,
  sharedSecrets,
} from "./session/shared-secret.ts";
export { type CallLogEntry, callLog } from "./sinks/call-log/call-log-sink.ts";
export { type CompressionOptions, compression } from "./sinks/compression/compression-sink.ts";
export { type AttachablePort, attachMessagePort } from "./transports/memory/message-port-gateway.ts";
export type { PipePrincipal } from "./transports/pipe/pipe-connection.ts";
export type {
  TlsClientOptions,
  TlsIdentity,
  TlsMaterial,
  TlsOptions,
  TlsServerOptions,
} from "./transports/tcp/tls-options.ts";
