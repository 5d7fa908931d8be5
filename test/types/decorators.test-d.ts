// Compile-only tests of what the decorators accept, as standard ones. `legacy/` has the same for the other
// mode.

import { Authorize } from "../../src/contract/authorize.ts";
import { ClientActivated } from "../../src/contract/client-activated.ts";
import { Local } from "../../src/contract/local.ts";
import { MarshalByRefObject } from "../../src/contract/marshal-by-ref-object.ts";
import { OneWay } from "../../src/contract/one-way.ts";
import { Remote } from "../../src/contract/remote.ts";
import { Serializable } from "../../src/contract/serializable.ts";
import { SingleCall } from "../../src/contract/single-call.ts";
import { Singleton } from "../../src/contract/singleton.ts";

@SingleCall()
export class NoArguments extends MarshalByRefObject {}

@Singleton("optional")
export class OptionalArguments extends MarshalByRefObject {
  constructor(readonly name = "") {
    super();
  }
}

@ClientActivated()
export class AnyArguments extends MarshalByRefObject {
  constructor(readonly name: string) {
    super();
  }
}

// @ts-expect-error: the server could not construct it
@SingleCall()
export class SingleCallWithArguments extends MarshalByRefObject {
  constructor(readonly name: string) {
    super();
  }
}

// @ts-expect-error: the server could not construct it
@Singleton()
export class SingletonWithArguments extends MarshalByRefObject {
  constructor(readonly name: string) {
    super();
  }
}

// @ts-expect-error: abstract
@SingleCall()
export abstract class AbstractSingleCall extends MarshalByRefObject {}

// @ts-expect-error: abstract
@ClientActivated()
export abstract class AbstractClientActivated extends MarshalByRefObject {}

// @ts-expect-error: no by-reference class
@Singleton()
export class NotByReference {}

// @ts-expect-error: parentheses are missing
@Singleton
export class WithoutParentheses extends MarshalByRefObject {}

export class Methods extends MarshalByRefObject {
  @OneWay() log(_line: string): void {}
  @OneWay() async flush(): Promise<void> {}
  @OneWay() either(): void | Promise<void> {}
  @Local() local(): number {
    return 1;
  }
  @Remote() remote<T>(value: T): T {
    return value;
  }
  @Remote() @OneWay() both(): void {}
  // @ts-expect-error: the result would be lost
  @OneWay() result(): number {
    return 1;
  }
  // @ts-expect-error: the result would be lost
  @OneWay() async promise(): Promise<number> {
    return 1;
  }
  // @ts-expect-error: static methods are not callable
  @OneWay() static shared(): void {}
  // @ts-expect-error: #private methods are not callable
  @Local() #hidden(): void {}
  // @ts-expect-error: symbols are not callable
  @Remote() [Symbol.dispose](): void {}
  // @ts-expect-error: fields are not callable
  @Remote() field = 1;
  // @ts-expect-error: accessors are not callable
  @Remote() get accessor(): number {
    this.#hidden();
    return 1;
  }
}

export class Elsewhere {
  // @ts-expect-error: objects of this class travel by value, if at all
  @OneWay() log(): void {}
}

@Serializable()
export class Point {
  constructor(
    public x = 0,
    public y = 0,
  ) {}
}

@Serializable("geometry.Circle")
export class Circle extends Point {
  constructor(readonly radius: number) {
    super();
  }
}

@Serializable({
  name: "shop.Money",
  serialize: (money: Money) => money.format(),
  deserialize: (text) => Money.parse(text),
})
export class Money {
  readonly #cents: bigint;
  private constructor(cents: bigint) {
    this.#cents = cents;
  }
  static parse(text: string): Money {
    return new Money(BigInt(text));
  }
  format(): string {
    return String(this.#cents);
  }
}

// @ts-expect-error: serialize without deserialize
@Serializable({ serialize: (half: Half) => half.value })
export class Half {
  value = 1;
}

// @ts-expect-error: the functions are for another class
@Serializable({ serialize: (money: Money) => money.format(), deserialize: (text) => Money.parse(text) })
export class Foreign {
  value = 1;
}

@Authorize({ roles: ["clerk"] })
export abstract class AuthorizedContract extends MarshalByRefObject {
  @Authorize() method(): number {
    return 1;
  }
  @Authorize({ principals: ["ada"], roles: ["clerk"] })
  @OneWay()
  log(_line: string): void {}
  // @ts-expect-error: no such rule
  @Authorize({ role: "clerk" }) misspelt(): void {}
}

@Authorize({ anonymous: true })
@ClientActivated()
export class AuthorizedClass extends MarshalByRefObject {
  constructor(readonly name: string) {
    super();
  }
}

// @ts-expect-error: no by-reference class
@Authorize()
export class AuthorizedPlain {}
