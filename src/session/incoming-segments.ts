/** Payloads that arrive in fragments, put together in memory of their own. */

import type { ByteReader } from "../channels/byte-reader.ts";
import { protocolError } from "../channels/byte-reader.ts";

import type { MemoryBudget } from "../channels/memory-budget.ts";
import { LimitExceededError } from "../errors.ts";
import { monotonicTime } from "./monotonic-clock.ts";
import { allocateReceived } from "./received-memory.ts";
import type { IncomingRoute } from "./routes.ts";
import type { SessionLimits } from "./session-limits.ts";

/** More segments than this in one payload are refused: the table alone would be large. */
const maxSegments = 65_536;

/** What a segment costs beside its bytes, the object that stands for it: counted like bytes, but for the first few. */
const segmentOverhead = 384;
const freeSegments = 64;

/** A frame whose segments are still under way. */
export interface IncompleteFrame {
  /** The frame itself, copied, because its segments come later than it. */
  readonly frame: Buffer;
  /** What the call names: read when the frame came, because routes are counted in the order of frames. */
  readonly route: IncomingRoute | undefined;
  /** The segments; `undefined` until their lengths have arrived. */
  segments: Buffer[] | undefined;
  /** The segment being filled, and how far it is. */
  current: number;
  filled: number;
  /** Where the transport was told to put what comes next, if it has asked. */
  destination: Buffer | undefined;
  /** Bytes that are still to come. */
  missing: number;
  /** Bytes announced: counted against `maxReassemblyBytes` until the frame is complete or given up. */
  announced: number;
  /** Bytes that are kept of it: counted against the budget of all peers. */
  kept: number;
  /** When it began, or a fragment was last added. */
  touched: number;
  /** Why the bytes are thrown away as they come, if they are. */
  refused: Error | undefined;
}

/** What is under way in one direction of one session. */
export class IncomingSegments {
  readonly #limits: Pick<SessionLimits, "maxPayloadBytes" | "maxReassemblyBytes">;
  readonly #budget: MemoryBudget;
  readonly #onRefused: ((id: number) => void) | undefined;
  readonly #frames = new Map<number, IncompleteFrame>();
  #announced = 0;

  /**
   * @param budget Counts what has come of incomplete payloads together with those of other peers.
   * @param onRefused Told at once of a frame whose segments are thrown away; all of them come nevertheless.
   */
  constructor(
    limits: Pick<SessionLimits, "maxPayloadBytes" | "maxReassemblyBytes">,
    budget: MemoryBudget,
    onRefused?: (id: number) => void,
  ) {
    this.#limits = limits;
    this.#budget = budget;
    this.#onRefused = onRefused;
  }

  /** Whether nothing is under way. */
  get isEmpty(): boolean {
    return this.#frames.size === 0;
  }

  /** How many frames wait for their segments. */
  get size(): number {
    return this.#frames.size;
  }

