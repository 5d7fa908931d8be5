/** The calls that this side has made and not yet had an answer to. */
import type { CountedReferences } from "../channels/peer-host.ts";
import type { ContextReceiver } from "../messages/logical-data.ts";
import type { MethodCall } from "../messages/method-call.ts";

/** A call under way. Settled exactly once, by whoever removes it from the table. */
export interface PendingCall {
  readonly call: MethodCall;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Takes what comes back in the call context. */
  readonly receiver: ContextReceiver | undefined;
  /** When it times out, on the monotonic clock in milliseconds; `Infinity` for never. */
  deadline: number;
  /** The message in which it left, to tell whether that was handed to the transport; -1 before it was written. */
  batch: number;
  /** Where its frame begins in that message, for as long as it can be withdrawn; else -1. */
  frame: number;
  /** The references among its arguments; `undefined` if there are none. */
  counted: CountedReferences | undefined;
  /** Removes the listener from the call's signal. */
  forgetSignal: (() => void) | undefined;
}

const slotBits = 16;
const slotMask = (1 << slotBits) - 1;
/** Fifteen bits: ids with the highest bit set are those of one-way calls, which wait for nothing. */
const maxGeneration = 0x7fff;

/**
 * A table indexed by id. An id is a slot and a generation: slots are reused at once, so the table stays as
 * small as the calls in flight, and an answer that comes too late never meets another call's.
 */
export class PendingCalls {
  readonly #slots: (PendingCall | undefined)[] = [];
  readonly #generations: number[] = [];
  readonly #free: number[] = [];

  /** How many calls are under way. */
  size = 0;

  /** The most calls that fit. */
  static readonly capacity = slotMask;

  /** Adds a call and returns its id, which is never 0. The caller has checked the capacity. */
  add(pending: PendingCall): number {
    const slot = this.#free.pop() ?? this.#slots.length;
    const generation = ((this.#generations[slot] ?? 0) % maxGeneration) + 1;
    this.#generations[slot] = generation;
    this.#slots[slot] = pending;
    this.size++;
    return (generation << slotBits) | slot;
  }

  /** The call with this id, if it is still under way. */
  get(id: number): PendingCall | undefined {
    const slot = id & slotMask;
    return this.#generations[slot] === id >>> slotBits ? this.#slots[slot] : undefined;
  }

  /** Takes a call out of the table; `undefined` if it is not in it (any more). */
  remove(id: number): PendingCall | undefined {
    const pending = this.get(id);
    if (pending === undefined) return undefined;
    const slot = id & slotMask;
    this.#slots[slot] = undefined;
    this.#free.push(slot);
    this.size--;
    pending.forgetSignal?.();
    return pending;
  }

  /** All calls under way, with their ids. Calls may be removed meanwhile. */
  *entries(): Generator<[id: number, pending: PendingCall]> {
    for (let slot = 0; slot < this.#slots.length; slot++) {
      const pending = this.#slots[slot];
      if (pending !== undefined) yield [((this.#generations[slot] ?? 0) << slotBits) | slot, pending];
    }
  }
}
