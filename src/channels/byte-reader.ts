/** Reads what {@link ByteWriter} wrote, and believes nothing: every read is checked against the end. */
import { ConnectionLostError } from "../errors.ts";
import { readUint32 } from "./big-endian.ts";

/** The error for bytes that do not follow the wire protocol. The connection cannot go on after it. */
export function protocolError(message: string, cause?: unknown): ConnectionLostError {
  return new ConnectionLostError(`The peer broke the protocol: ${message}`, {
    reason: "protocol",
    mayHaveExecuted: true,
    ...(cause === undefined ? {} : { cause }),
  });
}

const noBytes = Buffer.alloc(0);

/** A position in bytes that belong to someone else. Reused for many frames, so it allocates nothing. */
export class ByteReader {
  bytes: Buffer = noBytes;
  position = 0;
  end = 0;

  /** Points the reader at `bytes[start..end)`. */
  reset(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  /** Lets go of the bytes, so that they can be collected. */
  clear(): void {
    this.reset(noBytes, 0, 0);
  }

  /** Bytes left. */
  get remaining(): number {
    return this.end - this.position;
  }

  readUint8(): number {
    const value = this.position < this.end ? this.bytes[this.position++] : undefined;
    if (value === undefined) throw protocolError("a frame ends too early");
    return value;
  }

  readUint32(): number {
    const at = this.position;
    if (at + 4 > this.end) throw protocolError("a frame ends too early");
    this.position = at + 4;
    return readUint32(this.bytes, at);
  }

  readVarUint(): number {
    const first = this.readUint8();
    return first < 0x80 ? first : this.#readGroups(first & 0x7f);
  }

  #readGroups(first: number): number {
    let value = first;
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.readUint8();
      // Multiplied, not shifted: the fifth group would overflow a signed 32-bit shift.
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > 0xffff_ffff) break;
        return value;
      }
    }
    throw protocolError("an integer is longer than 32 bits");
  }

  /** Reads a string of at most `maxLength` bytes. */
  readString(maxLength: number): string {
    const length = this.readVarUint();
    if (length > maxLength) throw protocolError(`a string of ${length} bytes where ${maxLength} are allowed`);
    return this.bytes.toString("utf8", this.position, this.skip(length));
  }

  /** Reads `length` bytes as they are, into memory of their own. */
  readBytes(length: number): Buffer {
    const start = this.position;
    return Buffer.from(this.bytes.subarray(start, this.skip(length)));
  }

  /** Passes over `length` bytes and returns the new position. */
  skip(length: number): number {
    if (length > this.end - this.position) throw protocolError("a frame ends too early");
    this.position += length;
    return this.position;
  }
}
