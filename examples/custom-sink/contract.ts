import { MarshalByRefObject, Singleton } from "remoting";

@Singleton()
export class Settings extends MarshalByRefObject {
  readonly #values = new Map([["theme", "dark"]]);

  getValue(name: string): string | undefined {
    return this.#values.get(name);
  }

  setValue(name: string, value: string): void {
    this.#values.set(name, value);
  }
}
