// contract.ts: what both sides know
import { MarshalByRefObject, Singleton } from "remoting";

@Singleton()
export class Counter extends MarshalByRefObject {
  #value = 0;

  increment(by = 1): number {
    this.#value += by;
    return this.#value;
  }

  async countTo(limit: number, onStep: (value: number) => void): Promise<void> {
    while (this.#value < limit) await onStep(this.increment());
  }
}
