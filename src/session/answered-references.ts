/**
 * What answers have counted for the peer, until it is too late for the peer to say that it has not read one: then the
 * references in it are counted back. It says so as soon as it knows, so only the last answers are remembered.
 */
import type { CountedReferences } from "../channels/peer-host.ts";

/**
 * So many references are remembered: as many answers with one each as there may be calls in flight. Who returns one
 * object over and over again keeps no more than these few kilobytes.
 */
const maxRemembered = 1024;

/** The references in the last answers of one session, by the ids of their calls. */
export class AnsweredReferences {
  readonly #answers = new Map<number, CountedReferences>();
  #references = 0;

  /** Remembers what an answer has counted. The newest is kept whatever its size. */
  add(id: number, counted: CountedReferences): void {
    this.take(id);
    this.#answers.set(id, counted);
    this.#references += counted.ids.length;
    if (this.#references <= maxRemembered) return;
    for (const oldest of this.#answers.keys()) {
      if (this.#references <= maxRemembered || oldest === id) return;
      this.take(oldest);
    }
  }

  /** What the answer to a call has counted, if that is remembered. It is forgotten here. */
  take(id: number): CountedReferences | undefined {
    const counted = this.#answers.get(id);
    if (counted === undefined) return undefined;
    this.#answers.delete(id);
    this.#references -= counted.ids.length;
    return counted;
  }
}
