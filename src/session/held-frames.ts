/** The frames of a session whose segments are still under way, in both directions. */
import { type ByteReader, protocolError } from "../channels/byte-reader.ts";
import type { MemoryBudget } from "../channels/memory-budget.ts";
import { AbortError } from "../errors.ts";
import { fragmentFlag, frameHeaderSize } from "./frame-kind.ts";
import { IncomingSegments, type IncompleteFrame } from "./incoming-segments.ts";
import { PendingCalls } from "./pending-calls.ts";
import { tooManyCalls } from "./refused-calls.ts";
import type { IncomingRoute } from "./routes.ts";
import type { SessionLimits } from "./session-limits.ts";

/** The most that a frame has whose payload follows in segments: names, and fields. There may be many that wait. */
const maxHeldBody = 32 * 1024;

/** Made when the first large payload comes. */
export class HeldFrames {
  readonly #limits: SessionLimits;
  readonly #calls: IncomingSegments;
  readonly #returns: IncomingSegments;

  /** @param onRefusedReturn Told of an answer that is thrown away, before it has come. */
  constructor(limits: SessionLimits, budget: MemoryBudget, onRefusedReturn: (id: number) => void) {
    this.#limits = limits;
    this.#calls = new IncomingSegments(limits, budget);
    this.#returns = new IncomingSegments(limits, budget, onRefusedReturn);
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
    this.#calls.hold(id, frameCopy(bytes, start, end, refused), route, refused);
  }

  /**
   * Keeps a return.
   *
   * @param isAwaited Whether somebody waits for it. If not, it is thrown away as it comes.
   */
  holdReturn(id: number, bytes: Buffer, start: number, end: number, isAwaited: boolean): void {
    if (this.#returns.size > PendingCalls.capacity)
      throw protocolError("too many answers wait for their segments");
    const refused = isAwaited ? undefined : new AbortError("Nobody waits for this answer");
    this.#returns.hold(id, frameCopy(bytes, start, end, refused), undefined, refused);
  }

  /** Reads the lengths of a frame's segments. Returns the frame if there is nothing to wait for. */
  announce(flags: number, id: number, lengths: ByteReader): IncompleteFrame | undefined {
    return this.#of(flags).announce(id, lengths);
  }

  /** Where the next bytes of a fragment belong. */
  destination(flags: number, id: number): Buffer | undefined {
    return this.#of(flags).destination(id);
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

  /** Forgets all of them. */
  clear(): void {
    this.#calls.clear();
    this.#returns.clear();
  }

  #of(flags: number): IncomingSegments {
    return (flags & fragmentFlag.ofReturn) === 0 ? this.#calls : this.#returns;
  }
}

/**
 * A frame from its kind on, to be sorted again when it is complete. Of a refused one only what is needed to say so.
 */
function frameCopy(bytes: Buffer, start: number, end: number, refused: Error | undefined): Buffer {
  if (end - start > maxHeldBody) {
    throw protocolError(`a frame whose payload follows has ${end - start} bytes of its own`);
  }
  return Buffer.from(bytes.subarray(start - frameHeaderSize + 4, refused === undefined ? end : start));
}
