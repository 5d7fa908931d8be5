/**
 * The fast way through a pipe: all messages of a wake-up come in one call from the addon, and nothing makes a promise.
 * It is what `pipe://` is built on; most programs want `read` and `write`.
 */
import { IpcError } from "../ipc-error.ts";
import { largestPiece, type NativePipe, pipeCode } from "./native-pipes.ts";
import { pipeFailure } from "./pipe-failure.ts";

/** How many pieces one wake-up brings at most. */
const mostPieces = 8;
/** The distance of two pieces in memory; native/pipe/pipe_end_posix.cc counts on it. */
const pieceSlot = largestPiece + 64;
/** How many queued bytes are few enough to ask for more. */
const lowWater = 128 * 1024;

/** Memory that what comes in is read into. Many flows can share one: what was read is consumed before the next read. */
export class PipeFlowMemory {
  readonly bytes = Buffer.allocUnsafeSlow(mostPieces * pieceSlot);
  /** For each piece: its start, its end, and what of its message is still to come. */
  readonly pieces = new Uint32Array(3 * mostPieces);
}

/** Who receives from a {@link PipeFlow}. None of these may throw. */
export interface PipeFlowHandler {
  /**
   * A message, or a piece of one; of a pipe of byte type, bytes. They are valid only during the call.
   *
   * @param remaining Bytes of the message that are still to come; 0 when it ends here.
   */
  onPiece(bytes: Buffer, start: number, end: number, remaining: number): void;
  /** What waits has become little enough that more should be sent. */
  onDrain(): void;
  /** Nothing more comes; the error says why if the other end did not just close. The stream has still to be closed. */
  onEnd(error: Error | undefined): void;
}

interface Waiting {
  readonly size: number;
  readonly memory: Buffer;
  readonly release: (memory: Buffer) => void;
}

/** See the head of this file. Made by {@link NamedPipeStream.flow}. */
export class PipeFlow {
  readonly #native: NativePipe;
  readonly #describe: () => string;
  readonly #memory: PipeFlowMemory;
  readonly #handler: PipeFlowHandler;
  readonly #waiting: Waiting[] = [];
  #queuedBytes = 0;
  #inMessage = false;
  #ended = false;

  /** @internal */
  constructor(native: NativePipe, describe: () => string, memory: PipeFlowMemory, handler: PipeFlowHandler) {
    this.#native = native;
    this.#describe = describe;
    this.#memory = memory;
    this.#handler = handler;
    native.receive(memory.bytes, memory.pieces);
  }

  /** Bytes that were sent but not yet taken by the system. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /**
   * Sends `memory[start..end)`, and the tail after it, as one message.
   *
   * @param release Called with the memory, in this turn or later, when it may be used again. The tail may be changed
   *   when {@link queuedBytes} has fallen to zero.
   */
  send(
    memory: Buffer,
    start: number,
    end: number,
    release: (memory: Buffer) => void,
    tail?: Uint8Array,
  ): void {
    if (this.#ended) return;
    if (this.#native.write(memory, start, end, tail)) {
      release(memory);
      return;
    }
    const size = end - start + (tail?.length ?? 0);
    this.#queuedBytes += size;
    this.#waiting.push({ size, memory, release });
  }

  /** @internal The addon has read. */
  received(count: number): void {
    const { bytes, pieces } = this.#memory;
    for (let index = 0; index < 3 * count && !this.#ended; index += 3) {
      const remaining = pieces[index + 2] ?? 0;
      this.#inMessage = remaining > 0;
      this.#handler.onPiece(bytes, pieces[index] ?? 0, pieces[index + 1] ?? 0, remaining);
    }
  }

  /** @internal The system has taken messages that waited, or will not. */
  taken(count: number, code: number): void {
    for (const { size, memory, release } of this.#waiting.splice(0, count)) {
      this.#queuedBytes -= size;
      if (code === pipeCode.success) release(memory);
    }
    if (!this.#ended && code === pipeCode.success && this.#queuedBytes <= lowWater) this.#handler.onDrain();
  }

  /** @internal Nothing more comes. */
  finished(code: number): void {
    if (this.#ended) return;
    this.#ended = true;
    if (code !== pipeCode.end) {
      this.#handler.onEnd(pipeFailure(code, this.#describe()));
    } else if (this.#inMessage) {
      this.#handler.onEnd(
        new IpcError("broken", `${this.#describe()}: the other end closed it in the middle of a message`),
      );
    } else {
      this.#handler.onEnd(undefined);
    }
  }

  /** @internal The stream was closed here: nothing is told any more. */
  closed(): void {
    this.#ended = true;
    this.#waiting.length = 0;
    this.#queuedBytes = 0;
  }
}
