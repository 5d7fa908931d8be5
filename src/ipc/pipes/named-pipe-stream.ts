/** A connected pipe, seen from either end: what servers and clients have in common. */
import type { Duplex, Readable, Writable } from "node:stream";
import { IpcError } from "../ipc-error.ts";
import { type PendingOperation, type WaitOptions, waitFor } from "../wait-options.ts";
import { largestPiece, type NativePipe, type NativePipeEvents, pipeCode } from "./native-pipes.ts";
import { pipeFailure } from "./pipe-failure.ts";
import { PipeFlow, type PipeFlowHandler, PipeFlowMemory } from "./pipe-flow.ts";
import { parsePipeName } from "./pipe-name.ts";
import type { PipeDirection, PipeTransmissionMode } from "./pipe-options.ts";
import { type PipePeer, pipePeer } from "./pipe-peer.ts";
import { duplexOf, readableOf, writableOf } from "./pipe-streams.ts";

/** The largest message that is put together unless more is asked for: what a peer can make this process keep. */
const defaultMaxMessageSize = 16 * 1024 * 1024;
/** The largest that a message can be. */
const largestMessage = 2 ** 32 - 1;
/** How often, in milliseconds, it is asked whether the peer has read everything: at first, and at most. */
const firstDrainDelay = 1;
const longestDrainDelay = 20;

/** What {@link NamedPipeStream.readMessage} can be told. */
export interface ReadMessageOptions extends WaitOptions {
  /** The largest message that is taken, in bytes. Default 16 MiB. What is larger fails with `"too-large"`, and can be read in parts. */
  readonly maxSize?: number;
}

/** What {@link NamedPipeStream.peek} has found (PeekNamedPipe). */
export interface PipePeek {
  /** How many bytes were copied into the buffer. */
  readonly bytesRead: number;
  /** How many bytes can be read at least. On POSIX with 8 bytes for each further message that waits. */
  readonly available: number;
  /** How many bytes of the next message were not copied. 0 for a pipe of byte type. */
  readonly leftInMessage: number;
}

interface WriteRequest extends PendingOperation<void> {
  readonly bytes: Uint8Array;
}

/**
 * A pipe that is connected, or can be (System.IO.Pipes.PipeStream). {@link NamedPipeServer} and
 * {@link NamedPipeClient} are made; this is what both can do.
 *
 * Reads wait for their turn, and so do writes. Nothing blocks the event loop.
 *
 * @example
 * ```ts
 * await pipe.write(Buffer.from("a message"));
 * const answer = await pipe.readMessage({ timeout: 1000 });   // undefined when the other end has closed
 * for await (const message of pipe) console.log(message.toString());
 * ```
 */
export abstract class NamedPipeStream implements AsyncDisposable, AsyncIterable<Buffer> {
  /** The name, without `\\.\pipe\`. */
  readonly name: string;
  /** What this end may do: for a server as {@link PipeDirection} says, for a client `"inbound"` reads. */
  readonly direction: PipeDirection;
  /** @internal */
  protected native: NativePipe | undefined;
  /** @internal */
  protected connected = false;
  #readMode: PipeTransmissionMode | undefined;
  #readMemory: Buffer | undefined;
  /** The read under way. */
  #reading: ((code: number, start: number, length: number, complete: boolean) => void) | undefined;
  /** The last of the reads that were asked for: the next one waits for it. */
  #lastRead: Promise<unknown> = Promise.resolve();
  #readsAhead = 0;
  /** What was read of a message that could not be put together, to be read again. */
  #kept: Buffer | undefined;
  #messageComplete = true;
  /** A message is being read: what is at the end is not a good end. */
  #inMessage = false;
  #writes: WriteRequest[] = [];
  #flow: PipeFlow | undefined;
  #peer: PipePeer | undefined;
  #referenced = true;
  #closed = false;

  /** @internal */
  protected constructor(name: string, direction: PipeDirection, readMode: PipeTransmissionMode | undefined) {
    this.name = parsePipeName(name);
    this.direction = direction;
    this.#readMode = readMode;
  }

  /** Whether the other end is there, as far as is known: a pipe that broke is found to be broken when it is used. */
  get isConnected(): boolean {
    return this.connected;
  }

