/** `pipe://name`: named pipes of the operating system, of message type. */
import {
  NamedPipeClient,
  type NamedPipeClientOptions,
  PipeFlowMemory,
  type PipeSecurity,
} from "../../ipc.ts";
import { type Connection, duplexCapabilities, type Transport, type TransportListener } from "../../spi.ts";
import { largestPipeMessage, PipeConnection } from "./pipe-connection.ts";
import { PipeListener } from "./pipe-listener.ts";

/** What `pipe://` can be told. */
export interface PipeTransportOptions {
  /**
   * Who may connect; a client needs its `folder` (POSIX) or `trustedOwner` (Windows) too. Default: the user that serves,
   * and nobody else.
   */
  readonly security?: PipeSecurity | undefined;
}

/** See the head of this file. */
export class PipeTransport implements Transport {
  readonly scheme = "pipe";
  readonly authenticatesPeers = true;
  readonly capabilities = { ...duplexCapabilities, peerIdentity: true, maxMessageSize: largestPipeMessage };
  readonly #security: PipeSecurity;
  /** All pipes of the transport read into it, one after the other. Made with the first of them. */
  #memory: PipeFlowMemory | undefined;

  constructor({ security = {} }: PipeTransportOptions = {}) {
    this.#security = security;
  }

  #sharedMemory(): PipeFlowMemory {
    this.#memory ??= new PipeFlowMemory();
    return this.#memory;
  }

  async connect(address: string, signal: AbortSignal): Promise<Connection> {
    const client = new NamedPipeClient(address, clientOptions(this.#security));
    // A server that is not there is an error, as with tcp://; one that is busy is waited for.
    await client.connect({ signal, waitForServer: false });
    try {
      return new PipeConnection(client, this.#sharedMemory());
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  isLocal(): boolean {
    return true;
  }

  async listen(address: string, accept: (connection: Connection) => void): Promise<TransportListener> {
    return new PipeListener(address, this.#security, (pipe, whenOver) => {
      accept(new PipeConnection(pipe, this.#sharedMemory(), whenOver));
    });
  }
}

/** What of it a client looks at. */
function clientOptions({ folder, trustedOwner }: PipeSecurity): NamedPipeClientOptions {
  return {
    ...(folder === undefined ? {} : { folder }),
    ...(trustedOwner === undefined ? {} : { trustedOwner }),
  };
}
