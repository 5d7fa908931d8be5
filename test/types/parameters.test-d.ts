// Compile-only tests of what callers may pass: to methods of a `Remote<T>`, to callbacks, to constructors.

import type { AbstractClass, Class } from "../../src/contract/class.ts";
import { MarshalByRefObject } from "../../src/contract/marshal-by-ref-object.ts";
import type { ConstructorArguments, Remote, RemoteFunction } from "../../src/contract/remote.ts";
import type { RemoteReference } from "../../src/contract/remote-reference.ts";
import type { Equal, Expect } from "./equal.ts";

class Customer extends MarshalByRefObject {
  #name = "";
  name(): string {
    return this.#name;
  }
}

class Shop extends MarshalByRefObject {
  byRemote(_customer: Remote<Customer>): void {}
  byObject(_customer: Customer): void {}
  async alreadyPromise(_customer: Remote<Customer>): Promise<void> {}
  optional(_customer?: Remote<Customer> | null): void {}
  many(..._customers: Remote<Customer>[]): void {}
  nested(_order: { customer: Remote<Customer>; lines: string[] }, _more: Map<string, Customer>): void {}
  tuple(_pair: readonly [Customer, Set<Remote<Customer>>]): void {}
  watch(_onChange: (value: number) => void): void {}
  ask(_question: (customer: Customer) => Promise<boolean>): void {}
  askSync(_question: (text: string) => string): void {}
  give(_source: () => Remote<Customer>): void {}
  callBack(_remote: RemoteFunction<(text: string) => string>): void {}
  options(_options: { onProgress?: (done: number) => Promise<boolean>; label: string }): void {}
  cancellable(_text: string, _signal?: AbortSignal): void {}
  // biome-ignore lint/suspicious/noExplicitAny: what it is about
  loose(_anything: any, ..._rest: any[]): void {}
  unknown(_anything: unknown): void {}
}

type R = Remote<Shop>;
type Either = Customer | Remote<Customer>;

export type ParameterTypes = [
  Expect<Equal<R["byRemote"], (customer: Either) => Promise<void>>>,
  Expect<Equal<R["byObject"], (customer: Either) => Promise<void>>>,
  Expect<Equal<R["alreadyPromise"], (customer: Either) => Promise<void>>>,
  Expect<Equal<Parameters<R["optional"]>, [customer?: Either | null | undefined]>>,
  Expect<Equal<Parameters<R["many"]>, Either[]>>,
  Expect<Equal<Parameters<R["nested"]>[0], { customer: Either; lines: string[] }>>,
  Expect<Equal<Parameters<R["nested"]>[1], Map<string, Either>>>,
  Expect<Equal<Parameters<R["tuple"]>[0], readonly [Either, Set<Either>]>>,
  Expect<Equal<Parameters<R["cancellable"]>, [text: string, signal?: AbortSignal | undefined]>>,
  // biome-ignore lint/suspicious/noExplicitAny: what it is about
  Expect<Equal<Parameters<R["loose"]>, [anything: any, ...rest: any[]]>>,
  Expect<Equal<Parameters<R["unknown"]>, [anything: unknown]>>,
];

export type CallbackTypes = [
  Expect<Equal<Parameters<R["watch"]>[0], (value: number) => void>>,
  // The object that the callback is called with arrives as a proxy.
  Expect<Equal<Parameters<R["ask"]>[0], (customer: Remote<Customer>) => boolean | Promise<boolean>>>,
  Expect<Equal<Parameters<R["askSync"]>[0], (text: string) => string | Promise<string>>>,
  Expect<Equal<Parameters<R["give"]>[0], () => Either | Promise<Either>>>,
  Expect<Equal<Parameters<R["options"]>[0]["label"], string>>,
];

