/**
 * Calls that were accepted but are not started, because the peer does not read what it has asked for already. They
 * start in the order of their arrival once the peer has caught up: so a healthy peer that asks for much gets all of it,
 * and one that never reads makes no further work.
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
  /** In the order of their arrival, as maps keep it. */
  readonly #calls = new Map<ServedCall, WaitingCall>();

  get size(): number {
    return this.#calls.size;
  }

  add(waiting: WaitingCall): void {
    this.#calls.set(waiting.call, waiting);
  }

  /** Takes the call that came first. */
  take(): WaitingCall | undefined {
    for (const first of this.#calls.values()) {
      this.#calls.delete(first.call);
      return first;
    }
    return undefined;
  }

  /** Takes a call out. Returns whether it was here. */
  remove(call: ServedCall): boolean {
    return this.#calls.delete(call);
  }

  /** Forgets all of them. */
  clear(): void {
    this.#calls.clear();
  }
}
