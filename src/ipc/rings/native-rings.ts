/**
 * Rings in shared memory, as the addon has them: two processes meet by a name, get memory that nobody else has, and
 * stream bytes through it. What `shm://` is made of; by themselves they are of no use, so they are not public.
 */
import type { IpcFault } from "../ipc-error.ts";
import { nativeAddon } from "../native-addon.ts";
import { ipcErrorFrom } from "../system-faults.ts";

/** What {@link RingEndpoint.receive} returns if not a number of bytes. `native/ring/ring_endpoint.h` has them too. */
export const ringState = {
  /** Nothing has come. If it was asked to, it sleeps now: the peer rings. */
  empty: 0,
  /** The peer has stored what cannot be. Nothing is read or written any more. */
  poisoned: -1,
  /** There is room for what {@link RingEndpoint.write} did not take. */
  room: -2,
} as const;

/** `receive` puts its first byte at the offset that is the number of bytes received so far, modulo this. */
export const ringAlignment = 64;

/** One side of a pair of rings. */
export interface RingEndpoint {
  /**
   * Begins to tell.
   *
   * @param memory Where {@link receive} copies to. May be shared by many: what was received is consumed before the
   *   next is received.
   * @param onWake The peer has rung, because this side slept; or has `ended`, which is told once, and last.
   */
  start(memory: Buffer, onWake: (ended: boolean) => void): void;

  /**
   * Copies `memory[start..end)` and then `tail` into the ring, as far as there is room, and shows it to the peer.
   * Returns how many bytes that were, or `ringState.poisoned`. If it was not all, {@link receive} tells when to try
   * again.
   */
  write(memory: Buffer, start: number, end: number, tail?: Uint8Array): number;

  /**
   * Copies what has come into the memory, from (bytes ever received) mod {@link ringAlignment} on. Returns how many
   * bytes, or one of {@link ringState}.
   *
   * @param spin Nanoseconds to wait for something, busily; less where the peer runs on the same processor and sleeping
   *   may part them.
   * @param sleep If nothing comes: asks the peer to ring.
   * @param most At most so many bytes.
   */
  receive(spin: number, sleep: boolean, most: number): number;

  /**
   * Copies what has come, `most` bytes at most, to the beginning of `target`, without waiting. Returns how many bytes;
   * 0 if {@link receive} has something else to tell.
   */
  receiveInto(target: Buffer, most: number): number;

  /** Who the system says the peer is; `userId` is a number as text, or a SID on Windows. `userName` may be empty. */
  peer(): { readonly processId: number; readonly userId: string; readonly userName: string };

  /** Whether it keeps the process running. Default yes. */
  setReferenced(referenced: boolean): void;

  /** Gives the memory back. The peer is told that this side has ended, and can still read what was written. */
  close(): void;
}

/** A server that waits, or a client on its way. */
export interface RingMeeting {
  /** Stops waiting. What has met goes on. */
  close(): void;
}

interface NativeRings {
  /** How many processors the machine has. */
  processorCount(): number;
  readonly RingMeeting: new (
    isServer: boolean,
    name: string,
    capacity: number,
    onMet: (endpoint: RingEndpoint) => void,
    onFailed: (error: Error) => void,
  ) => RingMeeting;
}

function hasRings(addon: object): addon is NativeRings {
  return "RingMeeting" in addon;
}

function rings(): NativeRings {
  const addon = nativeAddon();
  if (!hasRings(addon)) throw new TypeError("The native addon has no rings: it is older than this package");
  return addon;
}

/** How many processors the machine has: waiting busily on the only one would keep the peer from it. */
export function processorCount(): number {
  return rings().processorCount();
}

const advice: Partial<Readonly<Record<IpcFault, string>>> = {
  "not-found": "No process of this user serves it: start its server first",
  "in-use": "Another server has the name: choose another one, or end that one",
  full: "There is no memory for its rings, or there are no descriptors left",
};

/**
 * Waits for clients at a name.
 *
 * @param capacity Bytes of each of the two rings of a client: a power of two from 64 KiB to 64 MiB.
 * @param onMet Called with each client.
 * @param onFailed Somebody had to be sent away: no memory, no descriptors, not one of ours.
 * @throws IpcError, `"in-use"` if the name is held.
 */
export function listenForRings(
  name: string,
  capacity: number,
  onMet: (endpoint: RingEndpoint) => void,
  onFailed: (error: Error) => void,
): RingMeeting {
  const { RingMeeting } = rings();
  const doing = `serve a client of shm://${name}`;
  try {
    return new RingMeeting(true, name, capacity, onMet, (error) =>
      onFailed(ipcErrorFrom(error, doing, advice)),
    );
  } catch (error) {
    throw ipcErrorFrom(error, undefined, advice);
  }
}

/**
 * Goes to the server of a name. Tells one of the two, once.
 *
 * @throws IpcError, `"not-found"` if there is no server.
 */
export function connectRings(
  name: string,
  onMet: (endpoint: RingEndpoint) => void,
  onFailed: (error: Error) => void,
): RingMeeting {
  const { RingMeeting } = rings();
  const errorFrom = (error: unknown) => ipcErrorFrom(error, undefined, advice);
  try {
    return new RingMeeting(false, name, 0, onMet, (error) => onFailed(errorFrom(error)));
  } catch (error) {
    throw errorFrom(error);
  }
}
