// A contract without decorator syntax: decorators are functions, so they can be called.
import { MarshalByRefObject, OneWay, Singleton } from "remoting";

export class Counter extends MarshalByRefObject {
  #value = 0;

  increment(by = 1) {
    this.#value += by;
    return this.#value;
  }

  reset() {
    this.#value = 0;
  }
}

Singleton("Counter")(Counter);
OneWay()(Counter.prototype, "reset", Object.getOwnPropertyDescriptor(Counter.prototype, "reset"));
