/** What the recorded conversations are about: one method for each way in which something can travel. */
import {
  ClientActivated,
  MarshalByRefObject,
  OneWay,
  type Remote,
  Serializable,
  SingleCall,
  Singleton,
} from "remoting";

@Serializable("fuzz.Coin")
export class Coin {
  constructor(
    readonly value = 0,
    readonly currency = "EUR",
  ) {}
}

/** What was lent out in conversations that are over: the fuzzer takes it back, as its leases would only later. */
export const lent: MarshalByRefObject[] = [];

export class Purse extends MarshalByRefObject {
  #coins = 0;

  add(coin: Coin): number {
    this.#coins += coin.value;
    return this.#coins;
  }

  self(): Purse {
    return this;
  }
}

@ClientActivated()
export class Account extends MarshalByRefObject {
  constructor(readonly owner: string) {
    super();
    lent.push(this);
  }

  name(): string {
    return this.owner;
  }
}

@SingleCall("Sum")
export class Sum extends MarshalByRefObject {
  of(...values: number[]): number {
    return values.reduce((total, value) => total + value, 0);
  }
}

@Singleton("Bank")
export class Bank extends MarshalByRefObject {
  echo(value: unknown): unknown {
    return value;
  }

  async later(value: unknown): Promise<unknown> {
    await Promise.resolve();
    return value;
  }

  fail(message: string): never {
    throw Object.assign(new RangeError(message), { code: 7 });
  }

  purse(): Purse {
    const purse = new Purse();
    lent.push(purse);
    return purse;
  }

  count(purse: Remote<Purse>): Promise<number> {
    return purse.add(new Coin(1));
  }

  /** Lends a function to a function of the caller's. */
  lend(receiver: (lent: () => string) => Promise<unknown>): void {
    const lent = () => "lent";
    void receiver(lent);
  }

  async ask(question: (text: string) => Promise<unknown>): Promise<unknown> {
    return await question("how much?");
  }

  wait(signal: AbortSignal): Promise<string> {
    return new Promise((resolve) =>
      signal.addEventListener("abort", () => resolve("aborted"), { once: true }),
    );
  }

  length(...binaries: Uint8Array[]): number {
    return binaries.reduce((total, { length }) => total + length, 0);
  }

  bytes(length: number): Uint8Array {
    return new Uint8Array(Math.min(length, 200_000));
  }

  @OneWay() note(_text: string): void {}
}
