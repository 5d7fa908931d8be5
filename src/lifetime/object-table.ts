/**
 * The by-reference objects that this domain has lent out: who holds them, and how long they stay.
 *
 * An argument (a callback, say) belongs to the conversation in which it was passed and can be used in no
 * other. A result can be used by whoever knows its id, 128 random bits, so that it survives a lost
 * connection. It has a lease, which a conversation that holds it keeps from running.
 */
import type { CallTarget } from "../channels/call-dispatcher.ts";
import type { AccessRule } from "../contract/authorize.ts";
import type { LeaseSettings } from "../contract/lease-settings.ts";
import { LimitExceededError } from "../errors.ts";
import { createObjectId } from "./object-id.ts";
import type { LeaseOwner, ObjectLease } from "./object-lease.ts";
import type { ObjectUse } from "./object-use.ts";

/** Whoever can hold references: one conversation. */
export type Holder = object;

/** How a call's method name is found in an object. */
export type TargetLookup = (method: string) => CallTarget | undefined;

/** What has to be known of an object to lend it out. */
export interface ObjectDescription {
  /** The contract's name; `undefined` for a function. */
  readonly typeName: string | undefined;
  readonly targetOf: TargetLookup;
  /** What its methods demand of callers: whoever meets all of it may do everything with it. */
  readonly rules: readonly AccessRule[];
  /** The calls under way to it. */
  readonly use: ObjectUse;
}

/** An object that was lent out. */
export interface LentObject extends ObjectDescription {
  readonly id: string;
  readonly object: object;
}

/** Why an object is lent. */
export interface Loan {
  readonly holder: Holder;
  /** Whether others may use it too, who know its id: what was returned, as opposed to what was passed. */
  readonly shared: boolean;
  /** How many shared objects the holder may have. */
  readonly maxShared: number;
  readonly describe: (object: object) => ObjectDescription;
}

/** What decides how long objects live. */
export interface ObjectLifetimes {
  /** Whether objects that were passed as arguments have leases too, as in .NET. */
  readonly leasesArguments: boolean;
  /** The lease times of an object; `null` if time is not to end it. Asked once for each time that it is lent anew. */
  settingsOf(object: object): Readonly<LeaseSettings> | null;
  /** Whether an object has a lease already, by another way. */
  hasLease(object: object): boolean;
  /** The lease of an object, which begins with the first to ask. */
  leaseOf(object: object, settings: Readonly<LeaseSettings>): ObjectLease;
  /** Told of each object that can no longer be reached. */
  disconnected(object: object): void;
}

/** What one holder has of one object. */
interface Holding {
  count: number;
  /** Whether it is one of those that count against the holder's limit. */
  shared: boolean;
}

interface Holdings {
  readonly ids: Set<string>;
  shared: number;
}

class Entry implements LentObject, LeaseOwner {
  readonly id = createObjectId();
  readonly object: object;
  readonly typeName: string | undefined;
  readonly targetOf: TargetLookup;
  readonly rules: readonly AccessRule[];
  readonly use: ObjectUse;
  readonly holders = new Map<Holder, Holding>();
  /** Whether others than its holders may use it. */
  shared = false;
  /** Whether it stays although nobody holds it. */
  published = false;
  /** `undefined` as long as it is only an argument. */
  settings: Readonly<LeaseSettings> | null | undefined;
  /** Made when it is first needed: what is held for as long as it is used needs none. */
  lease: ObjectLease | undefined;
  readonly #remove: (entry: Entry) => void;

  constructor(
    object: object,
    { typeName, targetOf, rules, use }: ObjectDescription,
    remove: (entry: Entry) => void,
  ) {
    this.object = object;
    this.typeName = typeName;
    this.targetOf = targetOf;
    this.rules = rules;
    this.use = use;
    this.#remove = remove;
  }

  expired(): void {
    this.#remove(this);
  }
}

/** See the head of this file. */
export class ObjectTable {
  readonly #byId = new Map<string, Entry>();
  readonly #byObject = new Map<object, Entry>();
  readonly #holdings = new Map<Holder, Holdings>();
  readonly #onGone = new WeakMap<object, () => void>();
  readonly #lifetimes: ObjectLifetimes;
  readonly #maxObjects: number;
  readonly #remove = (entry: Entry) => this.#removeEntry(entry);

