/** What a service needs to know of how long its object lives; whoever knows about leases provides it. */
import type { IncomingCall } from "../channels/call-dispatcher.ts";

/** The lease of a service's object, as far as its calls concern it. */
export interface ServiceLifetime {
  /** A call has come. */
  renewOnCall(): void;
  /** A method has returned this; a promise is a call that is still under way. Returns it. */
  observe(result: unknown, call: IncomingCall): unknown;
  /** The service is withdrawn: the lease is no longer needed. */
  end(): void;
}

/**
 * Begins the lifetime of an object that a service has.
 *
 * @param onExpired Called when it is over.
 * @returns `undefined` if it lives for ever.
 */
export type BeginLifetime = (object: object, onExpired: () => void) => ServiceLifetime | undefined;
