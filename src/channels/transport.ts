/** Opens connections and waits for them: what differs between TCP, pipes and shared memory, and nothing more. */
import type { ChannelCapabilities } from "./capabilities.ts";
import type { Connection, TransportSink } from "./connection.ts";

/** Makes the link that ends a chain (the transport part of IClientChannelSinkProvider). */
export interface TransportSinkProvider {
  /** The URL scheme that it serves, for example `"tcp"`. */
  readonly scheme: string;
  /** What it can do. */
  readonly capabilities: ChannelCapabilities;
  /** Opens the way to an address. Rejects with the system's error if nobody is there, with the signal's reason if aborted. */
  connect(address: string, signal: AbortSignal): Promise<TransportSink>;
}

/** A duplex transport. */
export interface Transport extends TransportSinkProvider {
  connect(address: string, signal: AbortSignal): Promise<Connection>;

  /**
   * Whether only this machine can reach an address that is listened on. Where others can, a channel refuses to listen
   * unless peers have to prove who they are.
   */
  isLocal(address: string): boolean;

  /** Whether every peer that gets through has a {@link Connection.principal}. Default no. */
  readonly authenticatesPeers?: boolean;

  /**
   * Waits for connections at an address.
   *
   * @param accept Called with each connection. It must call `start` or `destroy` on it in the same turn.
   * @param onFailed Told of peers that never became a connection, because they do not speak what the transport speaks.
   */
  listen(
    address: string,
    accept: (connection: Connection) => void,
    onFailed: (error: Error) => void,
  ): Promise<TransportListener>;
}

/** An address that is being listened on. */
export interface TransportListener {
  /** The address as clients can use it: port 0 has become the real one. */
  readonly address: string;
  /** Stops accepting. Connections that were accepted go on. */
  close(): Promise<void>;
}
