/** All bounds of a channel in one place: what they are by default, and what can be set. */
import { defaultPayloadLimits, type PayloadLimits } from "../channels/formatter.ts";
import { defaultPeerLimits, type PeerLimits } from "../channels/peer-host.ts";
import { defaultSessionLimits, type SessionLimits } from "./session-limits.ts";

/** All bounds that a channel has; `docs/limits.md` has a table of them. */
export interface ChannelLimits extends SessionLimits, PayloadLimits, PeerLimits {}

/** What holds unless a domain or a channel says otherwise. */
export const defaultChannelLimits: ChannelLimits = {
  ...defaultSessionLimits,
  ...defaultPayloadLimits,
  ...defaultPeerLimits,
};

/** Timers of Node.js count no further: a longer time would be one of a millisecond. */
export const longestTime = 0x7fff_ffff;

/** What can be set, where it is not any whole number: the least and the most. */
const ranges: Readonly<Record<string, readonly [least: number, most: number]>> = {
  // More levels than this would exhaust the stack, and with it whatever runs at the time.
  maxDepth: [1, 1000],
  maxNodes: [1, Number.MAX_SAFE_INTEGER],
  connectTimeout: [1, longestTime],
  handshakeTimeout: [1, longestTime],
  pingTimeout: [1, longestTime],
  pingInterval: [0, longestTime],
  writeTimeout: [0, longestTime],
  progressTimeout: [0, longestTime],
  messageTimeout: [0, longestTime],
  idleTimeout: [0, longestTime],
};

/**
 * Checks limits that were given by an application.
 *
 * @param known All limits that there are where these were given.
 * @throws TypeError for one that does not exist or cannot be.
 */
export function checkLimits(limits: object, known: object = defaultChannelLimits): void {
  for (const [name, value] of Object.entries(limits)) {
    if (!Object.hasOwn(known, name)) {
      throw new TypeError(`There is no limit named ${name}: expected ${Object.keys(known).join(", ")}`);
    }
    const [least, most] = ranges[name] ?? [0, Number.MAX_SAFE_INTEGER];
    if (!Number.isInteger(value) || value < least || value > most) {
      const upTo = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
      throw new TypeError(`The limit ${name} must be a whole number ${upTo}, not ${String(value)}`);
    }
  }
}
