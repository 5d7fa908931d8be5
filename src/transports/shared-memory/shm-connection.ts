/** Messages over a pair of rings: each is preceded by its length, as over any stream. */
import type { RingEndpoint } from "../../ipc/rings/native-rings.ts";
import { ringAlignment, ringState } from "../../ipc/rings/native-rings.ts";
import {
  type Connection,
  type ConnectionHandler,
  messageHeadroom,
  type Principal,
  readUint32,
  writeUint32,
} from "../../spi.ts";
import type { Spinner, Watched } from "./spinner.ts";

const prefixSize = 4;

/**
 * Four times as much as usual: what a message costs here beside its bytes is work in JavaScript, on both sides. 4 × 1 MiB
 * in flight made 1.3 times as many MB a second as with 65,408 bytes (60 short interleaved runs). Twice as much again made
 * 1.0 to 1.1 times as many there, and less with 8 MiB.
 */
const fragmentSize = 256 * 1024 - 512;

/** How many queued bytes are few enough to ask for more. */
const lowWater = 128 * 1024;

/** After a message of this size the next ones are expected to be large too, so they are copied to where they belong. */
const largeMessage = 32 * 1024;

/**
 * After a message of this size, such as a fragment of a larger one, nothing is waited for busily: on two EPYC cores 4 × 1 MiB
 * in flight made 0.8 times as many MB a second with the spin. With 64 KiB it made 1.5 times as many, with 128 KiB 1.2 times.
 */
const longMessage = 192 * 1024;

/** In so many batches: between large ones there are small ones, such as calls and reports of what was taken. */
const batchesExpected = 8;

/**
 * What is taken of a message that is expected to be large before it is known where the rest belongs: too little to be worth
 * a copy, and enough for most small ones, if one comes.
 */
const firstBytes = 512;

/** A rest that is shorter than this is received as anything else is. */
const directBytes = 4 * 1024;

/** Pieces of one message that are taken before anybody else gets a turn. */
const piecesInARow = 16;

/** Batches that are taken before the event loop gets its turn. */
const batchesInARow = 16;

/** A message, or what is left of one, that the ring had no room for. */
interface WaitingMessage {
  readonly memory: Buffer;
  readonly release: (memory: Buffer) => void;
  readonly tail: Uint8Array | undefined;
  /** What is still to be written: of `memory`, and of `tail`. */
  start: number;
  readonly end: number;
  tailStart: number;
}

