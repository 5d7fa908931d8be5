/** Whence an error came that no call can report. */
import type { PeerInfo } from "./peer-info.ts";

/**
 * The second argument of a domain's event `unobservedError`: what is known of whence the error came. Empty for what this
 * process did by itself, such as disposing of an object.
 */
export interface ErrorOrigin {
  /** Whose connection it was, or whose call: a stranger who was turned away, too. */
  readonly peer?: PeerInfo;
  /** The URI of the object whose one-way method failed. */
  readonly target?: string;
  /** That method. */
  readonly method?: string;
}
