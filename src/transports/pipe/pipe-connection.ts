/** Messages over a named pipe: the operating system keeps their boundaries, and says who the peer is. */
import type { NamedPipeStream, PipeFlow, PipeFlowMemory, PipePeer } from "../../ipc.ts";
import { type Connection, type ConnectionHandler, messageHeadroom, type Principal } from "../../spi.ts";

/** The largest message that a pipe carries. */
export const largestPipeMessage = 2 ** 32 - 1;

/** Who the process at the other end of a pipe runs as, on the operating system's word. */
export interface PipePrincipal extends Principal {
  readonly authenticatedBy: "operating-system";
  /** The peer's process id when the connection was made. */
  readonly processId: number;
  /** The user's number as text on POSIX, its SID on Windows. */
  readonly userId: string;
}

function principalOf({ processId, userId, userName }: PipePeer): PipePrincipal | undefined {
  if (userId === undefined) return undefined;
  return { name: userName ?? userId, roles: [], authenticatedBy: "operating-system", processId, userId };
}

/** A connection over a pipe that is connected. Owns it. */
export class PipeConnection implements Connection {
  readonly maxMessageSize = largestPipeMessage;
  readonly isLocal = true;
  readonly peerName: string;
  readonly principal: PipePrincipal | undefined;
  readonly #pipe: NamedPipeStream;
  readonly #memory: PipeFlowMemory;
  readonly #whenOver: (() => void) | undefined;
  #flow: PipeFlow | undefined;
  #handler: ConnectionHandler | undefined;
  #isOver = false;
  #error: Error | undefined;
  /** Someone waits for what was sent to be taken, to close then. */
  #whenSent: (() => void) | undefined;

  /** @param whenOver Called when the pipe was closed. */
  constructor(pipe: NamedPipeStream, memory: PipeFlowMemory, whenOver?: () => void) {
    const { peer } = pipe;
    this.#pipe = pipe;
    this.#memory = memory;
    this.#whenOver = whenOver;
    this.peerName = `${pipe.name} (process ${peer.processId})`;
    this.principal = principalOf(peer);
  }

  get queuedBytes(): number {
    return this.#flow?.queuedBytes ?? 0;
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler;
    if (this.#isOver) {
      process.nextTick(() => handler.onClose(this.#error));
      return;
    }
    this.#flow = this.#pipe.flow(
      {
        onPiece: (bytes, start, end, remaining) => this.#receive(handler, bytes, start, end, remaining),
        onDrain: () => {
          handler.onDrain();
          if (this.queuedBytes === 0) this.#whenSent?.();
        },
        onEnd: (error) => this.#end(error),
      },
      this.#memory,
    );
  }

  #receive(handler: ConnectionHandler, bytes: Buffer, start: number, end: number, remaining: number): void {
    const size = end - start + remaining;
    // Asked for each piece: of a message that was refused at its first, nothing more comes, for it ends the connection.
    if (size === 0 || size > handler.messageLimit) {
      handler.onInvalid(`a message of ${size} bytes, where at most ${handler.messageLimit} are allowed`);
    } else {
      handler.onMessage(bytes, start, end, remaining);
    }
  }

  send(memory: Buffer, length: number, release: (memory: Buffer) => void, tail?: Uint8Array): void {
    this.#flow?.send(memory, messageHeadroom, length, release, tail);
  }

  /** All that was sent is on its way already: one call of the system carries a message. */
  flush(): void {}

  async close(): Promise<void> {
    if (!this.#isOver && this.queuedBytes > 0) {
      await new Promise<void>((resolve) => {
        this.#whenSent = resolve;
      });
    }
    this.#end(undefined);
  }

  destroy(): void {
    this.#end(undefined);
  }

  #end(error: Error | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    void this.#pipe.close();
    this.#whenOver?.();
    this.#whenSent?.();
    const handler = this.#handler;
    if (handler !== undefined) process.nextTick(() => handler.onClose(error));
  }

  keepAlive(active: boolean): void {
    if (active) this.#pipe.ref();
    else this.#pipe.unref();
  }
}
