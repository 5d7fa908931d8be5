/**
 * The operating system's own means of communication between processes, as plain classes (`remoting/ipc`): named
 * pipes, mailslots, file mappings, mutexes, events. They need the native addon, which is loaded when the first of them
 * is used.
 */

export { IpcError, type IpcErrorOptions, type IpcFault, NativeAddonError } from "./ipc/ipc-error.ts";
export { MailslotClient } from "./ipc/mailslots/mailslot-client.ts";
export type {
  MailslotClientOptions,
  MailslotPlace,
  MailslotServerOptions,
} from "./ipc/mailslots/mailslot-options.ts";
export {
  type MailslotInfo,
  MailslotServer,
  type MailslotServerEvents,
} from "./ipc/mailslots/mailslot-server.ts";
export { FileMapping, type FileMappingOptions, type ViewOptions } from "./ipc/mappings/file-mapping.ts";
export { MappedView } from "./ipc/mappings/mapped-view.ts";
export { type MappingAccess, openIpcResources } from "./ipc/native-addon.ts";
export { type CallNamedPipeOptions, callNamedPipe } from "./ipc/pipes/call-named-pipe.ts";
export { type ConnectOptions, NamedPipeClient } from "./ipc/pipes/named-pipe-client.ts";
export { NamedPipeServer } from "./ipc/pipes/named-pipe-server.ts";
export { NamedPipeStream, type PipePeek, type ReadMessageOptions } from "./ipc/pipes/named-pipe-stream.ts";
export { PipeFlow, type PipeFlowHandler, PipeFlowMemory } from "./ipc/pipes/pipe-flow.ts";
export type {
  NamedPipeClientOptions,
  NamedPipeServerOptions,
  PipeDirection,
  PipeSecurity,
  PipeTransmissionMode,
} from "./ipc/pipes/pipe-options.ts";
export type { PipePeer } from "./ipc/pipes/pipe-peer.ts";
export { NamedEvent, type NamedEventOptions } from "./ipc/synchronization/named-event.ts";
export { type MutexHold, NamedMutex } from "./ipc/synchronization/named-mutex.ts";
export type { WaitOptions } from "./ipc/wait-options.ts";