  /** @param maxObjects How many objects may be lent out at a time. */
  constructor(lifetimes: ObjectLifetimes, maxObjects: number) {
    this.#lifetimes = lifetimes;
    this.#maxObjects = maxObjects;
  }

  /** How many objects are lent out. */
  get size(): number {
    return this.#byId.size;
  }

  /** Asks to be told when an object that will be lent out is no longer reachable. */
  whenGone(object: object, onGone: () => void): void {
    this.#onGone.set(object, onGone);
  }

  /**
   * Lends an object to a holder, once more if it has it already.
   *
   * @throws LimitExceededError if that is one too many.
   */
  lend(object: object, { holder, shared, maxShared, describe }: Loan): LentObject {
    const holdings = this.#holdings.get(holder);
    if (shared && holdings !== undefined && holdings.shared >= maxShared) {
      this.#checkShare(object, holder, maxShared);
    }
    const entry = this.#entryOf(object, describe);
    const holding = entry.holders.get(holder);
    if (holding === undefined) {
      entry.holders.set(holder, { count: 1, shared });
      this.#note(holder, holdings, entry.id, shared);
    } else {
      holding.count++;
      if (shared && !holding.shared) {
        holding.shared = true;
        if (holdings !== undefined) holdings.shared++;
      }
    }
    if (holding === undefined) entry.lease?.hold();
    if (shared || this.#lifetimes.leasesArguments) this.#grant(entry, shared);
    return entry;
  }

  #checkShare(object: object, holder: Holder, maxShared: number): void {
    if (this.#byObject.get(object)?.holders.get(holder)?.shared === true) return;
    throw new LimitExceededError(
      "maxReferencesLent",
      `The peer holds ${maxShared} objects of this domain: it must let go of some first, or maxReferencesLent be raised`,
    );
  }

  #note(holder: Holder, known: Holdings | undefined, id: string, shared: boolean): void {
    const holdings = known ?? { ids: new Set(), shared: 0 };
    if (known === undefined) this.#holdings.set(holder, holdings);
    holdings.ids.add(id);
    if (shared) holdings.shared++;
  }

  /** Makes an object subject to a lease, if it was not before. */
  #grant(entry: Entry, shared: boolean): void {
    if (shared) entry.shared = true;
    // A function that is passed is no remote object in .NET, and has no lease there either.
    if (entry.settings === undefined && (shared || typeof entry.object !== "function")) {
      entry.settings = this.#lifetimes.settingsOf(entry.object);
      // A Singleton that returns itself: whoever holds it keeps its lease from running.
      if (entry.settings && this.#lifetimes.hasLease(entry.object)) this.#begin(entry, entry.settings);
    }
    if (this.#lifetimes.leasesArguments && entry.settings)
      this.#begin(entry, entry.settings).renewOnMarshal();
  }

  /** The lease of an entry, made if need be. */
  #begin(entry: Entry, settings: Readonly<LeaseSettings>): ObjectLease {
    if (entry.lease === undefined) {
      const lease = this.#lifetimes.leaseOf(entry.object, settings);
      lease.addOwner(entry);
      for (let held = 0; held < entry.holders.size; held++) lease.hold();
      entry.lease = lease;
    }
    return entry.lease;
  }

  /**
   * Makes an object reachable for whoever knows its id, until {@link disconnect}.
   *
   * @param settings Its lease, or `null`: time does not end it.
   */
  publish(
    object: object,
    describe: (object: object) => ObjectDescription,
    settings: Readonly<LeaseSettings> | null,
  ): LentObject {
    const entry = this.#entryOf(object, describe);
    entry.shared = true;
    entry.published = true;
    if (settings === null) {
      entry.settings = null;
      entry.lease?.removeOwner(entry);
      entry.lease = undefined;
    } else {
      entry.settings = settings;
      this.#begin(entry, settings).renewOnMarshal();
    }
    return entry;
  }

