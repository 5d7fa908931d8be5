/** A socket that tells one owner what happens to it, without a closure for each event: a server may have many of them. */
import { Socket, type SocketConstructorOpts } from "node:net";

/** Who takes what was read. */
export interface ChunkReceiver {
  /** Takes `chunk[0..length)`, valid only during the call. */
  receive(chunk: Buffer, length: number): void;
}

/** Who a socket belongs to. */
export interface SocketOwner extends ChunkReceiver {
  /** Why the socket is about to close. */
  onError(error: Error): void;
  /** The last thing that happens. */
  onClosed(): void;
}

/** See the head of this file. */
export class OwnedSocket extends Socket {
  readonly owner: SocketOwner;

  constructor(options: SocketConstructorOpts, owner: SocketOwner) {
    super(options);
    this.owner = owner;
    this.on("error", tellError);
    this.on("close", tellClosed);
  }
}

function tellError(this: OwnedSocket, error: Error): void {
  this.owner.onError(error);
}

function tellClosed(this: OwnedSocket): void {
  this.owner.onClosed();
}

/** The same for a socket that somebody else has made. What is read comes as `data`. */
export function giveTo(socket: Socket, owner: SocketOwner): Socket {
  socket.on("error", (error) => owner.onError(error));
  socket.on("close", () => owner.onClosed());
  return socket;
}
