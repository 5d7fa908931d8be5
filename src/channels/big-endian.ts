/**
 * Whole numbers of four bytes, most significant first, as all lengths and ids on the wire are. Nothing is checked: who
 * reads has looked at the length before. Buffer's own methods check their arguments, which takes most of their time.
 */

/** The number at `bytes[at..at + 4)`, from 0 to 2^32-1. */
export function readUint32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  return ((high << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0;
}

/** Writes a number from 0 to 2^32-1 to `bytes[at..at + 4)`. */
export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
