/** A part of a file mapping in this process's memory. */
import { markAsUntransferable } from "node:worker_threads";
import { IpcError } from "../ipc-error.ts";
import type { MappingAccess, NativeView } from "../native-addon.ts";
import { ipcErrorFrom } from "../system-faults.ts";

/** Room for one number on its way. */
const longestNumber = 8;

/**
 * A view of a file mapping (MapViewOfFile; System.IO.MemoryMappedFiles.MemoryMappedViewAccessor). {@link read} and
 * {@link write} copy, so what was read stays what it is. Numbers are little-endian, as .NET has them on every machine
 * that it runs on, and need not be aligned. Nothing is atomic: what another process writes meanwhile may be half there.
 */
export class MappedView {
  /** Where in the mapping it begins, in bytes. */
  readonly offset: number;
  /** Its bytes. */
  readonly size: number;
  readonly access: MappingAccess;
  readonly #native: NativeView;
  readonly #mapping: string;
  readonly #scratch = new DataView(new ArrayBuffer(longestNumber));
  #isClosed = false;

  /** Made by `FileMapping.createView`. */
  constructor(native: NativeView, offset: number, size: number, access: MappingAccess, mapping: string) {
    this.#native = native;
    this.offset = offset;
    this.size = size;
    this.access = access;
    this.#mapping = mapping;
  }

  /**
   * A copy of `length` bytes from `position` on (ReadArray). Default all from there to the end.
   *
   * @throws RangeError if they do not lie within the view; IpcError `"closed"`.
   */
  read(position = 0, length = this.size - position): Buffer {
    this.#check(position, length);
    const bytes = Buffer.allocUnsafe(length);
    this.#native.copyOut(position, bytes);
    return bytes;
  }

  /**
   * Copies bytes into the view (WriteArray).
   *
   * @throws RangeError if they do not fit, TypeError if the view is to be read only; IpcError `"closed"`.
   */
  write(position: number, bytes: Uint8Array): void {
    this.#checkWritable();
    this.#check(position, bytes.byteLength);
    this.#native.copyIn(position, bytes);
  }

  readInt8(position: number): number {
    return this.#load(position, 1).getInt8(0);
  }

  readUint8(position: number): number {
    return this.#load(position, 1).getUint8(0);
  }

  readInt16(position: number): number {
    return this.#load(position, 2).getInt16(0, true);
  }

  readUint16(position: number): number {
    return this.#load(position, 2).getUint16(0, true);
  }

  readInt32(position: number): number {
    return this.#load(position, 4).getInt32(0, true);
  }

  readUint32(position: number): number {
    return this.#load(position, 4).getUint32(0, true);
  }

  readBigInt64(position: number): bigint {
    return this.#load(position, 8).getBigInt64(0, true);
  }

  readBigUint64(position: number): bigint {
    return this.#load(position, 8).getBigUint64(0, true);
  }

  readFloat32(position: number): number {
    return this.#load(position, 4).getFloat32(0, true);
  }

  readFloat64(position: number): number {
    return this.#load(position, 8).getFloat64(0, true);
  }

  writeInt8(position: number, value: number): void {
    this.#scratch.setInt8(0, value);
    this.#store(position, 1);
  }

  writeUint8(position: number, value: number): void {
    this.#scratch.setUint8(0, value);
    this.#store(position, 1);
  }

  writeInt16(position: number, value: number): void {
    this.#scratch.setInt16(0, value, true);
    this.#store(position, 2);
  }

  writeUint16(position: number, value: number): void {
    this.#scratch.setUint16(0, value, true);
    this.#store(position, 2);
  }

  writeInt32(position: number, value: number): void {
    this.#scratch.setInt32(0, value, true);
    this.#store(position, 4);
  }

  writeUint32(position: number, value: number): void {
    this.#scratch.setUint32(0, value, true);
    this.#store(position, 4);
  }

  writeBigInt64(position: number, value: bigint): void {
    this.#scratch.setBigInt64(0, value, true);
    this.#store(position, 8);
  }

  writeBigUint64(position: number, value: bigint): void {
    this.#scratch.setBigUint64(0, value, true);
    this.#store(position, 8);
  }

  writeFloat32(position: number, value: number): void {
    this.#scratch.setFloat32(0, value, true);
    this.#store(position, 4);
  }

  writeFloat64(position: number, value: number): void {
    this.#scratch.setFloat64(0, value, true);
    this.#store(position, 8);
  }

  /**
   * The mapped memory itself, without a copy: what other processes write is seen at once. It cannot be transferred to
   * another thread, and it is empty as soon as the view is closed. Writing to a view that may only be read ends the
   * process: that is what the hardware does. Hence read, write and the typed methods are to be preferred.
   *
   * @throws IpcError: `"closed"`; `"unsupported"` where the runtime forbids such memory (Electron does).
   */
  memory(): ArrayBuffer {
    this.#checkOpen();
    try {
      const memory = this.#native.memory();
      markAsUntransferable(memory);
      return memory;
    } catch (cause) {
      throw ipcErrorFrom(cause, `show the memory of the file mapping ${this.#mapping}`);
    }
  }

  /**
   * Has everything written to where the system keeps it (FlushViewOfFile, msync): for files that have to outlive the
   * machine. Other processes see what is written without it. Does not block.
   *
   * @throws IpcError, in the promise.
   */
  async flush(): Promise<void> {
    this.#checkOpen();
    try {
      await this.#native.flush();
    } catch (cause) {
      throw ipcErrorFrom(cause, `flush the file mapping ${this.#mapping}`);
    }
  }

  #load(position: number, length: number): DataView {
    this.#check(position, length);
    const scratch = this.#scratch;
    this.#native.copyOut(position, new Uint8Array(scratch.buffer, 0, length));
    return scratch;
  }

  #store(position: number, length: number): void {
    this.#checkWritable();
    this.#check(position, length);
    this.#native.copyIn(position, new Uint8Array(this.#scratch.buffer, 0, length));
  }

  #check(position: number, length: number): void {
    this.#checkOpen();
    if (Number.isInteger(position) && Number.isInteger(length) && position >= 0 && length >= 0) {
      if (position + length <= this.size) return;
      throw new RangeError(
        `${length} bytes at ${position} end beyond the view, which has ${this.size} bytes of the file mapping ${this.#mapping}`,
      );
    }
    throw new RangeError(
      `A position and a length are whole numbers of at least 0, not ${position} and ${length}`,
    );
  }

  #checkOpen(): void {
    if (this.#isClosed)
      throw new IpcError("closed", `The view of the file mapping ${this.#mapping} is closed`);
  }

  #checkWritable(): void {
    if (this.access === "read") {
      throw new TypeError(`The view of the file mapping ${this.#mapping} is to be read only`);
    }
  }

  /** Unmaps it (UnmapViewOfFile). What {@link memory} has returned is empty from now on. Safe to call twice. */
  close(): void {
    this.#isClosed = true;
    this.#native.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
