/** Payloads that arrive in fragments, put together in memory of their own. */

import type { ByteReader } from "../channels/byte-reader.ts";
import { protocolError } from "../channels/byte-reader.ts";

import type { IncomingRoute } from "./routes.ts";

/** More segments than this in one payload are refused: the table alone would be large. */
const maxSegments = 65_536;

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
  /** Bytes that are still to come. */
  missing: number;
  /** Bytes announced: counted against the peer's budget until the frame is complete or given up. */
  announced: number;
  /** When it began, or a fragment was last added. */
  touched: number;
  /** Why the bytes are thrown away as they come, if they are. */
  refused: Error | undefined;
}

/** What is under way in one direction of one session. */
export class IncomingSegments {
  readonly #maxPayload: number;
  readonly #maxTotal: number;
  readonly #frames = new Map<number, IncompleteFrame>();
  readonly #refusal: (limit: "maxPayloadBytes" | "maxReassemblyBytes", bytes: number) => Error;
  #announced = 0;

  /**
   * @param maxPayload The largest payload in bytes.
   * @param maxTotal The most bytes that may be incomplete at a time.
   * @param refusal Makes the error for a payload that is beyond one of them.
   */
  constructor(
    maxPayload: number,
    maxTotal: number,
    refusal: (limit: "maxPayloadBytes" | "maxReassemblyBytes", bytes: number) => Error,
  ) {
    this.#maxPayload = maxPayload;
    this.#maxTotal = maxTotal;
    this.#refusal = refusal;
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
      missing: 0,
      announced: 0,
      touched: performance.now(),
      refused,
    });
  }

  /** Throws away what has come and is still to come of a frame. */
  refuse(id: number, refused: Error): void {
    const incomplete = this.#frames.get(id);
    if (incomplete === undefined || incomplete.refused !== undefined) return;
    incomplete.refused = refused;
    if (incomplete.segments !== undefined) incomplete.segments = [];
    this.#announced -= incomplete.announced;
    incomplete.announced = 0;
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
    incomplete.missing = total;
    if (incomplete.refused !== undefined) {
      incomplete.segments = [];
    } else if (total > this.#maxPayload) {
      incomplete.refused = this.#refusal("maxPayloadBytes", total);
      incomplete.segments = [];
    } else if (this.#announced + total > this.#maxTotal) {
      incomplete.refused = this.#refusal("maxReassemblyBytes", this.#announced + total);
      incomplete.segments = [];
    } else {
      incomplete.announced = total;
      this.#announced += total;
      // Untouched memory costs nothing yet: pages become real as fragments are copied into them.
      incomplete.segments = sizes.map((size) => Buffer.allocUnsafeSlow(size));
    }
    return total === 0 ? this.#finish(id, incomplete) : undefined;
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
    if (incomplete.refused === undefined) {
      let position = start;
      while (position < end) {
        const segment = segments[incomplete.current];
        if (segment === undefined) throw protocolError("a fragment is longer than was announced");
        const length = Math.min(end - position, segment.length - incomplete.filled);
        bytes.copy(segment, incomplete.filled, position, position + length);
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
    this.#announced -= incomplete.announced;
    return incomplete;
  }
}
