/** Objects with leases, and what happens to them. */
import {
  ClientActivated,
  type Lease,
  type LeaseSettings,
  MarshalByRefObject,
  type Remote,
  type RemotingDomain,
  Singleton,
  type Sponsor,
} from "remoting";
import type { FakeClock } from "../../fake-clock.ts";
import { passGate, record } from "./ledger.ts";

export const minute = 60_000;

/** Lets a client move the time of its server's leases, and look at what it has lent out. Published as `"Timekeeper"`. */
export class Timekeeper extends MarshalByRefObject {
  readonly #clock: FakeClock;
  readonly #disconnected: string[] = [];
  #lent = 0;

  constructor(clock: FakeClock) {
    super();
    this.#clock = clock;
  }

  /** Also where all else expires. */
  override initializeLifetimeService(): null {
    return null;
  }

  /** For the server itself. */
  _watch(domain: RemotingDomain): void {
    domain.on("objectMarshaled", () => this.#lent++);
    domain.on("objectDisconnected", (object) => {
      this.#disconnected.push(object.constructor.name);
    });
  }

  /** Lets so many milliseconds pass, and what begins by that go on for a while. */
  pass(milliseconds: number): Promise<void> {
    return this.#clock.passAndSettle(milliseconds);
  }

  /** The classes of the objects that went, since this was last asked. */
  disconnected(): string[] {
    return this.#disconnected.splice(0);
  }

  /** How often something was lent since this was last asked. */
  lent(): number {
    const lent = this.#lent;
    this.#lent = 0;
    return lent;
  }
}

/** Tells when it goes. */
@ClientActivated("Reservation")
export class Reservation extends MarshalByRefObject {
  readonly #key: string;

  constructor(key: string) {
    super();
    this.#key = key;
  }

  /** Waits for a gate before it exists. */
  static async create(key: string, gate = ""): Promise<Reservation> {
    record("creating", key);
    if (gate !== "") await passGate(gate);
    return new Reservation(key);
  }

  ping(): string {
    return this.#key;
  }

  async hold(gate: string): Promise<string> {
    record("held", this.#key);
    await passGate(gate);
    return this.#key;
  }

  [Symbol.dispose](): void {
    record("disposed", this.#key);
  }
}

/** Decides for itself how long it lives. */
@ClientActivated("Brief")
export class Brief extends MarshalByRefObject {
  override initializeLifetimeService(lease: LeaseSettings): LeaseSettings {
    lease.initialLeaseTime = minute;
    lease.renewOnCallTime = minute / 2;
    return lease;
  }

  ping(): number {
    return 1;
  }
}

@ClientActivated("Everlasting")
export class Everlasting extends MarshalByRefObject {
  override initializeLifetimeService(): null {
    return null;
  }

  ping(): number {
    return 1;
  }
}

let cacheGenerations = 0;

/** A Singleton with a lease: made anew when it has run out. */
@Singleton("Cache")
export class Cache extends MarshalByRefObject {
  readonly #generation = ++cacheGenerations;

  override initializeLifetimeService(): Partial<LeaseSettings> {
    return { initialLeaseTime: minute, renewOnCallTime: minute };
  }

  generation(): number {
    return this.#generation;
  }

  self(): Cache {
    return this;
  }

  async slowly(gate: string): Promise<number> {
    record("slow", gate);
    await passGate(gate);
    return this.#generation;
  }

  [Symbol.dispose](): void {
    record("disposed", `cache-${this.#generation}`);
  }
}

/** Uses what it is passed, and hands out what it has. */
@Singleton("Attic")
export class Attic extends MarshalByRefObject {
  readonly #kept = new Map<string, unknown>();
  readonly #brief = new Brief();

  keep(key: string, value: unknown): void {
    this.#kept.set(key, value);
  }

  forget(key: string): void {
    this.#kept.delete(key);
  }

  /** What is kept; unlike {@link callKept}, whatever it is. */
  kept(key: string): unknown {
    return this.#kept.get(key);
  }

  brief(): Brief {
    return this.#brief;
  }

  /** The same one, with so many bytes beside it. */
  briefWith(size: number): [Brief, Uint8Array] {
    return [this.#brief, new Uint8Array(size)];
  }

  isBrief(value: unknown): boolean {
    return value === this.#brief;
  }

  /** A function, which has a lease as well when it is returned. */
  counter(): () => number {
    let count = 0;
    return () => ++count;
  }

  isSame(first: unknown, second: unknown): boolean {
    return first === second;
  }

  isCache(value: unknown): boolean {
    return value instanceof Cache;
  }

  isAttic(value: unknown): boolean {
    return value === this;
  }

  /** What the sponsors of others look like from here. */
  async registerFor(lease: Remote<Lease>, sponsor: Remote<Sponsor>): Promise<void> {
    await lease.register(sponsor);
  }

  async callAll(...callbacks: ((value: number) => Promise<number>)[]): Promise<number[]> {
    return Promise.all(callbacks.map((callback, index) => callback(index)));
  }

  async callLater(key: string, gate: string, callback: () => Promise<number>): Promise<number> {
    this.#kept.set(key, callback);
    const before = await callback();
    record("called", key);
    await passGate(gate);
    return before + (await callback());
  }

  async callKept(key: string): Promise<unknown> {
    const callback = this.#kept.get(key);
    if (typeof callback !== "function") throw new Error(`nothing is kept as ${key}`);
    return callback();
  }

  generationOf(cache: Remote<Cache>): Promise<number> {
    return cache.generation();
  }

  give(value: unknown): unknown {
    return value;
  }

  fail(_value: unknown): void {
    throw new Error("as asked");
  }
}
