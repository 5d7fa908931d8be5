import { Authorize, MarshalByRefObject, Singleton } from "remoting";

/** Callers must have proved who they are; some methods ask for more. */
@Authorize()
@Singleton()
export class Ledger extends MarshalByRefObject {
  #total = 0;

  @Authorize({ roles: ["clerk", "manager"] })
  book(amount: number): number {
    this.#total += amount;
    return this.#total;
  }

  @Authorize({ roles: ["manager"] })
  close(): string {
    return `closed at ${this.#total}`;
  }

  total(): number {
    return this.#total;
  }
}
