/** Pipes as streams of Node. */
import { Duplex, Readable, Writable } from "node:stream";
import type { WaitOptions } from "../wait-options.ts";

/** What of a pipe a stream needs. */
interface StreamablePipe {
  read(target: Uint8Array, options?: WaitOptions): Promise<number | undefined>;
  write(bytes: Uint8Array, options?: WaitOptions): Promise<void>;
  waitForPipeDrain(options?: WaitOptions): Promise<void>;
  close(): Promise<void>;
}

const chunkSize = 65_536;

type Callback = (error?: Error | null) => void;

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function settle(work: Promise<void>, callback: Callback): void {
  work.then(
    () => callback(),
    (error) => callback(toError(error)),
  );
}

function reading(pipe: StreamablePipe) {
  return function read(this: Readable): void {
    const target = Buffer.allocUnsafe(chunkSize);
    pipe.read(target).then(
      (length) => {
        if (length === undefined) this.push(null);
        // An empty message, read as bytes of a message pipe whose read mode is message: no bytes, and not the end.
        else if (length === 0) read.call(this);
        else this.push(target.subarray(0, length));
      },
      (error) => {
        if (!this.destroyed) this.destroy(toError(error));
      },
    );
  };
}

function writing(pipe: StreamablePipe) {
  return {
    write: (chunk: Uint8Array, _encoding: string, callback: Callback) => settle(pipe.write(chunk), callback),
    final: (callback: Callback) => settle(pipe.waitForPipeDrain(), callback),
  };
}

function destroying(pipe: StreamablePipe) {
  return (error: Error | null, callback: (error: Error | null) => void) => {
    pipe.close().then(
      () => callback(error),
      (failure) => callback(error ?? toError(failure)),
    );
  };
}

/** What comes out of a pipe. */
export function readableOf(pipe: StreamablePipe): Readable {
  return new Readable({ read: reading(pipe), destroy: destroying(pipe) });
}

/** What goes into a pipe. */
export function writableOf(pipe: StreamablePipe): Writable {
  return new Writable({ ...writing(pipe), destroy: destroying(pipe) });
}

/** Both. */
export function duplexOf(pipe: StreamablePipe): Duplex {
  return new Duplex({ read: reading(pipe), ...writing(pipe), destroy: destroying(pipe) });
}
