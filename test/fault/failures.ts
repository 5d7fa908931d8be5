/** Everything that a method can do wrong: what it throws, what it returns, and what its class does around it. */
import {
  AccessDeniedError,
  ClientActivated,
  MarshalByRefObject,
  OneWay,
  SingleCall,
  Singleton,
} from "remoting";

class Refused extends Error {
  override readonly name = "Refused";
}

class Handle {
  readonly descriptor = 3;
}

function errorWith(properties: PropertyDescriptorMap): Error {
  return Object.defineProperties(new Error("with properties"), properties);
}

function throwing(thrown: unknown): PropertyDescriptor {
  return {
    enumerable: true,
    get: () => {
      throw thrown;
    },
  };
}

const cyclic = new Error("cyclic");
cyclic.cause = cyclic;

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const hostileTraps: ProxyHandler<object> = {
  get: () => {
    throw Object.create(null);
  },
  has: () => {
    throw new Error("has");
  },
  ownKeys: () => {
    throw new Error("ownKeys");
  },
  getPrototypeOf: () => {
    throw new Error("getPrototypeOf");
  },
};

/** What is thrown, by name. */
export const thrownThings: Readonly<Record<string, () => unknown>> = {
  "an error": () => new RangeError("out of range"),
  "an error of a class of its own": () => new Refused("refused"),
  "a frozen error": () => Object.freeze(new Error("frozen")),
  "an error without a message": () => new Error(),
  "an error with a cause": () => new Error("outer", { cause: new TypeError("inner") }),
  "an error that is its own cause": () => cyclic,
  "an aggregate": () => new AggregateError([new Error("one"), "two"], "both"),
  "an error with a function": () => errorWith({ retry: { enumerable: true, value: () => {} } }),
  "an error with what cannot travel": () => errorWith({ handle: { enumerable: true, value: new Handle() } }),
  "an error with a symbol": () => errorWith({ tag: { enumerable: true, value: Symbol("tag") } }),
  "an error whose property throws": () => errorWith({ detail: throwing(new Error("getter")) }),
  "an error whose property throws what is no error": () =>
    errorWith({ detail: throwing(Object.create(null)) }),
  "an error whose message throws": () => errorWith({ message: throwing(new Error("message")) }),
  "an error whose name is no string": () => errorWith({ name: { value: Symbol("name") } }),
  "an error whose message is no string": () => errorWith({ message: { value: { text: "object" } } }),
  "an error with a message of 20 MiB": () => new Error("m".repeat(20 * 1024 * 1024)),
  undefined: () => undefined,
  null: () => null,
  "a string": () => "text",
  "a number": () => Number.NaN,
  "a bigint": () => 2n ** 80n,
  "a symbol": () => Symbol("thrown"),
  "an object": () => ({ reason: "object" }),
  "an object without a prototype": () => Object.create(null),
  "an object that cannot travel": () => new Handle(),
  "a function": () => () => "called",
  "a promise": () => Promise.resolve("a promise"),
  "a refusal with a message of 1 MiB": () => new AccessDeniedError("m".repeat(1024 * 1024)),
  "a refusal whose message throws": () =>
    Object.defineProperty(new AccessDeniedError(""), "message", throwing(1)),
  "a revoked proxy": revoked,
  "a proxy whose traps throw": () => new Proxy({}, hostileTraps),
  "an error behind a proxy whose traps throw": () => new Proxy(new Error("behind"), hostileTraps),
};

const loop: unknown[] = [];
loop.push(loop);

function nested(depth: number): unknown {
  let value: unknown = "bottom";
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}

