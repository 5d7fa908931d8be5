/** A call that came by a mailslot: nobody waits for it, and nobody can take it back. */
import type { CallFlow, IncomingCall, PeerInfo } from "../spi.ts";

/** See the head of this file. */
export class MailslotCall implements IncomingCall {
  readonly kind = "call";
  readonly target: string;
  readonly method: string;
  readonly oneWay = true;
  readonly timeout = 0;
  readonly deadline = Number.POSITIVE_INFINITY;
  readonly peer: PeerInfo;
  flow: CallFlow | undefined = undefined;
  methodReached = true;
  onCompleted: (() => void) | undefined = undefined;
  #signal: AbortSignal | undefined;

  constructor(target: string, method: string, peer: PeerInfo) {
    this.target = target;
    this.method = method;
    this.peer = peer;
  }

  /** Never aborts. */
  get signal(): AbortSignal {
    this.#signal ??= new AbortController().signal;
    return this.#signal;
  }
}
