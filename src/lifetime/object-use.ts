/**
 * The calls under way to one object: while there are any, its lease does not run out. Only calls that take their time
 * are counted; nothing can happen during one that returns at once.
 */
import type { IncomingCall } from "../channels/call-dispatcher.ts";

/** See the head of this file. */
export class ObjectUse {
  #underWay = 0;
  #onEnd: (() => void) | undefined;
  readonly #end = () => {
    this.#underWay--;
    this.#onEnd?.();
  };

  /** Whether calls are under way. */
  get isBusy(): boolean {
    return this.#underWay > 0;
  }

  /** Asks to be told when a call that took its time has ended. */
  whenCallEnds(listener: () => void): void {
    this.#onEnd = listener;
  }

  /** Looks at what a method has returned: a promise is a call that is under way until it was answered. */
  observe(result: unknown, call: IncomingCall): unknown {
    if (typeof result === "object" && result !== null && "then" in result) {
      this.#underWay++;
      call.onCompleted = this.#end;
    }
    return result;
  }
}
