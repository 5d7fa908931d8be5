/** A service that asks for nothing back: what a channel without replies can carry. */
import { MarshalByRefObject, OneWay, SingleCall, Singleton } from "remoting";
import { CallContext } from "remoting/call-context";
import { portrait } from "./call-services.ts";
import { passGate, record } from "./ledger.ts";

@Singleton("Journal")
export class Journal extends MarshalByRefObject {
  @OneWay()
  note(key: string, event: unknown): void {
    record(String(event), key);
  }

  @OneWay()
  draw(key: string, ...values: unknown[]): void {
    record(portrait(values), key);
  }

  @OneWay()
  fail(key: string): void {
    throw new Error(`failed ${key}`);
  }

  @OneWay()
  async block(key: string, index: number): Promise<void> {
    record(`started ${index}`, key);
    await passGate(`${key}/${index}`);
    record(`finished ${index}`, key);
  }

  @OneWay()
  context(key: string): void {
    const { current } = CallContext;
    const data = JSON.stringify(Object.fromEntries(CallContext.logicalData));
    record(`${data} ${current?.oneWay} ${current?.peer.direction} ${current?.timeRemaining}`, key);
  }
}

/** One object for each call. */
@SingleCall("Visit")
export class Visit extends MarshalByRefObject {
  #key = "";

  @OneWay()
  pay(key: string): void {
    this.#key = key;
    record("paid", key);
  }

  [Symbol.dispose](): void {
    record("disposed", this.#key);
  }
}
