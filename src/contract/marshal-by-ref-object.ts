// The base class that decides "by reference": what extends it stays where it was made, and others hold
// proxies.

import type { LeaseSettings } from "./lease-settings.ts";

declare const byReference: unique symbol;

/**
 * Base class of every object that is used from another process without leaving its own. Passed as an argument
 * or returned as a result, it travels as a reference, and the other side gets a {@link Remote} of it.
 *
 * The class has no members at run time, so it costs nothing and reserves no method names but
 * `initializeLifetimeService`, which is the owner's business and never callable from outside.
 *
 * Mirrors `System.MarshalByRefObject`.
 *
 * @example
 * ```ts
 * export class Counter extends MarshalByRefObject {
 *   #value = 0;
 *   increment(by = 1): number {
 *     return (this.#value += by);
 *   }
 * }
 * ```
 */
export abstract class MarshalByRefObject {
  /** Exists for the compiler only: without it every object would look like a `MarshalByRefObject`. */
  declare protected readonly [byReference]: true;

  /**
   * Decides how long the object lives (MarshalByRefObject.InitializeLifetimeService). Called once, when the object is
   * first lent, published or, for a Singleton, made; never from outside. A class without it has the domain's defaults.
   *
   * @param lease The lease to be, in state `Initial`: its times may be set here and never again.
   * @returns The times that differ from those of `lease` (or `lease` itself), or `null`: time never ends it.
   *
   * @example
   * ```ts
   * class Reservation extends MarshalByRefObject {
   *   override initializeLifetimeService() {
   *     return { initialLeaseTime: 60_000, renewOnCallTime: 30_000 };
   *   }
   * }
   * ```
   */
  initializeLifetimeService?(lease: LeaseSettings): Partial<LeaseSettings> | null;
}
