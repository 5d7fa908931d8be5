/** What the processes of the tests of references have in common. */
import { ClientActivated, MarshalByRefObject, Singleton } from "remoting";

/** One of many. */
@ClientActivated("Token")
export class Token extends MarshalByRefObject {
  ping(): number {
    return 1;
  }
}

/** Takes functions and keeps none; hands out objects. */
@Singleton("Taker")
export class Taker extends MarshalByRefObject {
  #calls = 0;

  take(_callback: () => number): number {
    return ++this.#calls;
  }

  tokens(count: number): Token[] {
    return Array.from({ length: count }, () => new Token());
  }
}

/** What a process says of its domain. */
export interface ReferenceReport {
  readonly lent: number;
  readonly borrowed: number;
}

/** What a client says that has passed functions. */
export interface PassedReport {
  /** The most functions that were lent at a time. */
  readonly most: number;
  /** Those that were lent when the last call had settled. */
  readonly left: number;
  readonly milliseconds: number;
}
