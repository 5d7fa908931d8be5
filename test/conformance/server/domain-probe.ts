/** What a server's domain tells those who listen in its own process, for tests that are elsewhere. */
import { MarshalByRefObject, type RemotingDomain } from "remoting";

/** An error as far as it can be told to another thread. */
export interface ReportedError {
  readonly name: string;
  readonly message: string;
}

/** Published by every test server as `"Probe"`. */
export class DomainProbe extends MarshalByRefObject {
  readonly #unobserved: ReportedError[] = [];
  readonly #waiting: ((error: ReportedError) => void)[] = [];
  readonly #events: string[] = [];
  readonly #calls: string[] = [];

  /** For the server itself. */
  static watch(domain: RemotingDomain): { readonly probe: DomainProbe; onCall(name: string): void } {
    const probe = new DomainProbe();
    domain.on("connected", ({ direction }) => probe.#events.push(`connected ${direction}`));
    domain.on("disconnected", ({ direction }) => probe.#events.push(`disconnected ${direction}`));
    domain.on("unobservedError", (error) => {
      const reported =
        error instanceof Error
          ? { name: error.name, message: error.message }
          : { name: typeof error, message: String(error) };
      const taker = probe.#waiting.shift();
      if (taker === undefined) probe.#unobserved.push(reported);
      else taker(reported);
    });
    return { probe, onCall: (name) => void probe.#calls.push(name) };
  }

  /** The next error that no call could report; waits for it. Each is told once. */
  nextUnobserved(): Promise<ReportedError> {
    const known = this.#unobserved.shift();
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The connections that were opened and lost. */
  events(): string[] {
    return this.#events;
  }

  /** The calls that have arrived, if the server was told to count them. */
  calls(): string[] {
    return this.#calls;
  }
}