/** A connection over memory that both sides have. Owns the endpoint. */
export class ShmConnection implements Connection, Watched {
  readonly maxMessageSize = Number.POSITIVE_INFINITY;
  readonly peerName: string;
  readonly principal: Principal | undefined;
  readonly isLocal = true;
  readonly sendsCheaply = true;
  readonly fragmentSize = fragmentSize;
  readonly #endpoint: RingEndpoint;
  readonly #memory: Buffer;
  readonly #spinner: Spinner;
  #handler: ConnectionHandler | undefined;
  /** Bytes ever received, as far as they tell where the next ones will be. */
  #position = 0;
  /** Of the message being received: bytes that are still to come. */
  #missing = 0;
  /** In how many of the next batches large messages are expected, and in how many long ones. */
  #largeExpected = 0;
  #longExpected = 0;
  /** A length that has not fully arrived: its first bytes, and how many they are. */
  #prefix = 0;
  #prefixFilled = 0;
  readonly #waiting: WaitingMessage[] = [];
  #waitingBytes = 0;
  /** The peer has ended: what it has written before is still there. */
  #peerEnded = false;
  /** The peer has said so before. */
  #peerSaidGoodbye = false;
  #closed = false;
  /** Who was to be told of the end has been. */
  #over = false;
  #isPumpScheduled = false;
  /** Whether the peer has to ring before anything is looked at. */
  #isAsleep = false;
  /** Whether it is to keep the process running, and whether the endpoint does. */
  #keepsAlive = true;
  #isReferenced = true;
  #closeListeners: (() => void)[] = [];
  readonly #pumpAgain = () => {
    this.#isPumpScheduled = false;
    this.#pump();
  };

  /**
   * @param memory Where to receive to; shared by all connections of a transport.
   */
  constructor(
    endpoint: RingEndpoint,
    memory: Buffer,
    spinner: Spinner,
    peerName: string,
    principal: Principal | undefined,
  ) {
    this.#endpoint = endpoint;
    this.#memory = memory;
    this.#spinner = spinner;
    this.peerName = peerName;
    this.principal = principal;
  }

  get queuedBytes(): number {
    return this.#waitingBytes;
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler;
    this.#endpoint.start(this.#memory, (ended) => {
      if (ended) this.#peerEnded = true;
      this.#pump();
    });
    // What came before is there already, and nobody has been asked to ring for it.
    this.#schedulePump();
  }

  // --- out --------------------------------------------------------------------------------------------

  send(memory: Buffer, length: number, release: (memory: Buffer) => void, tail?: Uint8Array): void {
    this.#send(memory, length, release, tail, false);
  }

  sendCopy(memory: Buffer, length: number, release: (memory: Buffer) => void, tail: Uint8Array): void {
    this.#send(memory, length, release, tail, true);
  }

  /** @param copies Whether what the ring has no room for is to be copied, because it may change. */
  #send(
    memory: Buffer,
    length: number,
    release: (memory: Buffer) => void,
    tail: Uint8Array | undefined,
    copies: boolean,
  ): void {
    if (this.#closed) return;
    const start = messageHeadroom - prefixSize;
    const size = length - start + (tail === undefined ? 0 : tail.length);
    writeUint32(memory, start, size - prefixSize);
    let written = 0;
    if (this.#waiting.length === 0) {
      written = this.#endpoint.write(memory, start, length, tail);
      if (written === size) {
        release(memory);
        return;
      }
      // The next look at the ring tells.
      if (written < 0) {
        this.#schedulePump();
        return;
      }
    }
    const ofMemory = Math.min(written, length - start);
    this.#waiting.push({
      memory,
      release,
      tail: copies && tail !== undefined ? Buffer.from(tail) : tail,
      start: start + ofMemory,
      end: length,
      tailStart: written - ofMemory,
    });
    this.#waitingBytes += size - written;
  }

  flush(): void {
    if (this.#closed) return;
    if (this.#spinner.watch(this)) return;
    // It is awake only to write: the peer has to be asked to ring when there is room.
    if (this.#waiting.length > 0) this.#schedulePump();
  }

  /** Returns whether all that waited was written. */
  #writeWaiting(): boolean {
    const waiting = this.#waiting;
    let taken = 0;
    for (const message of waiting) {
      const { memory, start, end, tail } = message;
      const rest = tail === undefined || message.tailStart === 0 ? tail : tail.subarray(message.tailStart);
      const size = end - start + (rest === undefined ? 0 : rest.length);
      const written = this.#endpoint.write(memory, start, end, rest);
      if (written < 0) break;
      this.#waitingBytes -= written;
      const ofMemory = Math.min(written, end - start);
      message.start += ofMemory;
      message.tailStart += written - ofMemory;
      if (written < size) break;
      taken++;
      message.release(memory);
    }
    waiting.splice(0, taken);
    return waiting.length === 0;
  }

  // --- in ---------------------------------------------------------------------------------------------

  /** Not for long messages: copying takes longer than waking, and both go on best while the other one is busy. */
  get isWorthWaiting(): boolean {
    return this.#longExpected === 0;
  }

  prepare(): void {
    this.#handler?.onWait?.();
  }

  /** In turns of the event loop it takes several messages in a row, and sends what they lead to together. */
  resume(): void {
    this.#schedulePump();
  }

  poll(spin: number, sleep: boolean): boolean {
    if (!this.#pollOnce(spin, sleep)) return false;
    // Nobody has anything to do before the message is complete.
    for (let piece = 1; this.#missing > 0 && piece < piecesInARow; piece++) {
      if (!this.#pollOnce(spin, false)) break;
    }
    return true;
  }

  #pollOnce(spin: number, sleep: boolean): boolean {
    if (this.#closed) return false;
    if (this.#receiveDirectly()) return true;
    const most = this.#largeExpected === 0 ? this.#memory.length : firstBytes;
    const state = this.#endpoint.receive(spin, sleep, most);
    this.#isAsleep = sleep && state === ringState.empty;
    if (state === ringState.empty) {
      if (sleep) this.#applyKeepAlive();
      return false;
    }
    this.#take(state);
    return true;
  }

  /** Copies the rest of a large message to where it is kept, if it is there. */
  #receiveDirectly(): boolean {
    if (this.#missing < directBytes) return false;
    const target = this.#handler?.destination;
    if (target === undefined || target.length < directBytes) return false;
    const received = this.#endpoint.receiveInto(target, Math.min(target.length, this.#missing));
    if (received === 0) return false;
    this.#position = (this.#position + received) % ringAlignment;
    this.#missing -= received;
    this.#handler?.onMessage(target, 0, received, this.#missing);
    return true;
  }

  /** Does what there is to do, then sleeps. */
  #pump(): void {
    if (this.#closed || this.#handler === undefined) return;
    for (let batch = 0; batch < batchesInARow; batch++) {
      if (!this.poll(0, false)) {
        if (this.#peerEnded) this.#finish(this.#reasonOfEnd());
        else if (batch > 0 && this.#spinner.watch(this)) return;
        else if (!this.poll(0, true)) return;
      }
      if (this.#closed) return;
    }
    this.#schedulePump();
  }

  #schedulePump(): void {
    if (this.#isPumpScheduled) return;
    this.#isPumpScheduled = true;
    setImmediate(this.#pumpAgain);
  }

  #take(state: number): void {
    if (state > 0) {
      const start = this.#position;
      this.#position = (start + state) % ringAlignment;
      this.#receive(start, start + state);
    } else if (state === ringState.room) {
      this.#writeWaiting();
      if (this.#waitingBytes <= lowWater) this.#handler?.onDrain();
      if (this.#waiting.length === 0 && this.#closeListeners.length > 0) this.#finish(undefined);
    } else {
      this.#invalid("the indexes of its ring cannot be");
    }
  }

  /** Takes what was received, `memory[position..end)`. */
  #receive(position: number, end: number): void {
    const handler = this.#handler;
    const memory = this.#memory;
    if (handler === undefined) return;
    if (this.#missing === 0) {
      if (this.#largeExpected > 0) this.#largeExpected--;
      if (this.#longExpected > 0) this.#longExpected--;
    }
    while (position < end && !this.#closed) {
      if (this.#missing > 0) {
        const next = Math.min(end, position + this.#missing);
        this.#missing -= next - position;
        handler.onMessage(memory, position, next, this.#missing);
        position = next;
        continue;
      }
      let length: number;
      if (this.#prefixFilled === 0 && end - position >= prefixSize) {
        length = readUint32(memory, position);
        position += prefixSize;
      } else {
        this.#prefix = ((this.#prefix << 8) | memory.readUInt8(position++)) >>> 0;
        if (++this.#prefixFilled < prefixSize) continue;
        length = this.#prefix;
        this.#prefix = 0;
        this.#prefixFilled = 0;
      }
      if (length === 0) {
        this.#peerSaidGoodbye = true;
        return;
      }
      if (length > handler.messageLimit) {
        this.#invalid(`a message of ${length} bytes, where at most ${handler.messageLimit} are allowed`);
        return;
      }
      if (length >= largeMessage) this.#largeExpected = batchesExpected;
      if (length >= longMessage) this.#longExpected = batchesExpected;
      const next = Math.min(end, position + length);
      this.#missing = length - (next - position);
      if (next > position) handler.onMessage(memory, position, next, this.#missing);
      position = next;
    }
  }

  #invalid(reason: string): void {
    this.#handler?.onInvalid(reason);
    this.destroy();
  }

  #reasonOfEnd(): Error | undefined {
    if (this.#missing > 0 || this.#prefixFilled > 0) {
      return new Error("the peer ended in the middle of a message");
    }
    return this.#peerSaidGoodbye ? undefined : new Error("the peer's process has ended");
  }

  // --- life -------------------------------------------------------------------------------------------

  async close(): Promise<void> {
    if (this.#over) return;
    const over = new Promise<void>((resolve) => this.#closeListeners.push(resolve));
    const goodbye = Buffer.alloc(messageHeadroom);
    this.send(goodbye, messageHeadroom, () => {});
    // What is in the ring stays there for the peer; only what waits outside of it has to go in first.
    if (this.#waiting.length === 0) this.#finish(undefined);
    else this.flush();
    await over;
  }

  destroy(): void {
    this.#finish(undefined);
  }

  #finish(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#spinner.forget(this);
    this.#endpoint.close();
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    setImmediate(() => {
      this.#over = true;
      this.#handler?.onClose(error);
      for (const listener of this.#closeListeners.splice(0)) listener();
    });
  }

  keepAlive(active: boolean): void {
    this.#keepsAlive = active;
    if (this.#isAsleep) this.#applyKeepAlive();
  }

  /** While it is awake it keeps the process running anyway, so what changes with each call is told when it sleeps. */
  #applyKeepAlive(): void {
    if (this.#closed || this.#keepsAlive === this.#isReferenced) return;
    this.#isReferenced = this.#keepsAlive;
    this.#endpoint.setReferenced(this.#keepsAlive);
  }
}
