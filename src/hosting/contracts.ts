/** The contracts that a domain knows, by the name that references carry. */
import type { AnyClass } from "../contract/class.ts";
import {
  describeType,
  type Exposure,
  type MethodOptions,
  type ServiceType,
} from "../contract/service-type.ts";

/** See the head of this file. */
export class Contracts {
  readonly #exposure: Exposure;
  readonly #byName = new Map<string, ServiceType>();

  constructor(exposure: Exposure) {
    this.#exposure = exposure;
  }

  /** What of a class can be called in this domain. */
  describe(type: AnyClass, methods?: Readonly<Record<string, MethodOptions>>): ServiceType {
    return describeType(type, { exposure: this.#exposure, ...(methods === undefined ? {} : { methods }) });
  }

  /** What is known of a class; remembered for references that come to it. */
  learn(type: AnyClass): ServiceType {
    const described = this.describe(type);
    if (!this.#byName.has(described.name)) this.#byName.set(described.name, described);
    return described;
  }

  /** Remembers what was published, in place of what was known before. */
  remember(type: ServiceType): void {
    this.#byName.set(type.name, type);
  }

  /** The contract with a name, if it is known. */
  named(name: string): ServiceType | undefined {
    return this.#byName.get(name);
  }
}
