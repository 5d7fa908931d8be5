/** A second implementation of the wire, by hand and without checks: it can also say what no peer would. */
import { flag, kind } from "../protocol-numbers.ts";

export { fault, flag, kind } from "../protocol-numbers.ts";

export const magic = 0x524d5447;
/** What follows a frame's length before its body. */
const innerHeader = 6;

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function varUint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

export function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([varUint(bytes.length), bytes]);
}

/** A frame, with its true length or a false one. */
export function frame(
  frameKind: number,
  flags: number,
  id: number,
  body: Uint8Array = Buffer.alloc(0),
  length: number = body.length + innerHeader,
): Buffer {
  return Buffer.concat([uint32(length), Buffer.from([frameKind, flags]), uint32(id), body]);
}

/** Frames as one message, with its true length or a false one. */
export function message(frames: readonly Uint8Array[], length?: number): Buffer {
  const content = Buffer.concat(frames);
  return Buffer.concat([uint32(length ?? content.length), content]);
}

export interface HelloOptions {
  readonly magic?: number;
  readonly major?: number;
  readonly minor?: number;
  readonly formatter?: string;
  readonly sinks?: readonly string[];
}

export function hello(options: HelloOptions = {}): Buffer {
  const sinks = options.sinks ?? [];
  return frame(
    kind.hello,
    0,
    0,
    Buffer.concat([
      uint32(options.magic ?? magic),
      Buffer.from([options.major ?? 1, options.minor ?? 0]),
      uint32(0),
      uint32(16 * 1024 * 1024),
      text(options.formatter ?? "msgpack"),
      varUint(sinks.length),
      ...sinks.map(text),
    ]),
  );
}

export function welcome(options: HelloOptions = {}): Buffer {
  return frame(
    kind.welcome,
    0,
    0,
    Buffer.concat([
      uint32(options.magic ?? magic),
      Buffer.from([options.major ?? 1, options.minor ?? 0]),
      uint32(0),
      uint32(16 * 1024 * 1024),
    ]),
  );
}

/** A call that names what it calls in full. */
export function call(
  id: number,
  target: string,
  method: string,
  payload: Uint8Array = emptyArguments,
  flags = 0,
): Buffer {
  return frame(kind.call, flags, id, Buffer.concat([varUint(0), text(target), text(method), payload]));
}

/** A call whose payload follows in segments. */
export function segmentedCall(id: number, target: string, method: string): Buffer {
  return call(id, target, method, Buffer.alloc(0), flag.segments);
}

export function segments(id: number, lengths: readonly number[]): Buffer {
  return frame(kind.segments, 0, id, Buffer.concat([varUint(lengths.length), ...lengths.map(varUint)]));
}

export function fragment(id: number, data: Uint8Array): Buffer {
  return frame(kind.fragment, 0, id, data);
}

/** MessagePack: no arguments. */
export const emptyArguments = Buffer.from([0x90]);

/** MessagePack: an array of what is already encoded. */
export function packedArray(...items: readonly Uint8Array[]): Buffer {
  return Buffer.concat([Buffer.from([0x90 | items.length]), ...items]);
}

export function packedText(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([0xdb]), uint32(bytes.length), bytes]);
}

export function packedNumber(value: number): Buffer {
  return Buffer.concat([Buffer.from([0xce]), uint32(value)]);
}

/** MessagePack: a value with a tag of this package's. */
export function packedTagged(...items: readonly Uint8Array[]): Buffer {
  return Buffer.concat([Buffer.from([0xd4, 0x54, 0x00]), packedArray(...items)]);
}

/** A frame that arrived. */
export interface ReceivedFrame {
  readonly kind: number;
  readonly flags: number;
  readonly id: number;
  readonly body: Buffer;
}

/** Takes messages out of a stream and frames out of messages. Trusts the sender: it is the program under test. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);

  read(chunk: Buffer): ReceivedFrame[] {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const frames: ReceivedFrame[] = [];
    let start = 0;
    while (this.#pending.length - start >= 4) {
      const end = start + 4 + this.#pending.readUInt32BE(start);
      if (end > this.#pending.length) break;
      for (let at = start + 4; at < end; ) {
        const next = at + 4 + this.#pending.readUInt32BE(at);
        frames.push({
          kind: this.#pending.readUInt8(at + 4),
          flags: this.#pending.readUInt8(at + 5),
          id: this.#pending.readUInt32BE(at + 6),
          body: this.#pending.subarray(at + 10, next),
        });
        at = next;
      }
      start = end;
    }
    this.#pending = Buffer.from(this.#pending.subarray(start));
    return frames;
  }
}

/** The number of the error in a `fault` or `refuse` frame, whether the call may have run, and the message. */
export function readFault({ body }: ReceivedFrame): {
  readonly code: number;
  readonly mayHaveExecuted: boolean;
  readonly message: string;
} {
  // Messages of up to 16,383 bytes: two bytes of length.
  const long = body.readUInt8(2) > 0x7f;
  const length = long ? (body.readUInt8(2) & 0x7f) + body.readUInt8(3) * 128 : body.readUInt8(2);
  const start = long ? 4 : 3;
  return {
    code: body.readUInt8(0),
    mayHaveExecuted: body.readUInt8(1) !== 0,
    message: body.toString("utf8", start, start + length),
  };
}
