/** The bounds of a domain: those that its channels have by default, and what all of its peers have together. */
import { type ChannelLimits, defaultChannelLimits } from "../session/channel-limits.ts";

/** What a domain allows its peers; `docs/limits.md` has a table. */
export interface DomainLimits extends ChannelLimits {
  /**
   * Bytes that may wait for all peers of the domain to read them. Default 256 MiB: sixteen peers that do not read at all.
   * While more waits, every peer that has not read everything is treated as one that is behind, and what is large is
   * refused.
   */
  readonly maxTotalQueuedBytes: number;
  /**
   * Bytes that may have come, from all peers of the domain, of payloads that are not complete. Default 256 MiB: sixteen of
   * the largest. A further payload fails its call.
   */
  readonly maxTotalReassemblyBytes: number;
  /**
   * Objects and functions that the domain may have lent out, to all of its peers together. Default 1,000,000: a hundred
   * clients that hold all that they may, at less than 1 KiB each.
   */
  readonly maxObjects: number;
}

/** The limits that hold unless a domain is given others. */
export const defaultDomainLimits: DomainLimits = {
  ...defaultChannelLimits,
  maxTotalQueuedBytes: 256 * 1024 * 1024,
  maxTotalReassemblyBytes: 256 * 1024 * 1024,
  maxObjects: 1_000_000,
};
