/** A growing buffer that frames and payloads are written into, without an object for each part. */
import { writeUint32 } from "./big-endian.ts";

const minimumCapacity = 1024;

/**
 * Writes at {@link position} of {@link bytes} and grows as needed. Who writes several bytes at once calls
 * {@link reserve} and then writes into `bytes` directly.
 */
export class ByteWriter {
  /** The memory written to. Replaced when it has to grow: read it again after each {@link reserve}. */
  bytes: Buffer;
  /** Where the next byte goes. */
  position = 0;

  /** @param bytes The memory to begin with; the writer may replace it but never frees it. */
  constructor(bytes: Buffer = Buffer.allocUnsafeSlow(minimumCapacity)) {
    this.bytes = bytes;
  }

  /** Makes room for `length` bytes from {@link position} on. */
  reserve(length: number): void {
    const needed = this.position + length;
    if (needed > this.bytes.length) this.#grow(needed);
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.position);
    this.bytes = larger;
  }

  /** Writes one byte. */
  writeUint8(value: number): void {
    this.reserve(1);
    this.bytes[this.position++] = value;
  }

  /** Writes four bytes, most significant first. */
  writeUint32(value: number): void {
    this.reserve(4);
    this.setUint32(this.position, value);
    this.position += 4;
  }

  /** Overwrites four bytes that were reserved before, most significant first. */
  setUint32(at: number, value: number): void {
    writeUint32(this.bytes, at, value);
  }

  /** Writes an unsigned integer up to 2^32-1, seven bits to a byte, least significant first (LEB128). */
  writeVarUint(value: number): void {
    this.reserve(5);
    let rest = value;
    while (rest > 0x7f) {
      this.bytes[this.position++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.position++] = rest;
  }

  /** Writes a string as UTF-8, preceded by its length in bytes. */
  writeString(value: string): void {
    const length = Buffer.byteLength(value);
    this.writeVarUint(length);
    this.reserve(length);
    this.bytes.write(value, this.position, length, "utf8");
    this.position += length;
  }

  /** Copies bytes. */
  writeBytes(value: Uint8Array): void {
    this.reserve(value.length);
    this.bytes.set(value, this.position);
    this.position += value.length;
  }

  /** The bytes written so far. They share memory with the writer. */
  written(): Buffer {
    return this.bytes.subarray(0, this.position);
  }
}
