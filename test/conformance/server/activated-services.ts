/** Services that tell when their objects are made and disposed of. */
import {
  AccessDeniedError,
  ClientActivated,
  MarshalByRefObject,
  OneWay,
  SingleCall,
  Singleton,
} from "remoting";
import { passGate, record } from "./ledger.ts";

@SingleCall("Visitor")
export class Visitor extends MarshalByRefObject {
  #key = "";
  #visits = 0;

  visit(key: string): number {
    this.#key = key;
    return ++this.#visits;
  }

  /** Its result tells when it is being serialized. */
  observed(key: string): { readonly seen: boolean } {
    this.#key = key;
    return {
      get seen() {
        record("serialized", key);
        return true;
      },
    };
  }

  async later(key: string): Promise<number> {
    this.#key = key;
    record("started", key);
    await passGate(key);
    return 1;
  }

  fail(key: string): void {
    this.#key = key;
    throw new Error("as asked");
  }

  deny(key: string): void {
    this.#key = key;
    throw new AccessDeniedError("as asked");
  }

  unserializable(key: string): unknown {
    this.#key = key;
    return Symbol("unserializable");
  }

  @OneWay()
  leave(key: string): void {
    this.#key = key;
  }

  [Symbol.dispose](): void {
    record("disposed", this.#key);
  }
}

@SingleCall("AsyncVisitor")
export class AsyncVisitor extends MarshalByRefObject {
  #key = "";

  static async create(): Promise<AsyncVisitor> {
    return new AsyncVisitor();
  }

  visit(key: string): string {
    this.#key = key;
    return "visited";
  }

  /** Preferred to the synchronous one. */
  async [Symbol.asyncDispose](): Promise<void> {
    record("disposed asynchronously", this.#key);
  }

  [Symbol.dispose](): void {
    record("disposed", this.#key);
  }
}

@SingleCall("UntidyVisitor")
export class UntidyVisitor extends MarshalByRefObject {
  visit(): string {
    return "visited";
  }

  [Symbol.dispose](): void {
    throw new Error("dispose failed");
  }
}

let identities = 0;

@Singleton("Tally")
export class Tally extends MarshalByRefObject {
  readonly #identity = ++identities;
  #value = 0;

  identity(): number {
    return this.#identity;
  }

  add(by = 1): number {
    this.#value += by;
    return this.#value;
  }
}

@Singleton("SlowTally")
export class SlowTally extends MarshalByRefObject {
  readonly #identity = ++identities;

  static async create(): Promise<SlowTally> {
    record("creating", "SlowTally");
    await passGate("SlowTally");
    return new SlowTally();
  }

  identity(): number {
    return this.#identity;
  }
}

let fragileAttempts = 0;

@Singleton("FragileTally")
export class FragileTally extends MarshalByRefObject {
  constructor() {
    super();
    if (++fragileAttempts === 1) throw new Error("not yet");
  }

  attempts(): number {
    return fragileAttempts;
  }
}

let fragileSlowAttempts = 0;

@Singleton("FragileSlowTally")
export class FragileSlowTally extends MarshalByRefObject {
  static async create(): Promise<FragileSlowTally> {
    if (++fragileSlowAttempts === 1) throw new RangeError("not yet");
    return new FragileSlowTally();
  }

  attempts(): number {
    return fragileSlowAttempts;
  }
}

@ClientActivated()
export class Cart extends MarshalByRefObject {
  readonly #items: string[] = [];
  readonly #owner: string;

  constructor(owner: string, ...items: string[]) {
    super();
    if (owner === "") throw new RangeError("a cart needs an owner");
    this.#owner = owner;
    this.#items.push(...items);
    record("created", owner);
  }

  owner(): string {
    return this.#owner;
  }

  add(item: string): string[] {
    this.#items.push(item);
    return this.#items;
  }

  self(): Cart {
    return this;
  }

  [Symbol.dispose](): void {
    record("disposed", this.#owner);
  }
}

@ClientActivated("office.Workbook")
export class Workbook extends MarshalByRefObject {
  readonly #title: string;

  constructor(title: string) {
    super();
    this.#title = title;
  }

  static async create(title: string, open: (title: string) => Promise<string>): Promise<Workbook> {
    return new Workbook(await open(title));
  }

  title(): string {
    return this.#title;
  }
}
