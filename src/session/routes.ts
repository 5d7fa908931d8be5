/**
 * Short numbers for the pairs of target and method that a session uses again and again: named in full once,
 * by number from then on. Both sides count alike, because frames arrive in the order in which they were sent.
 */
import { protocolError } from "../channels/byte-reader.ts";
import type { CallTarget } from "../channels/call-dispatcher.ts";
import { maxRoutes } from "./session-limits.ts";

/** The numbers that this side has given. */
export class OutgoingRoutes {
  readonly #byTarget = new Map<string, Map<string, number>>();
  #count = 0;

  /** The number of a route, or 0 if it has none yet. */
  find(target: string, method: string): number {
    return this.#byTarget.get(target)?.get(method) ?? 0;
  }

  /** Whether another route can be defined. If not, it goes by name each time. */
  get hasRoom(): boolean {
    return this.#count < maxRoutes;
  }

  /** Gives a route the next number. */
  define(target: string, method: string): void {
    let methods = this.#byTarget.get(target);
    if (methods === undefined) {
      methods = new Map();
      this.#byTarget.set(target, methods);
    }
    methods.set(method, ++this.#count);
  }
}

/** A pair of target and method, with what they resolved to. */
export interface IncomingRoute {
  readonly target: string;
  readonly method: string;
  /** What was found at {@link revision} of the dispatcher. */
  resolved: CallTarget | undefined;
  revision: number;
}

/** The numbers that the peer has given. */
export class IncomingRoutes {
  /** `undefined` until there is one: most peers use few, and an empty array grows to seventeen at once. */
  #routes: IncomingRoute[] | undefined;

  /** The route with a number. Throws a protocol error if there is none. */
  get(number: number): IncomingRoute {
    const route = this.#routes?.[number - 1];
    if (route === undefined) throw protocolError(`a call names route ${number}, which was not defined`);
    return route;
  }

  /** Gives a route the next number. */
  define(route: IncomingRoute): void {
    if (this.#routes === undefined) {
      this.#routes = [route];
      return;
    }
    if (this.#routes.length === maxRoutes) throw protocolError(`more than ${maxRoutes} routes were defined`);
    this.#routes.push(route);
  }
}
