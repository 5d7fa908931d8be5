/**
 * Frames out of messages. A whole message is walked in place. Of one that comes in pieces, fragments are
 * passed on piece by piece, so that large payloads are copied once, to where they belong; anything else is
 * small and is put together first.
 */
import { readUint32 } from "../channels/big-endian.ts";
import { protocolError } from "../channels/byte-reader.ts";
import { frameHeaderSize, frameKind } from "./frame-kind.ts";
import { allocateReceived } from "./received-memory.ts";
import { batchMessageLimit } from "./session-limits.ts";

/** Who understands frames. */
export interface FrameReceiver {
  /**
   * A whole frame: its body is `bytes[start..end)`.
   *
   * @param owned Whether the memory belongs to this message alone, so that parts of it may be kept.
   */
  onFrame(
    kind: number,
    flags: number,
    id: number,
    bytes: Buffer,
    start: number,
    end: number,
    owned: boolean,
  ): void;
  /** A part of a fragment's data. */
  onFragment(flags: number, id: number, bytes: Buffer, start: number, end: number): void;
  /** Where the next bytes of a fragment's data will be kept; `undefined` if nowhere. */
  fragmentDestination(flags: number, id: number): Buffer | undefined;
  /** Whether frames are still wanted: a session that has failed stops in the middle of a message. */
  readonly accepting: boolean;
}

/** A message of which `length` bytes are in its memory. */
interface PiecedMessage {
  readonly memory: Buffer;
  length: number;
  /** Where the transport was told to put what comes next, if it has asked. */
  destination: Buffer | undefined;
}

/** A fragment of which so many bytes are still to come. */
interface StreamedFragment {
  readonly flags: number;
  readonly id: number;
  missing: number;
}

/** Only a fragment may be as long as the transport lets messages be. */
function checkLength(length: number, firstKind: number | undefined): void {
  if (length <= batchMessageLimit || firstKind === frameKind.fragment) return;
  throw protocolError(
    `a message of ${length} bytes is no fragment, and at most ${batchMessageLimit} are allowed`,
  );
}

function collect(message: PiecedMessage, bytes: Buffer, start: number, end: number): void {
  const { memory, length } = message;
  if (end - start > memory.length - length) throw protocolError("a message is longer than was announced");
  if (bytes !== message.destination) bytes.copy(memory, length, start, end);
  message.length = length + (end - start);
}

/** Puts frames together for one connection. */
export class MessageAssembler {
  readonly #receiver: FrameReceiver;
  /** A message that is put together before it is looked at. */
  #pieces: PiecedMessage | undefined;
  /** A fragment that is passed on in pieces. */
  #stream: StreamedFragment | undefined;
  /** Messages that came in pieces and have ended. */
  #ended = 0;

  constructor(receiver: FrameReceiver) {
    this.#receiver = receiver;
  }

  /** The number of the message that has begun to arrive and has not ended; 0 if there is none. */
  get partialMessage(): number {
    return this.#stream !== undefined || this.#pieces !== undefined ? this.#ended + 1 : 0;
  }

  /** Where the next piece of a message will be kept; see `ConnectionHandler.destination`. */
  get destination(): Buffer | undefined {
    const stream = this.#stream;
    if (stream !== undefined) return this.#receiver.fragmentDestination(stream.flags, stream.id);
    const pieces = this.#pieces;
    if (pieces === undefined) return undefined;
    pieces.destination = pieces.memory.subarray(pieces.length);
    return pieces.destination;
  }

  /** Takes a message or a piece of one. Throws a protocol error. */
  receive(bytes: Buffer, start: number, end: number, remaining: number): void {
    if (this.#stream !== undefined) {
      this.#passOn(this.#stream, bytes, start, end);
      if (remaining === 0) this.#endStream(this.#stream);
    } else if (this.#pieces !== undefined) {
      collect(this.#pieces, bytes, start, end);
      if (remaining === 0) this.#finish(this.#pieces);
    } else if (remaining === 0) {
      this.#walk(bytes, start, end, false);
    } else if (end - start >= frameHeaderSize && bytes[start + 4] === frameKind.fragment) {
      this.#stream = {
        flags: bytes[start + 5] ?? 0,
        id: readUint32(bytes, start + 6),
        missing: readUint32(bytes, start) - (frameHeaderSize - 4),
      };
      this.#passOn(this.#stream, bytes, start + frameHeaderSize, end);
    } else {
      if (end - start >= frameHeaderSize) checkLength(end - start + remaining, bytes[start + 4]);
      // Its length is known and limited. Filled in place rather than listed: a message that comes byte by byte must
      // not cost an object for each byte.
      this.#pieces = { memory: allocateReceived(end - start + remaining), length: 0, destination: undefined };
      collect(this.#pieces, bytes, start, end);
    }
  }

  #passOn(stream: StreamedFragment, bytes: Buffer, start: number, end: number): void {
    stream.missing -= end - start;
    if (stream.missing < 0) throw protocolError("a fragment is not alone in its message");
    if (end > start) this.#receiver.onFragment(stream.flags, stream.id, bytes, start, end);
  }

  #endStream({ missing }: StreamedFragment): void {
    this.#stream = undefined;
    this.#ended++;
    if (missing !== 0) throw protocolError("a message ends in the middle of a fragment");
  }

  #finish({ memory, length }: PiecedMessage): void {
    this.#pieces = undefined;
    this.#ended++;
    if (length !== memory.length) throw protocolError("a message is shorter than was announced");
    this.#walk(memory, 0, length, true);
  }

  #walk(bytes: Buffer, start: number, end: number, owned: boolean): void {
    checkLength(end - start, bytes[start + 4]);
    const receiver = this.#receiver;
    let position = start;
    while (position < end) {
      if (end - position < frameHeaderSize) throw protocolError("a message ends in the middle of a frame");
      const next = position + 4 + readUint32(bytes, position);
      if (next > end || next < position + frameHeaderSize) {
        throw protocolError("a frame has a length that does not fit its message");
      }
      const kind = bytes[position + 4] ?? 0;
      const flags = bytes[position + 5] ?? 0;
      const id = readUint32(bytes, position + 6);
      if (kind === frameKind.fragment)
        receiver.onFragment(flags, id, bytes, position + frameHeaderSize, next);
      else receiver.onFrame(kind, flags, id, bytes, position + frameHeaderSize, next, owned);
      if (!receiver.accepting) return;
      position = next;
    }
  }
}