  #entryOf(object: object, describe: (object: object) => ObjectDescription): Entry {
    let entry = this.#byObject.get(object);
    if (entry === undefined) {
      if (this.#byId.size >= this.#maxObjects) {
        throw new LimitExceededError(
          "maxObjects",
          `This domain has ${this.#maxObjects} objects lent out, as many as it may (maxObjects)`,
        );
      }
      entry = new Entry(object, describe(object), this.#remove);
      this.#byId.set(entry.id, entry);
      this.#byObject.set(object, entry);
    }
    return entry;
  }

  /** The object with an id, if this holder may use it, for a call. Unknown, gone and foreign ids get the same answer. */
  find(id: string, holder: Holder): LentObject | undefined {
    const entry = this.#byId.get(id);
    if (entry === undefined || !(entry.shared || entry.holders.has(holder))) return undefined;
    entry.lease?.renewOnCall();
    return entry;
  }

  /** The lease of an object that is lent out; `undefined` if time does not end it. */
  leaseOf(lent: LentObject): ObjectLease | undefined {
    const entry = this.#byId.get(lent.id);
    return entry?.settings ? this.#begin(entry, entry.settings) : undefined;
  }

  /** An object that is lent out, by itself. */
  lentObject(object: object): LentObject | undefined {
    return this.#byObject.get(object);
  }

  /** An object was made to be lent, and nobody got it: whoever asked to be told when it is gone is told. */
  abandon(object: object): void {
    if (!this.#byObject.has(object)) this.#tellGone(object);
  }

  /** The id of an object that is lent out. */
  idOf(object: object): string | undefined {
    return this.#byObject.get(object)?.id;
  }

  /** A holder has `count` references less. */
  release(id: string, holder: Holder, count: number): void {
    const entry = this.#byId.get(id);
    const holding = entry?.holders.get(holder);
    if (entry === undefined || holding === undefined) return;
    if (holding.count > count) {
      holding.count -= count;
      return;
    }
    entry.holders.delete(holder);
    this.#forget(entry, holder, holding);
    entry.lease?.unhold();
    if (entry.holders.size === 0 && !entry.published) this.#removeEntry(entry);
  }

  #forget({ id }: Entry, holder: Holder, { shared }: Holding): void {
    const holdings = this.#holdings.get(holder);
    if (holdings === undefined) return;
    holdings.ids.delete(id);
    if (shared) holdings.shared--;
    if (holdings.ids.size === 0) this.#holdings.delete(holder);
  }

  /** Whether a holder has any references. */
  isHolder(holder: Holder): boolean {
    return this.#holdings.has(holder);
  }

  /** A holder is gone without having released what it held. */
  lose(holder: Holder): void {
    const holdings = this.#holdings.get(holder);
    this.#holdings.delete(holder);
    for (const id of holdings?.ids ?? []) {
      const entry = this.#byId.get(id);
      if (entry === undefined || !entry.holders.delete(holder)) continue;
      if (entry.holders.size === 0 && !entry.shared) this.#removeEntry(entry);
      else if (entry.lease !== undefined) entry.lease.unhold();
      // Nobody is left to keep it: from now on it needs a lease.
      else if (entry.holders.size === 0 && entry.settings) this.#begin(entry, entry.settings);
    }
  }

  /** Makes an object unreachable, whoever holds it. Returns whether it was reachable. */
  disconnect(object: object): boolean {
    const entry = this.#byObject.get(object);
    if (entry === undefined) return false;
    this.#removeEntry(entry);
    return true;
  }

  /** Makes everything unreachable. */
  clear(): void {
    for (const entry of [...this.#byId.values()]) this.#removeEntry(entry);
    this.#holdings.clear();
  }

  #removeEntry(entry: Entry): void {
    if (!this.#byId.delete(entry.id)) return;
    this.#byObject.delete(entry.object);
    for (const [holder, holding] of entry.holders) this.#forget(entry, holder, holding);
    for (let held = 0; held < entry.holders.size; held++) entry.lease?.unhold();
    entry.lease?.removeOwner(entry);
    this.#lifetimes.disconnected(entry.object);
    this.#tellGone(entry.object);
  }

  #tellGone(object: object): void {
    const onGone = this.#onGone.get(object);
    this.#onGone.delete(object);
    onGone?.();
  }
}