/** What is returned and cannot be sent, by name. */
export const unsendableThings: Readonly<Record<string, () => unknown>> = {
  "a symbol": () => Symbol("result"),
  "an instance of an unknown class": () => ({ deep: [{ handle: new Handle() }] }),
  "a cycle": () => loop,
  "what is nested too deeply": () => nested(1_000),
  "what is nested beyond any stack": () => nested(200_000),
  "more than the peer takes": () => Buffer.alloc(17 * 1024 * 1024),
  "more than the peer takes, as text": () => "t".repeat(17 * 1024 * 1024),
  "a getter that throws": () => Object.defineProperty({}, "value", throwing(new Error("getter"))),
  "a getter that throws what is no error": () =>
    Object.defineProperty({}, "value", throwing(Object.create(null))),
  "a revoked proxy": revoked,
  "a proxy whose traps throw": () => new Proxy([], hostileTraps),
  "a key that would be a prototype": () => JSON.parse('{"__proto__": {"polluted": true}}'),
  "a weak map": () => new WeakMap(),
};

/** Something that looks like a promise. */
function thenable(
  then: (resolve: (value: unknown) => void, reject: (error?: unknown) => void) => void,
): object {
  return Object.defineProperty({}, thenName, { value: then });
}

const thenName = "then";

/** What is returned in place of a promise, by name. Each has to come out as one answer. */
export const thenables: Readonly<Record<string, () => unknown>> = {
  "resolves at once": () => thenable((resolve) => resolve("answer")),
  "resolves twice": () =>
    thenable((resolve) => {
      resolve("answer");
      resolve("another");
    }),
  "resolves and rejects": () =>
    thenable((resolve, reject) => {
      resolve("answer");
      reject(new Error("and an error"));
    }),
  "resolves and throws": () =>
    thenable((resolve) => {
      resolve("answer");
      throw new Error("afterwards");
    }),
  "resolves with one that resolves": () => thenable((resolve) => resolve(Promise.resolve("answer"))),
};

/** The same, of which none has an answer. */
export const failingThenables: Readonly<Record<string, () => unknown>> = {
  throws: () =>
    thenable(() => {
      throw new Error("then has thrown");
    }),
  "throws when it is looked at": () => Object.defineProperty({}, thenName, throwing(new Error("then"))),
  "rejects with nothing": () => thenable((_, reject) => reject()),
  "rejects twice": () =>
    thenable((_, reject) => {
      reject(new Error("first"));
      reject(new Error("second"));
    }),
};

function named(things: Readonly<Record<string, () => unknown>>, name: string): unknown {
  const make = things[name];
  if (make === undefined) throw new Error(`no such thing: ${name}`);
  return make();
}

@Singleton("Failing")
export class Failing extends MarshalByRefObject {
  throwNow(name: string): never {
    throw named(thrownThings, name);
  }

  async throwLater(name: string): Promise<never> {
    await new Promise(setImmediate);
    throw named(thrownThings, name);
  }

  @OneWay()
  throwUnheard(name: string): never {
    throw named(thrownThings, name);
  }

  returnNow(name: string): unknown {
    return named(unsendableThings, name);
  }

  async returnLater(name: string): Promise<unknown> {
    await new Promise(setImmediate);
    return named(unsendableThings, name);
  }

  returnThenable(name: string): unknown {
    return named(name in thenables ? thenables : failingThenables, name);
  }

  async callBack(callback: (name: string) => Promise<unknown>, name: string): Promise<string> {
    try {
      await callback(name);
      return "nothing was thrown";
    } catch (error) {
      return error instanceof Error ? error.name : typeof error;
    }
  }

  fine(value: number): number {
    return value;
  }
}

@SingleCall("FailingConstructor")
export class FailingConstructor extends MarshalByRefObject {
  constructor() {
    super();
    throw new RangeError("constructor");
  }

  fine(): string {
    return "fine";
  }
}

@SingleCall("FailingDisposal")
export class FailingDisposal extends MarshalByRefObject {
  fine(): string {
    return "fine";
  }

  [Symbol.dispose](): void {
    throw new Error("disposal");
  }
}

@ClientActivated()
export class FailingCreation extends MarshalByRefObject {
  static async create(): Promise<FailingCreation> {
    await new Promise(setImmediate);
    throw Object.create(null);
  }

  fine(): string {
    return "fine";
  }
}
