/**
 * The by-reference objects that this domain has lent out: who holds them, and for how long they stay when
 * nobody does.
 *
 * An argument (a callback, say) belongs to the conversation in which it was passed and can be used in no
 * other. A result can be used by whoever knows its id, 128 random bits, so that it survives a lost
 * connection: it stays for {@link orphanTime} after its last holder was lost, and is renewed by calls.
 */
import { randomFillSync } from "node:crypto";
import type { CallTarget } from "../channels/call-dispatcher.ts";

/** How long an object stays that was returned, after the connection of its last holder was lost: .NET's initial lease. */
const orphanTime = 5 * 60_000;

/** How long it stays at least after a call. */
const renewOnCallTime = 2 * 60_000;

/** How often orphans are looked for. */
const pollTime = 10_000;

/** Whoever can hold references: one conversation. */
export type Holder = object;

/** How a call's method name is found in an object. */
export type TargetLookup = (method: string) => CallTarget | undefined;

/** An object that was lent out. */
export interface LentObject {
  readonly id: string;
  readonly object: object;
  /** The contract's name; `undefined` for a function. */
  readonly typeName: string | undefined;
  readonly targetOf: TargetLookup;
}

interface Entry extends LentObject {
  readonly holders: Map<Holder, number>;
  /** Whether others than its holders may use it. */
  leased: boolean;
  /** Whether it stays until it is disconnected. */
  permanent: boolean;
  /** When it goes, if nobody holds it. */
  expires: number;
  /** Called when it is no longer reachable. */
  readonly onGone: (() => void) | undefined;
}

/** What has to be known of an object to lend it out. */
export interface ObjectDescription {
  readonly typeName: string | undefined;
  readonly targetOf: TargetLookup;
}

/** See the head of this file. */
export class ObjectTable {
  readonly #byId = new Map<string, Entry>();
  readonly #byObject = new Map<object, Entry>();
  readonly #idsByHolder = new Map<Holder, Set<string>>();
  readonly #onGone = new WeakMap<object, () => void>();
  readonly #clock: () => number;
  #timer: NodeJS.Timeout | undefined;

  /** @param clock Monotonic milliseconds. */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** How many objects are lent out. */
  get size(): number {
    return this.#byId.size;
  }

  /** Asks to be told when an object that will be lent out is no longer reachable. */
  whenGone(object: object, onGone: () => void): void {
    this.#onGone.set(object, onGone);
  }

  /** Lends an object to a holder, once more if it has it already. */
  lend(
    object: object,
    holder: Holder,
    leased: boolean,
    describe: (object: object) => ObjectDescription,
  ): LentObject {
    const entry = this.#entryOf(object, describe);
    entry.holders.set(holder, (entry.holders.get(holder) ?? 0) + 1);
    if (leased) entry.leased = true;
    let ids = this.#idsByHolder.get(holder);
    if (ids === undefined) {
      ids = new Set();
      this.#idsByHolder.set(holder, ids);
    }
    ids.add(entry.id);
    return entry;
  }

  /** Makes an object reachable for whoever knows its id, until {@link disconnect}. */
  publish(object: object, describe: (object: object) => ObjectDescription): LentObject {
    const entry = this.#entryOf(object, describe);
    entry.leased = true;
    entry.permanent = true;
    return entry;
  }

  #entryOf(object: object, describe: (object: object) => ObjectDescription): Entry {
    let entry = this.#byObject.get(object);
    if (entry === undefined) {
      entry = {
        id: createObjectId(),
        object,
        ...describe(object),
        holders: new Map(),
        leased: false,
        permanent: false,
        expires: 0,
        onGone: this.#onGone.get(object),
      };
      this.#byId.set(entry.id, entry);
      this.#byObject.set(object, entry);
    }
    return entry;
  }

  /** The object with an id, if this holder may use it. Unknown, gone and foreign ids get the same answer. */
  find(id: string, holder: Holder): LentObject | undefined {
    const entry = this.#byId.get(id);
    if (entry === undefined || !(entry.leased || entry.holders.has(holder))) return undefined;
    if (entry.holders.size === 0) entry.expires = Math.max(entry.expires, this.#clock() + renewOnCallTime);
    return entry;
  }

  /** The id of an object that is lent out. */
  idOf(object: object): string | undefined {
    return this.#byObject.get(object)?.id;
  }

  /** A holder has `count` references less. */
  release(id: string, holder: Holder, count: number): void {
    const entry = this.#byId.get(id);
    const held = entry?.holders.get(holder);
    if (entry === undefined || held === undefined) return;
    if (held > count) {
      entry.holders.set(holder, held - count);
      return;
    }
    entry.holders.delete(holder);
    const ids = this.#idsByHolder.get(holder);
    ids?.delete(id);
    if (ids?.size === 0) this.#idsByHolder.delete(holder);
    if (entry.holders.size === 0 && !entry.permanent) this.#remove(entry);
  }

  /** Whether a holder has any references. */
  isHolder(holder: Holder): boolean {
    return this.#idsByHolder.has(holder);
  }

  /** A holder is gone without having released what it held. */
  lose(holder: Holder): void {
    const ids = this.#idsByHolder.get(holder);
    this.#idsByHolder.delete(holder);
    for (const id of ids ?? []) {
      const entry = this.#byId.get(id);
      if (entry === undefined) continue;
      entry.holders.delete(holder);
      if (entry.holders.size > 0 || entry.permanent) continue;
      if (entry.leased) this.#orphan(entry);
      else this.#remove(entry);
    }
  }

  #orphan(entry: Entry): void {
    entry.expires = this.#clock() + orphanTime;
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => this.sweep(), pollTime);
      this.#timer.unref();
    }
  }

  /** Removes the orphans whose time is over. */
  sweep(): void {
    const now = this.#clock();
    let orphans = 0;
    for (const entry of this.#byId.values()) {
      if (entry.holders.size > 0 || entry.permanent) continue;
      if (entry.expires <= now) this.#remove(entry);
      else orphans++;
    }
    if (orphans === 0) this.#stop();
  }

  /** Makes an object unreachable, whoever holds it. Returns whether it was reachable. */
  disconnect(object: object): boolean {
    const entry = this.#byObject.get(object);
    if (entry === undefined) return false;
    for (const holder of entry.holders.keys()) {
      const ids = this.#idsByHolder.get(holder);
      ids?.delete(entry.id);
      if (ids?.size === 0) this.#idsByHolder.delete(holder);
    }
    this.#remove(entry);
    return true;
  }

  /** Makes everything unreachable. */
  clear(): void {
    this.#stop();
    for (const entry of [...this.#byId.values()]) this.#remove(entry);
    this.#idsByHolder.clear();
  }

  #remove(entry: Entry): void {
    this.#byId.delete(entry.id);
    this.#byObject.delete(entry.object);
    entry.onGone?.();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

const idBytes = 16;
const randomPool = Buffer.alloc(idBytes * 256);
let randomUsed = randomPool.length;

/** 128 random bits. Drawn in bulk: one draw for each would cost more than all the rest of lending out. */
function createObjectId(): string {
  if (randomUsed === randomPool.length) {
    randomFillSync(randomPool);
    randomUsed = 0;
  }
  const id = randomPool.toString("base64url", randomUsed, randomUsed + idBytes);
  randomPool.fill(0, randomUsed, randomUsed + idBytes);
  randomUsed += idBytes;
  return `~${id}`;
}
