/**
 * Calls that were accepted but are not started, because the peer does not read what it has asked for already. They
 * hold their slots, and start in the order of their arrival once the peer has caught up: so a healthy peer that asks
 * for much gets all of it, and one that never reads makes no further work.
 */
import type { CallTarget } from "../channels/call-dispatcher.ts";
import type { ServedCall } from "./served-call.ts";

/** A call that is ready to be started. */
export interface WaitingCall {
  readonly call: ServedCall;
  readonly target: CallTarget;
  /** Its arguments, formatted, in memory of its own. */
  readonly body: Buffer;
}

/** A queue of calls. */
export class WaitingCalls {
  #calls: WaitingCall[] = [];
  #bytes = 0;

  get size(): number {
    return this.#calls.length;
  }

  /** Bytes of arguments that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  add(waiting: WaitingCall): void {
    this.#calls.push(waiting);
    this.#bytes += sizeOf(waiting);
  }

  /** The call that came first. */
  take(): WaitingCall | undefined {
    const first = this.#calls.shift();
    if (first !== undefined) this.#bytes -= sizeOf(first);
    return first;
  }

  /** Takes out the call with an id. */
  remove(id: number): ServedCall | undefined {
    const index = this.#calls.findIndex(({ call }) => call.id === id && !call.oneWay);
    const [removed] = index < 0 ? [] : this.#calls.splice(index, 1);
    if (removed !== undefined) this.#bytes -= sizeOf(removed);
    return removed?.call;
  }

  /** Forgets all of them. */
  clear(): void {
    this.#calls = [];
    this.#bytes = 0;
  }
}

function sizeOf({ call, body }: WaitingCall): number {
  let bytes = body.length;
  for (const attachment of call.attachments) bytes += attachment.length;
  return bytes;
}
