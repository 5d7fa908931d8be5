import { MarshalByRefObject, Singleton } from "remoting";

@Singleton()
export class Inventory extends MarshalByRefObject {
  readonly #stock = new Map([["apples", 12]]);

  take(article: string, amount: number): number {
    const left = (this.#stock.get(article) ?? 0) - amount;
    if (left < 0) throw new RangeError(`Only ${left + amount} ${article} are left`);
    this.#stock.set(article, left);
    return left;
  }
}
