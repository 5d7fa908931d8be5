// A pizzeria, as both sides know it: what can be called, and what travels.
import { setTimeout as delay } from "node:timers/promises";
import {
  ClientActivated,
  MarshalByRefObject,
  OneWay,
  type Remote,
  Serializable,
  SingleCall,
  Singleton,
} from "remoting";

/** Travels by value: the other side gets a copy that is a Pizza again, with its methods. */
@Serializable()
export class Pizza {
  constructor(
    readonly name: string,
    readonly price: number,
  ) {}

  withExtra(topping: string): Pizza {
    return new Pizza(`${this.name} with ${topping}`, this.price + 1.5);
  }
}

/** Arrives at the caller as what it is, as any @Serializable error does. */
@Serializable()
export class OvenTooHotError extends Error {
  constructor(readonly celsius = 0) {
    super(`${celsius} °C is too hot`);
  }
}

/** A fresh object for every call. */
@SingleCall()
export class Menu extends MarshalByRefObject {
  #questions = 0;

  find(name: string): Pizza {
    const price = new Map([
      ["Margherita", 9],
      ["Funghi", 11],
    ]).get(name);
    if (price === undefined) throw new RangeError(`${name} is not on the menu`);
    return new Pizza(name, price);
  }

  /** Always 1: nobody else has asked this object anything. */
  countQuestions(): number {
    this.#questions += 1;
    return this.#questions;
  }
}

/** Nobody waits for the bell: a contract of one-way methods alone travels over channels that carry no replies, too. */
@Singleton()
export class Bell extends MarshalByRefObject {
  /** How often it has been rung in this process. */
  static rings = 0;

  @OneWay()
  ring(): void {
    Bell.rings += 1;
  }
}

/** One object, shared by everybody. */
@Singleton()
export class Kitchen extends MarshalByRefObject {
  #baked = 0;
  #thrownAway = 0;

  /** Functions travel by reference: `onProgress` is called here and runs where it was written. */
  async bake(pizza: Pizza, onProgress?: (percent: number) => void): Promise<string> {
    for (const percent of [25, 50, 75, 100]) {
      await delay(20);
      onProgress?.(percent);
    }
    this.#baked += 1;
    return `${pizza.name}, pizza number ${this.#baked}`;
  }

  /** Takes a minute, unless the signal is aborted: by the caller, or because the caller is gone. */
  async bakeSlowly(pizza: Pizza, signal: AbortSignal): Promise<string> {
    signal.addEventListener("abort", () => {
      this.#thrownAway += 1;
    });
    await delay(60_000, undefined, { signal });
    return pizza.name;
  }

  countThrownAway(): number {
    return this.#thrownAway;
  }

  heat(celsius: number): void {
    if (celsius > 450) throw new OvenTooHotError(celsius);
  }

  countRings(): number {
    return Bell.rings;
  }

  weigh(grams: number): number {
    return grams;
  }

  /** Large binaries do not go through the formatter, but beside it. */
  knead(dough: Uint8Array): Uint8Array {
    return dough;
  }

  /** What is passed by reference is declared Remote: the order may live in another process. */
  async serve(order: Remote<Order>): Promise<string> {
    return `${await order.describe()}, served`;
  }

  processId(): number {
    return process.pid;
  }
}

/** One object for each client that asks, made with its arguments. */
@ClientActivated()
export class Order extends MarshalByRefObject {
  readonly #customer: string;
  readonly #pizzas: Pizza[] = [];

  constructor(customer: string) {
    super();
    this.#customer = customer;
  }

  add(pizza: Pizza): void {
    this.#pizzas.push(pizza);
  }

  total(): number {
    return this.#pizzas.reduce((sum, { price }) => sum + price, 0);
  }

  describe(): string {
    return `${this.#pizzas.length} pizzas for ${this.#customer}`;
  }
}