  /** Whether {@link close} was called. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Whether this end can read. */
  get canRead(): boolean {
    return this.direction !== "outbound";
  }

  /** Whether this end can write. */
  get canWrite(): boolean {
    return this.direction !== "inbound";
  }

  /** The pipe's type. Of a client's pipe it is known once it is connected (GetNamedPipeInfo). */
  get transmissionMode(): PipeTransmissionMode {
    return this.#open().isMessageType() ? "message" : "byte";
  }

  /** How this end reads (GetNamedPipeHandleState, PipeStream.ReadMode). Default as the pipe's type. */
  get readMode(): PipeTransmissionMode {
    return this.#readMode ?? this.transmissionMode;
  }

  /** Changes how this end reads (SetNamedPipeHandleState). Throws IpcError if a byte pipe is to have messages. */
  set readMode(mode: PipeTransmissionMode) {
    if (mode === "message" && this.native !== undefined && this.transmissionMode === "byte") {
      throw new IpcError("invalid", `The pipe "${this.name}" is of byte type: it has no messages to read`);
    }
    this.#readMode = mode;
  }

  /** Whether the last {@link read} came to the end of a message (PipeStream.IsMessageComplete; false is ERROR_MORE_DATA). */
  get isMessageComplete(): boolean {
    return this.#messageComplete;
  }

  /** Who is at the other end (GetNamedPipeClientProcessId, GetNamedPipeServerProcessId and more). */
  get peer(): PipePeer {
    if (this.#peer === undefined) {
      if (!this.connected) throw this.#notConnected("has no other end");
      this.#peer = pipePeer(this.#open().peer());
    }
    return this.#peer;
  }

