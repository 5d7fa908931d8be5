/**
 * Lets sockets read into memory that is kept, where Node would allocate 64 KiB for each read. All sockets of a
 * transport share one buffer: what was read is consumed before the next read begins. On large payloads this is
 * a fifth of all the work.
 */
import { type NetConnectOpts, Socket, type SocketConstructorOpts } from "node:net";

/** Large enough that a large payload takes few reads, small enough to stay in the processor's cache. */
const readBufferSize = 256 * 1024;

/** Takes what was read: `chunk[0..length)`, valid only during the call. */
export type ReceiveChunk = (chunk: Buffer, length: number) => void;

/** Memory to read into. */
export class ReadBuffer {
  readonly #memory = Buffer.allocUnsafeSlow(readBufferSize);

  /** The option of `net.connect` that makes a socket read into this memory. */
  onRead(receive: ReceiveChunk): NonNullable<NetConnectOpts["onread"]> {
    return {
      buffer: this.#memory,
      callback: (length) => {
        receive(this.#memory, length);
        return true;
      },
    };
  }

  /**
   * The same for a socket that a server has accepted, paused. Node has no option for it there, so the handle is
   * moved to a socket that is made with one. `_handle` and the constructor's `handle` are not documented, but have
   * been there since the first versions and are used by Node's own cluster and TLS; should they ever be missing,
   * the socket is used as it is, with `data` events.
   */
  adopt(accepted: Socket, receive: ReceiveChunk): Socket {
    const handle: unknown = Reflect.get(accepted, "_handle");
    if (typeof handle !== "object" || handle === null || !("useUserBuffer" in handle)) {
      accepted.on("data", (chunk: Buffer) => receive(chunk, chunk.length));
      return accepted.resume();
    }
    Reflect.set(accepted, "_handle", null);
    const options: SocketConstructorOpts & Pick<NetConnectOpts, "onread"> & { readonly handle: object } = {
      handle,
      readable: true,
      writable: true,
      onread: this.onRead(receive),
    };
    const socket = new Socket(options);
    // The server counts its sockets and waits for all of them when it is closed. This one it no longer owns.
    accepted.destroy();
    socket.read(0);
    return socket;
  }
}
