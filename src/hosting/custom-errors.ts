/** Which callers are told where in this process an error was thrown. */
import type { PeerInfo } from "../messages/peer-info.ts";

/**
 * Who gets the stacks of the errors that methods throw (System.Runtime.Remoting.CustomErrorsModes):
 *
 * - `"on"`: nobody.
 * - `"off"`: everybody.
 * - `"remote-only"`: those on this machine, as {@link PeerInfo.isLocal} says; for all others they are left out.
 *
 * Name, message and own properties of an error travel in any case.
 */
export type CustomErrorsMode = "on" | "off" | "remote-only";

/** Whether a peer gets stacks. */
export function revealsStacks(mode: CustomErrorsMode, { isLocal }: PeerInfo): boolean {
  return mode === "off" || (mode === "remote-only" && isLocal);
}
