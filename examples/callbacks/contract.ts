// The server calls its clients: functions and objects that are passed to it stay where they are.
import { MarshalByRefObject, Singleton } from "remoting";

@Singleton()
export class Thermometer extends MarshalByRefObject {
  readonly #watchers = new Set<(celsius: number) => void>();

  watch(onChange: (celsius: number) => void): Subscription {
    this.#watchers.add(onChange);
    return new Subscription(() => this.#watchers.delete(onChange));
  }

  async calibrate(readReference: () => number): Promise<string> {
    const reference = await readReference();
    return `calibrated at ${reference} °C`;
  }

  measure(celsius: number): void {
    for (const onChange of this.#watchers) onChange(celsius);
  }
}

/** Stays at the server; the client gets a proxy of it. */
export class Subscription extends MarshalByRefObject {
  readonly #cancel: () => void;

  constructor(cancel: () => void) {
    super();
    this.#cancel = cancel;
  }

  cancel(): void {
    this.#cancel();
  }
}