  /**
   * Reads what there is, up to the buffer's size and the end of a message (ReadFile, PipeStream.Read). What does not
   * fit stays, and {@link isMessageComplete} is false then.
   *
   * @returns How many bytes: 0 for an empty message. `undefined` when the other end has closed.
   */
  read(target: Uint8Array, options: WaitOptions = {}): Promise<number | undefined> {
    return this.#inTurn(async () => {
      for (;;) {
        const piece = await this.#readPiece(target.length, options, false);
        if (piece === undefined) return undefined;
        // Of a message pipe that is read as bytes: an empty message has none.
        if (piece.length === 0 && target.length > 0 && this.readMode === "byte") continue;
        target.set(piece);
        return piece.length;
      }
    });
  }

  /**
   * Reads a whole message.
   *
   * @returns `undefined` when the other end has closed.
   * @throws IpcError `"too-large"` if it is larger than `maxSize`, `"timeout"`, `"broken"` if the other end closed in
   *   the middle of it. What was read of it before a timeout or an abort is not lost.
   */
  readMessage({
    maxSize = defaultMaxMessageSize,
    ...wait
  }: ReadMessageOptions = {}): Promise<Buffer | undefined> {
    if (this.readMode === "byte") {
      return Promise.reject(
        new IpcError("invalid", `The pipe "${this.name}" is read as bytes: use read, or toReadable`),
      );
    }
    return this.#inTurn(async () => {
      const deadline = wait.timeout === undefined ? undefined : performance.now() + wait.timeout;
      const parts: Buffer[] = [];
      let size = 0;
      try {
        for (;;) {
          const timeout = deadline === undefined ? undefined : Math.max(0, deadline - performance.now());
          // Told apart from a buffer that is full, so that a message of exactly `maxSize` is one.
          const most = Math.min(largestPiece, Math.max(1, maxSize - size + 1));
          const piece = await this.#readPiece(most, { ...wait, timeout }, true);
          if (piece === undefined) return undefined;
          parts.push(piece);
          size += piece.length;
          if (size > maxSize) {
            throw new IpcError(
              "too-large",
              `The message is larger than ${maxSize} bytes: give readMessage a larger maxSize, or read it in parts`,
            );
          }
          if (this.#messageComplete) return parts.length === 1 ? piece : Buffer.concat(parts, size);
        }
      } catch (error) {
        // Of a message that will never be whole, nothing is kept.
        const isLost = error instanceof IpcError && (error.fault === "broken" || error.fault === "protocol");
        if (size > 0 && this.connected && !isLost) this.#kept = Buffer.concat(parts, size);
        throw error;
      }
    });
  }

  /** All messages, until the other end closes. Of a byte pipe, what each read brings. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      let message: Buffer | undefined;
      if (this.readMode === "message") {
        message = await this.readMessage();
      } else {
        const target = Buffer.allocUnsafe(largestPiece);
        const length = await this.read(target);
        message = length === undefined ? undefined : target.subarray(0, length);
      }
      if (message === undefined) return;
      yield message;
    }
  }

  /**
   * Writes a message, or bytes (WriteFile, PipeStream.Write). Resolves when the system has taken it all; what the
   * peer has read, {@link waitForPipeDrain} tells. The bytes are not to be changed until then.
   *
   * @throws IpcError `"broken"` if the other end is gone, `"timeout"` if it does not read. A message that was given up
   *   arrives not at all, or the peer's read fails.
   */
  write(bytes: Uint8Array, options: WaitOptions = {}): Promise<void> {
    if (!this.canWrite) {
      return Promise.reject(new IpcError("invalid", `This end of the pipe "${this.name}" only reads`));
    }
    if (!this.connected) return Promise.reject(this.#notConnected("cannot be written"));
    if (this.#flow !== undefined) return Promise.reject(this.#flowing());
    if (bytes.length > largestMessage) {
      return Promise.reject(new IpcError("too-large", `A message may have ${largestMessage} bytes`));
    }
    // Of bytes, none are nothing; a message may well be empty.
    if (bytes.length === 0 && this.transmissionMode === "byte") return Promise.resolve();
    const native = this.#open();
    if (options.signal?.aborted !== true && this.#writes.length === 0) {
      if (native.write(bytes, 0, bytes.length, undefined)) return Promise.resolve();
      return this.#waitForWrite(bytes, options, true);
    }
    return this.#waitForWrite(bytes, options, false);
  }

  #waitForWrite(bytes: Uint8Array, options: WaitOptions, begun: boolean): Promise<void> {
    let request: WriteRequest | undefined;
    const describe = () => `the other end of the pipe "${this.name}" to read`;
    const written = waitFor<void>(
      options,
      describe,
      (operation) => {
        request = { bytes, ...operation };
        this.#writes.push(request);
      },
      () => {
        if (request === undefined) return true;
        if (this.#writes[0] !== request) {
          this.#writes.splice(this.#writes.indexOf(request), 1);
          return true;
        }
        if (this.native?.cancelWrites() === false) return false;
        this.#writes.shift();
        this.#writeNext();
        return true;
      },
    );
    // An aborted signal or a wrong timeout has not even begun it: then it must not leave anything behind either.
    if (begun && request === undefined) this.native?.cancelWrites();
    return written;
  }

  #writeNext(): void {
    for (;;) {
      const [next] = this.#writes;
      if (next === undefined || this.native === undefined) return;
      if (!this.native.write(next.bytes, 0, next.bytes.length, undefined)) return;
      this.#writes.shift();
      next.resolve();
    }
  }

  /**
   * Writes a message and reads the answer to it (TransactNamedPipe).
   *
   * @throws IpcError `"broken"` if the other end closes without an answer; all that {@link write} and
   *   {@link readMessage} throw.
   */
  async transact(message: Uint8Array, options: ReadMessageOptions = {}): Promise<Buffer> {
    const deadline = options.timeout === undefined ? undefined : performance.now() + options.timeout;
    await this.write(message, options);
    const timeout = deadline === undefined ? undefined : Math.max(0, deadline - performance.now());
    const answer = await this.readMessage(timeout === undefined ? options : { ...options, timeout });
    if (answer !== undefined) return answer;
    throw new IpcError("broken", `The other end of the pipe "${this.name}" closed it without an answer`);
  }

  /**
   * Looks at what would be read, and leaves it there (PeekNamedPipe). Never waits.
   *
   * @param target Where to copy it to. Default: it is not copied, only counted.
   * @throws IpcError `"broken"` when the other end has closed and everything was read.
   */
  peek(target: Uint8Array = Buffer.alloc(0)): PipePeek {
    this.#checkReading();
    if (this.#kept !== undefined) {
      const bytesRead = this.#kept.copy(target);
      const rest = this.#kept.length - bytesRead;
      return { bytesRead, available: this.#kept.length, leftInMessage: this.readMode === "byte" ? 0 : rest };
    }
    const native = this.#open();
    this.#prepareMemory(native);
    const [code, bytesRead, available, leftInMessage] = native.peek(target);
    if (code !== pipeCode.success) throw pipeFailure(code, `The pipe "${this.name}" cannot be peeked into`);
    return { bytesRead, available, leftInMessage };
  }

  /** Resolves when the peer has read everything that was written (FlushFileBuffers, PipeStream.WaitForPipeDrain). */
  waitForPipeDrain(options: WaitOptions = {}): Promise<void> {
    if (!this.connected) return Promise.reject(this.#notConnected("cannot be drained"));
    let timer: NodeJS.Timeout | undefined;
    return waitFor<void>(
      options,
      () => `the other end of the pipe "${this.name}" to read everything`,
      ({ resolve, reject }) => {
        let delay = firstDrainDelay;
        const look = () => {
          if (!this.connected) reject(this.#notConnected("cannot be drained"));
          else if (this.#writes.length === 0 && this.#open().isDrained()) resolve();
          else {
            timer = setTimeout(look, delay);
            delay = Math.min(2 * delay, longestDrainDelay);
          }
        };
        look();
      },
      () => {
        clearTimeout(timer);
        return true;
      },
    );
  }

  /** As a stream of Node, for byte type (and messages, whose boundaries are then forgotten). Destroying it closes the pipe. */
  toReadable(): Readable {
    this.#checkReading();
    return readableOf(this);
  }

  /** As a stream of Node: each chunk is one write. Ending it closes the pipe once the peer has read everything. */
  toWritable(): Writable {
    return writableOf(this);
  }

  /** Both directions as one stream of Node. */
  toDuplex(): Duplex {
    return duplexOf(this);
  }

  /**
   * Reads from now on as {@link PipeFlow} does, for those who carry many messages. After this, `read`, `readMessage`
   * and `write` cannot be used any more.
   *
   * @param memory Shared with others of this thread, or of its own by default: half a megabyte.
   */
  flow(handler: PipeFlowHandler, memory: PipeFlowMemory = new PipeFlowMemory()): PipeFlow {
    if (!this.connected) throw this.#notConnected("cannot flow");
    if (
      this.#flow !== undefined ||
      this.#readsAhead > 0 ||
      this.#writes.length > 0 ||
      this.#readMemory !== undefined
    ) {
      throw new IpcError(
        "invalid",
        `The pipe "${this.name}" was read or written before: it cannot flow any more`,
      );
    }
    this.#flow = new PipeFlow(this.#open(), () => `The pipe "${this.name}" was lost`, memory, handler);
    return this.#flow;
  }

  /** Keeps the process running while something is awaited here. So it is at first. */
  ref(): this {
    return this.#setReferenced(true);
  }

  /** Lets the process end although something is awaited here. */
  unref(): this {
    return this.#setReferenced(false);
  }

  #setReferenced(referenced: boolean): this {
    this.#referenced = referenced;
    this.native?.setReferenced(referenced);
    return this;
  }

  /**
   * Closes this end at once (CloseHandle). What is under way here fails with `"closed"`; what was written before, the
   * other end can still read.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const native = this.native;
    this.forget(pipeCode.closed);
    native?.close();
    this.native = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal What the addon tells, as it wants it. */
  protected events(onConnected: (code: number) => void): NativePipeEvents {
    return [
      onConnected,
      (code, start, length, complete) => this.#reading?.(code, start, length, complete !== 0),
      (count) => this.#flow?.received(count),
      (code) => this.#flow?.finished(code),
      (count, code) => (this.#flow === undefined ? this.#written(code) : this.#flow.taken(count, code)),
    ];
  }

  /** @internal There is another end now. */
  protected becomeConnected(): void {
    if (this.#readMode === "message" && this.transmissionMode === "byte") {
      throw new IpcError("invalid", `The pipe "${this.name}" is of byte type: it cannot be read as messages`);
    }
    this.connected = true;
    this.native?.setReferenced(this.#referenced);
  }

  /** @internal There is no other end any more: what is under way fails. */
  protected forget(code: number): void {
    this.connected = false;
    this.#flow?.closed();
    this.#flow = undefined;
    this.#peer = undefined;
    this.#kept = undefined;
    this.#readMemory = undefined;
    this.#messageComplete = true;
    this.#inMessage = false;
    this.#reading?.(code, 0, 0, true);
    for (const { reject } of this.#writes.splice(0)) {
      reject(pipeFailure(code, `The pipe "${this.name}" cannot be written`));
    }
  }

  /** @internal */
  protected get mayBeUsed(): boolean {
    return !this.#closed;
  }

  #written(code: number): void {
    if (code !== pipeCode.success) {
      const failed = this.#writes.splice(0, code === pipeCode.aborted ? 1 : this.#writes.length);
      for (const { reject } of failed) reject(pipeFailure(code, `The pipe "${this.name}" cannot be written`));
    } else {
      this.#writes.shift()?.resolve();
    }
    this.#writeNext();
  }

  #open(): NativePipe {
    if (this.native === undefined) throw this.#notConnected("cannot be used");
    return this.native;
  }

  #notConnected(what: string): IpcError {
    if (this.#closed) return new IpcError("closed", `The pipe "${this.name}" ${what}: it was closed here`);
    return new IpcError("not-connected", `The pipe "${this.name}" ${what}: it is not connected`);
  }

  #flowing(): IpcError {
    return new IpcError("invalid", `The pipe "${this.name}" flows: what comes is given to its handler`);
  }

  #checkReading(): void {
    if (!this.canRead) throw new IpcError("invalid", `This end of the pipe "${this.name}" only writes`);
    if (!this.connected) throw this.#notConnected("cannot be read");
    if (this.#flow !== undefined) throw this.#flowing();
  }

  /** Reads one after the other, in the order in which they were asked for. */
  #inTurn<T>(read: () => Promise<T>): Promise<T> {
    const ahead = this.#readsAhead++ > 0 ? this.#lastRead.catch(() => undefined) : undefined;
    const reading = (ahead === undefined ? read() : ahead.then(read)).finally(() => {
      this.#readsAhead--;
    });
    this.#lastRead = reading;
    // Whoever asked is told; this is only for the next in turn.
    reading.catch(() => undefined);
    return reading;
  }

  #prepareMemory(native: NativePipe): void {
    if (this.#readMemory !== undefined) return;
    this.#readMemory = Buffer.allocUnsafeSlow(largestPiece);
    native.setReadMemory(this.#readMemory);
  }

  /** A copy of what the next read brings; `undefined` at the end. */
  async #readPiece(most: number, options: WaitOptions, wholeMessage: boolean): Promise<Buffer | undefined> {
    this.#checkReading();
    const kept = this.#kept;
    if (kept !== undefined) {
      this.#kept = kept.length > most ? kept.subarray(most) : undefined;
      // What was kept was never the end of its message, or it was one that is too large.
      this.#messageComplete = this.#kept === undefined && !this.#inMessage;
      return kept.subarray(0, most);
    }
    const native = this.#open();
    this.#prepareMemory(native);
    const memory = this.#readMemory;
    if (memory === undefined) throw this.#notConnected("cannot be read");
    const doing = `The pipe "${this.name}" cannot be read`;
    const take = (code: number, start: number, length: number, complete: boolean): Buffer | undefined => {
      if (code === pipeCode.end) {
        if (wholeMessage && this.#inMessage) {
          throw new IpcError("broken", `${doing}: the other end closed it in the middle of a message`);
        }
        return undefined;
      }
      if (code !== pipeCode.success) {
        this.#inMessage = false;
        throw pipeFailure(code, doing);
      }
      this.#inMessage = !complete;
      this.#messageComplete = complete || this.readMode === "byte";
      return Buffer.from(memory.subarray(start, start + length));
    };
    if (options.signal?.aborted !== true) {
      const result = native.read(Math.min(most, largestPiece));
      if (result !== undefined) return take(result[0], result[1], result[2], result[3] !== 0);
    }
    return waitFor<Buffer | undefined>(
      options,
      () => `the other end of the pipe "${this.name}" to write`,
      ({ resolve, reject }) => {
        this.#reading = (code, start, length, complete) => {
          this.#reading = undefined;
          try {
            resolve(take(code, start, length, complete));
          } catch (error) {
            reject(error);
          }
        };
      },
      () => {
        if (this.native?.cancelRead() === false) return false;
        this.#reading = undefined;
        return true;
      },
    );
  }
}
