/** What the server of the fault tests offers. It runs in a process of its own, see `programs/server.ts`. */

import { writeSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import {
  ClientActivated,
  MarshalByRefObject,
  type Remote,
  type RemotingDomain,
  RemotingError,
  Serializable,
  SingleCall,
  Singleton,
} from "remoting";

/** The memory and the surroundings of the server's process, for tests that attack it. */
export interface Vitals {
  /** Bytes in use after a garbage collection: the heap and everything outside it. */
  readonly usedBytes: number;
  /** The most memory that the process ever had. */
  readonly peakBytes: number;
  /** Changes if anything was added to, removed from or replaced in the built-in prototypes. */
  readonly prototypes: string;
  /** How many errors the domain reported that no call could. */
  readonly unobservedErrors: number;
  /** How many connections it has. */
  readonly connections: number;
}

/** Given by the program that serves. */
export interface ServerSurroundings {
  /** A file descriptor to which calls are appended before they do anything. */
  journal: number;
  /** Told when a method that waits has begun. */
  onStarted: (id: number) => void;
  unobservedErrors: number;
  connections: number;
  /** The domain that serves. */
  domain: RemotingDomain | undefined;
}

export const surroundings: ServerSurroundings = {
  journal: -1,
  onStarted: () => {},
  unobservedErrors: 0,
  connections: 0,
  domain: undefined,
};

/** Opens the journal. Appending is atomic, and what was written survives the process. */
export function openJournal(path: string): Promise<FileHandle> {
  return open(path, "a");
}

/** Appends to the journal. */
export function record(id: number): void {
  writeSync(surroundings.journal, `${id}\n`);
}

@Serializable("fault.Point")
export class Point {
  constructor(
    public x = 0,
    public y = 0,
  ) {}
}

/** A child that is returned by reference. */
export class Child extends MarshalByRefObject {
  ping(): string {
    return "child";
  }
}

@ClientActivated()
export class Cart extends MarshalByRefObject {
  constructor(readonly owner: string) {
    super();
  }

  getOwner(): string {
    return this.owner;
  }
}

@SingleCall("Adder")
export class Adder extends MarshalByRefObject {
  add(a: number, b: number): number {
    return a + b;
  }
}

@Singleton("Target")
export class Target extends MarshalByRefObject {
  readonly #kept: unknown[] = [];
  readonly #gates = new Map<number, () => void>();
  #aborted = 0;

  echo(value: unknown): unknown {
    return value;
  }

  /** Appends to the journal, then answers. */
  journaled(id: number): number {
    record(id);
    return id;
  }

  /** Appends to the journal and answers a turn later: time enough to be killed between the two. */
  async journaledLater(id: number): Promise<number> {
    record(id);
    await new Promise(setImmediate);
    return id;
  }

  /** Appends to the journal, then never answers by itself; see {@link release}. */
  block(id: number, signal?: AbortSignal): Promise<number> {
    record(id);
    signal?.addEventListener("abort", () => void this.#aborted++);
    const released = new Promise<number>((resolve) => {
      this.#gates.set(id, () => resolve(id));
    });
    surroundings.onStarted(id);
    return released;
  }

  /** Lets a blocked call answer. */
  release(id: number): void {
    this.#gates.get(id)?.();
    this.#gates.delete(id);
  }

  /** Lets a blocked call answer in a while, and answers itself when it has. */
  async releaseLater(id: number, milliseconds: number): Promise<void> {
    await this.wait(milliseconds);
    this.release(id);
  }

  /** How many signals of blocked calls were aborted. */
  abortedCount(): number {
    return this.#aborted;
  }

  /** Answers after a time in which nothing is sent. */
  wait(milliseconds: number): Promise<string> {
    return new Promise((resolve) => setTimeout(resolve, milliseconds, "waited"));
  }

  /** Journals, calls back, and answers with what the callback said. */
  async callBack(id: number, callback: (value: Point) => Promise<unknown>): Promise<unknown> {
    record(id);
    return await callback(new Point(id, -id));
  }

  /** Lends a function, one of its own, to a function of the caller's. */
  lendTo(receiver: (lent: () => string) => Promise<unknown>): void {
    const lent = () => "lent";
    void receiver(lent);
  }

  /** Keeps a function so that it can be called later. */
  keep(callback: () => Promise<unknown>): void {
    this.#kept.push(callback);
  }

  async callKept(): Promise<number> {
    for (const callback of this.#kept) if (typeof callback === "function") await callback();
    return this.#kept.length;
  }

  child(): Child {
    return new Child();
  }

  produce(length: number): Uint8Array {
    return new Uint8Array(length).fill(7);
  }

  sum(bytes: Uint8Array): number {
    let total = 0;
    for (const byte of bytes) total += byte;
    return total;
  }

  sumOf(...values: number[]): number {
    return values.reduce((total, value) => total + value, 0);
  }

  fail(message: string): never {
    throw new RangeError(message);
  }

  /** What a value inherits, to see whether a payload can give it a prototype of its own. */
  inherits(value: object, name: string): boolean {
    return name in value && !Object.hasOwn(value, name);
  }

  vitals(): Vitals {
    (globalThis as { gc?: () => void }).gc?.();
    const { heapUsed, external } = process.memoryUsage();
    return {
      usedBytes: heapUsed + external,
      peakBytes: process.resourceUsage().maxRSS * 1024,
      prototypes: fingerprintPrototypes(),
      unobservedErrors: surroundings.unobservedErrors,
      connections: surroundings.connections,
    };
  }
}

/** How the server sees a proxy, so that types of the tests need not repeat it. */
export type RemoteTarget = Remote<Target>;

const watched: readonly (readonly [name: string, object: object])[] = [
  ["Object", Object.prototype],
  ["Array", Array.prototype],
  ["Function", Function.prototype],
  ["Promise", Promise.prototype],
  ["Map", Map.prototype],
  ["Set", Set.prototype],
  ["String", String.prototype],
  ["Number", Number.prototype],
  ["Error", Error.prototype],
  ["Date", Date.prototype],
  ["Uint8Array", Uint8Array.prototype],
  ["Buffer", Buffer.prototype],
  ["RemotingError", RemotingError.prototype],
  ["MarshalByRefObject", MarshalByRefObject.prototype],
  ["Point", Point.prototype],
];

const identities = new WeakMap<object, number>();
let lastIdentity = 0;

/** A number that an object or function has for life, so that a replaced one can be told. */
function identityOf(value: unknown): string {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return String(value);
  let identity = identities.get(value);
  if (identity === undefined) {
    identity = ++lastIdentity;
    identities.set(value, identity);
  }
  return `#${identity}`;
}

/** Everything that the built-in prototypes have, in a form that can be compared. */
export function fingerprintPrototypes(): string {
  return watched
    .map(([name, object]) => {
      const members = Reflect.ownKeys(object).map((key) => {
        const { value, get, set } = Object.getOwnPropertyDescriptor(object, key) ?? {};
        return `${String(key)}=${[value, get, set].map(identityOf).join()}`;
      });
      return `${name}<${identityOf(Object.getPrototypeOf(object))}:${members.join(" ")}`;
    })
    .join("\n");
}
