/** Classes and values that both sides know: what travels by value, and what must be refused. */
import { Serializable } from "remoting";

@Serializable()
export class Point {
  constructor(
    public x = 0,
    public y = 0,
  ) {}

  get length(): number {
    return Math.hypot(this.x, this.y);
  }
}

@Serializable("shapes.Line")
export class Line {
  constructor(
    readonly from: Point,
    readonly to: Point,
    readonly tags: ReadonlyMap<string, Point> = new Map(),
  ) {}
}

/** Has private state, so it says itself how it travels, and checks what it is made of. */
@Serializable({
  serialize: (money: Money) => money.toString(),
  deserialize: (text) => Money.parse(text),
})
export class Money {
  readonly #cents: bigint;

  constructor(cents: bigint) {
    this.#cents = cents;
  }

  static parse(text: string): Money {
    if (!/^\d+ cents$/.test(text)) throw new RangeError(`"${text}" is no amount`);
    return new Money(BigInt(text.slice(0, -" cents".length)));
  }

  toString(): string {
    return `${this.#cents} cents`;
  }
}

/** Does something of its own while it is being serialized. */
@Serializable({
  serialize: (talkative: Talkative) => {
    talkative.onSerialize();
    return talkative.text;
  },
  deserialize: (text) => new Talkative(text, () => {}),
})
export class Talkative {
  constructor(
    readonly text: string,
    readonly onSerialize: () => void,
  ) {}
}

@Serializable()
export class QuotaError extends Error {
  constructor(readonly quota: number) {
    super(`The quota of ${quota} is used up`, { cause: new Point(quota, 0) });
  }

  isUsedUp(): boolean {
    return this.quota > 0;
  }
}

/** Names itself, as most error classes do. */
@Serializable()
export class NamedError extends Error {
  override name = "NamedError";
}

/** Not `@Serializable`. */
export class Unmarked {
  readonly field = 1;
}

/** An error of no registered class, with what errors have beside a message. */
export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly code = "ERR_STORAGE";
  readonly attempts = 3;
}

/** Arrays in arrays, `levels` deep. */
export function nest(levels: number, innermost: unknown = "innermost"): unknown {
  let value = innermost;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

/** What may not travel: how to make it, where in it the culprit is, and what the message says. */
export interface RefusedValue {
  make(): unknown;
  /** From the value itself on. `levels` is how deep it may nest where it stands. */
  path(levels: number): string;
  readonly message: RegExp;
}

function cycle(): unknown {
  const owner: { name: string; children: unknown[] } = { name: "owner", children: [] };
  owner.children.push({ owner });
  return owner;
}

function mapInItself(): unknown {
  const map = new Map<string, unknown>();
  map.set("self", map);
  return map;
}

export const refusedValues: Readonly<Record<string, RefusedValue>> = {
  symbol: {
    make: () => ({ a: [1, Symbol("nothing")] }),
    path: () => ".a[1]",
    message: /is a symbol/,
  },
  "class instance": {
    make: () => ({ owner: { socket: new Unmarked() } }),
    path: () => ".owner.socket",
    message: /instance of Unmarked.*@Serializable\(\).*MarshalByRefObject/,
  },
  "regular expression": { make: () => [/x/], path: () => "[0]", message: /a RegExp.* cannot travel/ },
  "subclass of Map": {
    make: () => ({ "a key": new (class Registry extends Map {})() }),
    path: () => '["a key"]',
    message: /instance of Registry/,
  },
  promise: { make: () => ({ later: Promise.resolve(1) }), path: () => ".later", message: /is a promise/ },
  "symbol in a Set": {
    make: () => new Set([1, Symbol.iterator]),
    path: () => ".values()[1]",
    message: /symbol/,
  },
  "symbol in a Map": {
    make: () => new Map<unknown, unknown>([["a", new Map([[1, Symbol.iterator]])]]),
    path: () => '.get("a").values()[0]',
    message: /symbol/,
  },
  "symbol as a Map's key": {
    make: () => new Map([[Symbol.iterator, 1]]),
    path: () => ".keys()[0]",
    message: /symbol/,
  },
  cycle: { make: cycle, path: () => ".children[0].owner", message: /cycle/ },
  "Map in itself": { make: mapInItself, path: () => '.get("self")', message: /cycle/ },
  "too deep": {
    make: () => nest(70),
    path: (levels) => "[0]".repeat(levels),
    message: /nested deeper than 64/,
  },
  "key __proto__": {
    make: () => ({ a: JSON.parse('{ "__proto__": 1 }') as unknown }),
    path: () => ".a",
    message: /"__proto__"/,
  },
};
