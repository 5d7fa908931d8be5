/** Keeps instances of a pipe waiting for clients, as many as may come at the same time. */
import { NamedPipeServer, type NamedPipeStream, type PipeSecurity } from "../../ipc.ts";
import type { TransportListener } from "../../spi.ts";

/** How many instances wait. Clients that find none free try again, so this is about speed only. */
const waitingInstances = 4;
/** How long, in milliseconds, until another attempt where the system had no room for an instance. */
const retryDelay = 100;

/** Takes a client. `whenOver` is called when its pipe was closed. */
export type AcceptPipe = (pipe: NamedPipeStream, whenOver: () => void) => void;

/** A name that is listened on. */
export class PipeListener implements TransportListener {
  readonly address: string;
  readonly #security: PipeSecurity;
  readonly #accept: AcceptPipe;
  readonly #waiting = new Set<NamedPipeServer>();
  readonly #retries = new Set<NodeJS.Timeout>();
  /** Connected instances that hold the name, where the system does not let them give it up. */
  readonly #holding = new Set<NamedPipeServer>();
  #closed = false;

  /** Throws IpcError if the name is taken. */
  constructor(address: string, security: PipeSecurity, accept: AcceptPipe) {
    this.address = address;
    this.#security = security;
    this.#accept = accept;
    // Nobody else may have made it: else clients of that name could be his.
    this.#wait(this.#createInstance(true));
    for (let count = 1; count < waitingInstances; count++) this.#addInstance();
  }

  #createInstance(firstInstance: boolean): NamedPipeServer {
    const server = new NamedPipeServer(this.address, {
      firstInstance,
      maxInstances: Number.POSITIVE_INFINITY,
      security: this.#security,
    });
    this.#waiting.add(server);
    return server;
  }

  #addInstance(): void {
    if (this.#closed && this.#holding.size === 0) return;
    try {
      this.#wait(this.#createInstance(false));
    } catch {
      const retry = setTimeout(() => {
        this.#retries.delete(retry);
        this.#addInstance();
      }, retryDelay);
      this.#retries.add(retry);
    }
  }

  #wait(server: NamedPipeServer): void {
    server.waitForConnection().then(
      () => {
        this.#waiting.delete(server);
        this.#addInstance();
        this.#give(server);
      },
      () => {
        // It was closed, or the client was gone before it was there: then another instance takes its place.
        this.#waiting.delete(server);
        void server.close();
        this.#addInstance();
      },
    );
  }

  #give(server: NamedPipeServer): void {
    try {
      if (this.#closed) {
        // The name is still there, but nobody is served under it: who comes learns that at once.
        void server.close();
        return;
      }
      if (!server.releaseName()) this.#holding.add(server);
      this.#accept(server, () => this.#over(server));
    } catch {
      // It has left again, so that nothing can be said of it.
      void server.close();
      this.#over(server);
    }
  }

  #over(server: NamedPipeServer): void {
    this.#holding.delete(server);
    if (this.#closed && this.#holding.size === 0) void this.#closeWaiting();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const retry of this.#retries) clearTimeout(retry);
    this.#retries.clear();
    if (this.#holding.size === 0) await this.#closeWaiting();
    else for (const server of this.#waiting) server.unref();
  }

  async #closeWaiting(): Promise<void> {
    await Promise.all([...this.#waiting].map((server) => server.close()));
  }
}
