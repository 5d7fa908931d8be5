/** The frames of a session whose segments are still under way, in both directions. */
import { type ByteReader, protocolError } from "../channels/byte-reader.ts";
import { AbortError, LimitExceededError } from "../errors.ts";
import { fragmentFlag, frameHeaderSize } from "./frame-kind.ts";
import { tooManyCalls } from "./incoming-calls.ts";
import { IncomingSegments, type IncompleteFrame } from "./incoming-segments.ts";
import { PendingCalls } from "./pending-calls.ts";
import type { IncomingRoute } from "./routes.ts";
import type { SessionLimits } from "./session-limits.ts";

/** Made when the first large payload comes. */
export class HeldFrames {
  readonly #limits: SessionLimits;
  readonly #calls: IncomingSegments;
  readonly #returns: IncomingSegments;

  constructor(limits: SessionLimits) {
    this.#limits = limits;
    const refusal = (limit: "maxPayloadBytes" | "maxReassemblyBytes", bytes: number) =>
      new LimitExceededError(
        limit,
        `A message of ${bytes} bytes exceeds ${limit}, which is ${limits[limit]}`,
      );
    this.#calls = new IncomingSegments(limits.maxPayloadBytes, limits.maxReassemblyBytes, refusal);
    this.#returns = new IncomingSegments(limits.maxPayloadBytes, limits.maxReassemblyBytes, refusal);
  }

  /**
   * Keeps a call. Its body is `bytes[start..end)`, its header right before it.
   *
   * @param running How many calls of the peer's are under way: one too many is refused, but waited for.
   */
  holdCall(
    id: number,
    bytes: Buffer,
    start: number,
    end: number,
    route: IncomingRoute,
    running: number,
  ): void {
    const { maxCallsInFlight } = this.#limits;
    // Refused ones are kept too until their segments have passed, so there is a bound to them as well.
    if (this.#calls.size > maxCallsInFlight * 2) {
      throw protocolError(`more than ${maxCallsInFlight * 2} calls wait for their segments`);
    }
    const refused =
      this.#calls.size + running < maxCallsInFlight ? undefined : tooManyCalls(maxCallsInFlight);
    this.#calls.hold(id, frameCopy(bytes, start, end), route, refused);
  }

  /** Keeps a return. */
  holdReturn(id: number, bytes: Buffer, start: number, end: number): void {
    if (this.#returns.size > PendingCalls.capacity)
      throw protocolError("too many answers wait for their segments");
    this.#returns.hold(id, frameCopy(bytes, start, end), undefined, undefined);
  }

  /** Reads the lengths of a frame's segments. Returns the frame if there is nothing to wait for. */
  announce(flags: number, id: number, lengths: ByteReader): IncompleteFrame | undefined {
    return this.#of(flags).announce(id, lengths);
  }

  /** Takes a fragment, or a part of one. Returns the frame if it is complete with it. */
  append(
    flags: number,
    id: number,
    bytes: Buffer,
    start: number,
    end: number,
    now: number,
  ): IncompleteFrame | undefined {
    return this.#of(flags).append(id, bytes, start, end, now);
  }

  /** The caller no longer wants a call: what is still to come of it is thrown away. */
  cancelCall(id: number): void {
    this.#calls.refuse(id, new AbortError("The caller cancelled the call"));
  }

  /** When the payload was last added to that has waited the longest. */
  get staleSince(): number | undefined {
    const times = [this.#calls.staleSince, this.#returns.staleSince].filter((time) => time !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  #of(flags: number): IncomingSegments {
    return (flags & fragmentFlag.ofReturn) === 0 ? this.#calls : this.#returns;
  }
}

/** A frame from its kind on, to be sorted again when it is complete. */
function frameCopy(bytes: Buffer, start: number, end: number): Buffer {
  return Buffer.from(bytes.subarray(start - frameHeaderSize + 4, end));
}