  /**
   * Keeps a frame until its segments are here.
   *
   * @param refused Why it is not wanted, if it is not: then its segments are thrown away as they come.
   */
  hold(id: number, frame: Buffer, route: IncomingRoute | undefined, refused: Error | undefined): void {
    if (this.#frames.has(id)) throw protocolError("two frames of one id wait for their segments");
    this.#frames.set(id, {
      frame,
      route,
      segments: undefined,
      current: 0,
      filled: 0,
      destination: undefined,
      missing: 0,
      announced: 0,
      kept: 0,
      touched: monotonicTime(),
      refused,
    });
    if (refused !== undefined) this.#onRefused?.(id);
  }

  /** Throws away what has come and is still to come of a frame. */
  refuse(id: number, refused: Error): void {
    const incomplete = this.#frames.get(id);
    if (incomplete === undefined || incomplete.refused !== undefined) return;
    incomplete.refused = refused;
    if (incomplete.segments !== undefined) incomplete.segments = [];
    incomplete.destination = undefined;
    this.#uncount(incomplete);
    this.#onRefused?.(id);
  }

  #uncount(incomplete: IncompleteFrame): void {
    this.#announced -= incomplete.announced;
    this.#budget.add(-incomplete.kept);
    incomplete.announced = 0;
    incomplete.kept = 0;
  }

  /** Forgets everything. */
  clear(): void {
    for (const incomplete of this.#frames.values()) this.#uncount(incomplete);
    this.#frames.clear();
  }

  /** When the frame was last added to that has waited the longest. */
  get staleSince(): number | undefined {
    let oldest: number | undefined;
    for (const { touched } of this.#frames.values())
      if (oldest === undefined || touched < oldest) oldest = touched;
    return oldest;
  }

  /** Reads the lengths of a frame's segments. Returns the frame if there is nothing to wait for. */
  announce(id: number, lengths: ByteReader): IncompleteFrame | undefined {
    const incomplete = this.#frames.get(id);
    if (incomplete === undefined || incomplete.segments !== undefined) {
      throw protocolError("segments were announced for no frame");
    }
    const count = lengths.readVarUint();
    if (count === 0 || count > maxSegments || count > lengths.remaining) {
      throw protocolError(`${count} segments were announced`);
    }
    const sizes: number[] = [];
    let total = 0;
    for (let index = 0; index < count; index++) {
      const size = lengths.readVarUint();
      sizes.push(size);
      total += size;
    }
    const cost = total + Math.max(0, count - freeSegments) * segmentOverhead;
    incomplete.missing = total;
    if (incomplete.refused !== undefined) {
      incomplete.segments = [];
    } else if (total > this.#limits.maxPayloadBytes) {
      incomplete.segments = [];
      this.refuse(id, tooLarge("maxPayloadBytes", total, this.#limits.maxPayloadBytes));
    } else if (this.#announced + cost > this.#limits.maxReassemblyBytes) {
      incomplete.segments = [];
      const all = this.#announced + cost;
      this.refuse(id, tooLarge("maxReassemblyBytes", all, this.#limits.maxReassemblyBytes));
    } else {
      incomplete.announced = cost;
      this.#announced += cost;
      // Untouched memory costs nothing yet: pages become real as fragments are copied into them.
      incomplete.segments = sizes.map((size) => allocateReceived(size));
    }
    return total === 0 ? this.#finish(id, incomplete) : undefined;
  }

  /** Where the next bytes of a frame's segments belong; `undefined` if they are thrown away, or nobody waits for them. */
  destination(id: number): Buffer | undefined {
    const incomplete = this.#frames.get(id);
    if (incomplete === undefined) return undefined;
    incomplete.destination = incomplete.segments?.[incomplete.current]?.subarray(incomplete.filled);
    return incomplete.destination;
  }

  /**
   * Takes a fragment, or a part of one. Returns the frame if it is complete with it.
   *
   * @param now When it came, in monotonic milliseconds.
   */
  append(id: number, bytes: Buffer, start: number, end: number, now: number): IncompleteFrame | undefined {
    const incomplete = this.#frames.get(id);
    const segments = incomplete?.segments;
    if (incomplete === undefined || segments === undefined)
      throw protocolError("a fragment belongs to no frame");
    if (end - start > incomplete.missing) throw protocolError("a fragment is longer than was announced");
    incomplete.missing -= end - start;
    incomplete.touched = now;
    if (incomplete.refused === undefined && this.#budget.isExceededBy(end - start)) {
      const all = this.#budget.used + end - start;
      this.refuse(id, tooLarge("maxTotalReassemblyBytes", all, this.#budget.limit));
    }
    if (incomplete.refused === undefined) {
      incomplete.kept += end - start;
      this.#budget.add(end - start);
      let position = start;
      while (position < end) {
        const segment = segments[incomplete.current];
        if (segment === undefined) throw protocolError("a fragment is longer than was announced");
        const length = Math.min(end - position, segment.length - incomplete.filled);
        if (bytes !== incomplete.destination) {
          bytes.copy(segment, incomplete.filled, position, position + length);
        }
        position += length;
        incomplete.filled += length;
        if (incomplete.filled === segment.length) {
          incomplete.current++;
          incomplete.filled = 0;
        }
      }
    }
    return incomplete.missing === 0 ? this.#finish(id, incomplete) : undefined;
  }

  #finish(id: number, incomplete: IncompleteFrame): IncompleteFrame {
    this.#frames.delete(id);
    this.#uncount(incomplete);
    return incomplete;
  }
}

function tooLarge(limit: string, bytes: number, most: number): LimitExceededError {
  const message = `With this message there would be ${bytes} bytes under way, and ${limit} is ${most}: send less at a time, or raise it`;
  return new LimitExceededError(limit, message);
}
