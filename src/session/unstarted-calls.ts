/**
 * The calls of a peer that were accepted and whose method has not begun: they are in channel sinks, wait for permission,
 * or for their caller to read. They hold their slot, their id and memory, and all three are counted here.
 */
import type { ServedCall } from "./served-call.ts";

/** What a binary costs beside its bytes: the object that stands for it. */
const binaryOverhead = 256;

/** A table of calls. */
export class UnstartedCalls {
  readonly #calls = new Map<ServedCall, number>();
  readonly #byId = new Map<number, ServedCall>();
  #bytes = 0;

  get size(): number {
    return this.#calls.size;
  }

  /** Bytes of arguments that are kept for them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a call that wants an answer has this id. */
  has(id: number): boolean {
    return this.#byId.has(id);
  }

  /** The call with an id, if it wants an answer. */
  get(id: number): ServedCall | undefined {
    return this.#byId.get(id);
  }

  /** Bytes that are kept for all but one. */
  bytesWithout(call: ServedCall): number {
    return this.#bytes - (this.#calls.get(call) ?? 0);
  }

  /** Adds a call with the arguments that are kept for it; if it is here already, these take the place of the earlier. */
  keep(call: ServedCall, body: Uint8Array, attachments: readonly Uint8Array[]): void {
    let bytes = body.length + attachments.length * binaryOverhead;
    for (const attachment of attachments) bytes += attachment.length;
    this.#bytes += bytes - (this.#calls.get(call) ?? 0);
    this.#calls.set(call, bytes);
    if (!call.oneWay) this.#byId.set(call.id, call);
  }

  /** Removes a call: it begins now, or never. */
  remove(call: ServedCall): void {
    this.#bytes -= this.#calls.get(call) ?? 0;
    this.#calls.delete(call);
    if (this.#byId.get(call.id) === call) this.#byId.delete(call.id);
  }

  /** The caller is gone: nobody waits for those that want an answer. One-way calls that are being prepared run. */
  cancelAll(): void {
    for (const call of this.#byId.values()) call.cancel();
  }
}
