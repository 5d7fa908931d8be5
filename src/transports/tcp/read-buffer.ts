/**
 * Lets sockets read into memory that is kept, where Node would allocate 64 KiB for each read. All sockets of a
 * transport share one buffer: what was read is consumed before the next read begins. On large payloads this is
 * a fifth of all the work.
 */
import type { NetConnectOpts, Socket, SocketConstructorOpts } from "node:net";
import { type ChunkReceiver, giveTo, OwnedSocket, type SocketOwner } from "./owned-socket.ts";

/** Large enough that a large payload takes few reads, small enough to stay in the processor's cache. */
const readBufferSize = 256 * 1024;

/** What the constructor of a socket takes and its types do not say. */
type ReadingOptions = SocketConstructorOpts & Pick<NetConnectOpts, "onread">;

/** Memory to read into. */
export class ReadBuffer {
  readonly #memory = Buffer.allocUnsafeSlow(readBufferSize);

  /** The option of a socket that makes it read into this memory. */
  onRead(receiver: ChunkReceiver): NonNullable<NetConnectOpts["onread"]> {
    return { buffer: this.#memory, callback: deliverTo(receiver, this.#memory) };
  }

  /** A socket that reads into this memory, and is still to be connected. */
  createSocket(owner: SocketOwner): Socket {
    const options: ReadingOptions = { onread: this.onRead(owner) };
    return new OwnedSocket(options, owner);
  }

  /**
   * The same for a socket that a server has accepted, paused. Node has no option for it there, so the handle is
   * moved to a socket that is made with one. `_handle` and the constructor's `handle` are not documented, but have
   * been there since the first versions and are used by Node's own cluster and TLS; should they ever be missing,
   * the socket is used as it is, with `data` events.
   */
  adopt(accepted: Socket, owner: SocketOwner): Socket {
    const handle: unknown = Reflect.get(accepted, "_handle");
    if (typeof handle !== "object" || handle === null || !("useUserBuffer" in handle)) {
      accepted.on("data", (chunk: Buffer) => owner.receive(chunk, chunk.length));
      return giveTo(accepted, owner).resume();
    }
    Reflect.set(accepted, "_handle", null);
    const options: ReadingOptions & { readonly handle: object } = {
      handle,
      readable: true,
      writable: true,
      onread: this.onRead(owner),
    };
    const socket = new OwnedSocket(options, owner);
    // The server counts its sockets and waits for all of them when it is closed. This one it no longer owns.
    accepted.destroy();
    socket.read(0);
    return socket;
  }
}

function deliverTo(receiver: ChunkReceiver, memory: Buffer): (length: number) => boolean {
  return (length) => {
    receiver.receive(memory, length);
    return true;
  };
}
