/** Who is at the other end of a pipe. */
import type { NativePeer } from "./native-pipes.ts";

/**
 * The process at the other end, as the operating system knows it: the peer cannot lie about it
 * (GetNamedPipeClientProcessId, GetImpersonationUserName; SO_PEERCRED).
 */
export interface PipePeer {
  /** Its process id. The process may have ended since, and the id may be another's now. */
  readonly processId: number;
  /** The user's number as text on POSIX, its SID on Windows. `undefined` if the system does not say. */
  readonly userId: string | undefined;
  /** The group's number as text on POSIX. */
  readonly groupId: string | undefined;
  /** The name of the user's account, `"ada"` or `"MACHINE\\ada"`. `undefined` if it has none. */
  readonly userName: string | undefined;
}

/** What the addon says, with nothing for what it does not say. */
export function pipePeer({ processId, userId, groupId, userName }: NativePeer): PipePeer {
  const known = (text: string) => (text === "" ? undefined : text);
  return { processId, userId: known(userId), groupId: known(groupId), userName: known(userName) };
}