export async function calls(
  shop: R,
  customer: Customer,
  remoteCustomer: Remote<Customer>,
  remoteFunction: RemoteFunction<(text: string) => string>,
): Promise<void> {
  await shop.byRemote(customer);
  await shop.byRemote(remoteCustomer);
  await shop.byObject(remoteCustomer);
  await shop.optional();
  await shop.optional(null);
  await shop.many(customer, remoteCustomer);
  await shop.nested({ customer, lines: [] }, new Map([["a", remoteCustomer]]));
  await shop.watch((value) => value + 1);
  await shop.watch(async () => {});
  await shop.ask(() => true);
  await shop.ask(async (asker) => (await asker.name()) === "");
  await shop.askSync((text) => text);
  await shop.askSync(async (text) => text);
  await shop.askSync(remoteFunction);
  await shop.callBack((text) => text);
  await shop.callBack(remoteFunction);
  await shop.options({ label: "", onProgress: (done) => done > 1 });
  await shop.cancellable("", AbortSignal.timeout(1));
  // @ts-expect-error: a proxy of another class
  await shop.byRemote(shop);
  // @ts-expect-error: neither an object nor a proxy
  await shop.byObject({});
  // @ts-expect-error: results of callbacks are checked
  await shop.askSync(() => 1);
  // @ts-expect-error: parameters of callbacks are checked
  await shop.watch((value: string) => value);
}

class Cart extends MarshalByRefObject {
  constructor(
    readonly owner: Remote<Customer>,
    readonly limit = 10,
  ) {
    super();
  }
}

class Session extends MarshalByRefObject {
  static async create(_user: string, _customer: Customer): Promise<Session> {
    return new Session();
  }
}

class Factory extends MarshalByRefObject {
  constructor(readonly kind: string) {
    super();
  }
  static create(amount: number): number {
    return amount;
  }
}

export type ConstructorTypes = [
  Expect<Equal<ConstructorArguments<typeof Cart>, [owner: Either, limit?: number | undefined]>>,
  Expect<Equal<ConstructorArguments<typeof Session>, [user: string, customer: Either]>>,
  // A static method that makes something else is no constructor.
  Expect<Equal<ConstructorArguments<typeof Factory>, [kind: string]>>,
];

// The signatures for which these types are made.
declare function getObject<T extends MarshalByRefObject>(type: AbstractClass<T>, url?: string): Remote<T>;
declare function getObject<T extends MarshalByRefObject = never>(
  url: [T] extends [never] ? never : string,
): Remote<T>;
declare function createInstance<C extends Class<MarshalByRefObject>>(
  type: C,
  url: string,
  ...args: ConstructorArguments<C>
): Promise<Remote<InstanceType<C>>>;
declare function withOptions<P extends RemoteReference>(proxy: P, options: { timeout?: number }): P;

export async function signatures(customer: Customer): Promise<void> {
  const shop: Remote<Shop> = getObject(Shop, "tcp://127.0.0.1:6100/Shop");
  const untyped: Remote<Shop> = getObject<Shop>("tcp://127.0.0.1:6100/Shop");
  const cart: Remote<Cart> = await createInstance(Cart, "pipe://shop", customer);
  const session: Remote<Session> = await createInstance(Session, "pipe://shop", "ada", customer);
  const impatient: Remote<Shop> = withOptions(shop, { timeout: 1 });
  // @ts-expect-error: without the class, the type has to be named
  getObject("tcp://127.0.0.1:6100/Shop");
  // @ts-expect-error: constructor arguments are checked
  await createInstance(Cart, "pipe://shop", "ada");
  // @ts-expect-error: only by-reference classes have proxies
  getObject(Date);
  // @ts-expect-error: only proxies have call options
  withOptions(customer, {});
  void [untyped, cart, session, impatient];
}

// Functions of themselves end somewhere.
type Next = (value: number) => Next;
type Visit = (visit: Visit) => void;
class Recursive extends MarshalByRefObject {
  next(next: Next): Next {
    return next;
  }
  visit(visit: Visit): Visit {
    return visit;
  }
}

export async function recursion(recursive: Remote<Recursive>, next: Next): Promise<void> {
  const second = await (await recursive.next(next))(1);
  const third = await second(2);
  await recursive.next(third);
  const visit = await recursive.visit((inner) => void inner(() => {}));
  await visit(visit);
}
