// Compile-only tests of `Remote<T>`: which members it has, and what becomes of their signatures.

import { MarshalByRefObject } from "../../src/contract/marshal-by-ref-object.ts";
import type { Remote, RemoteFunction, RemotePromise } from "../../src/contract/remote.ts";
import type { RemoteReference } from "../../src/contract/remote-reference.ts";
import type { Equal, Expect } from "./equal.ts";

class Point {
  constructor(
    public x = 0,
    public y = 0,
  ) {}
  length(): number {
    return Math.hypot(this.x, this.y);
  }
  plus(other: Point): Point {
    return new Point(this.x + other.x, this.y + other.y);
  }
}

class Money {
  #cents = 0n;
  format(): string {
    return String(this.#cents);
  }
}

class Legacy {
  private state = 1;
  owner?: Counter;
  describe(): string {
    return String(this.state);
  }
}

interface Tree {
  value: number;
  children: Tree[];
}

interface OwnedTree {
  owner: Counter;
  children: OwnedTree[];
}

interface Subscription {
  unsubscribe(): void;
}

interface Events {
  opened: { at: Date };
  closed: { reason: string };
}

declare const tag: unique symbol;

class Counter extends MarshalByRefObject {
  #value = 0;
  name = "counter";
  readonly onChange = (value: number): number => value;
  data: unknown;
  // biome-ignore lint/suspicious/noExplicitAny: what it is about
  anything: any;
  get current(): number {
    return this.#value;
  }
  private secret(): void {}
  protected inherited(): void {}
  _internal(): void {}
  [tag](): void {}
  #hidden(): void {}
  override toString(): string {
    this.secret();
    this.#hidden();
    return "";
  }
  toJSON(): string {
    return "";
  }
  override initializeLifetimeService(): null {
    return null;
  }
  maybe?(at: number): string;

  increment(by = 1): number {
    this.#value += by;
    return this.#value;
  }
  sum(first: number, ...rest: number[]): number {
    return rest.reduce((a, b) => a + b, first);
  }
  reset(): void {}
  flag(): boolean {
    return true;
  }
  async text(): Promise<string> {
    return "";
  }
  fail(): never {
    throw new Error();
  }
  unknown(): unknown {
    return 1;
  }
  // biome-ignore lint/suspicious/noExplicitAny: what it is about
  any(): any {}
  isEven(value: unknown): value is 2 {
    return value === 2;
  }

  clone(): Counter {
    return this;
  }
  self(): this {
    return this;
  }
  async find(): Promise<Counter | undefined> {
    return this;
  }
  list(): Counter[] {
    return [];
  }
  frozen(): readonly Counter[] {
    return [];
  }
  pair(): [name: string, counter: Counter, optional?: Counter] {
    return ["", this];
  }
  byName(): Map<string, Counter> {
    return new Map();
  }
  readonlyByName(): ReadonlyMap<string, Counter> {
    return new Map();
  }
  all(): Set<Counter> {
    return new Set();
  }
  page(): { readonly items: Counter[]; total: number; next?: { first: Counter } } {
    return { items: [], total: 0 };
  }
  record(): Record<string, Counter> {
    return {};
  }
  result(): { ok: true; counter: Counter } | { ok: false; reason: string } {
    return { ok: false, reason: "" };
  }
  ownedTree(): OwnedTree {
    return { owner: this, children: [] };
  }
  other(): Remote<Counter> {
    throw new Error();
  }

  adder(): (a: number) => number {
    return (a) => a;
  }
  subscription(): Subscription {
    return { unsubscribe() {} };
  }
  progress(): { id: string; notify: (text: string) => boolean } {
    return { id: "", notify: () => true };
  }

  point(): Point {
    return new Point();
  }
  money(): Money[] {
    return [];
  }
  legacy(): Legacy {
    return new Legacy();
  }
  values(): { date: Date; bytes: Uint8Array; error: Error; pattern: RegExp; buffer: Buffer; big: bigint } {
    throw new Error();
  }
  tree(): Tree {
    return { value: 1, children: [] };
  }

  async get<K extends keyof Events>(event: K): Promise<Events[K]> {
    throw new Error(event);
  }
  async on<K extends keyof Events>(_event: K, _listener: (event: Events[K]) => void): Promise<void> {}
  async read(at: number): Promise<string>;
  async read(at: string): Promise<number>;
  async read(_at: number | string): Promise<string | number> {
    return 1;
  }
  write(at: number): string;
  write(at: string): Promise<number>;
  write(_at: number | string): string | Promise<number> {
    return "";
  }
  same<T>(value: T): T {
    return value;
  }
  async sameLater<T>(value: T): Promise<T> {
    return value;
  }
  named<K extends keyof Events>(event: K): Events[K][] {
    throw new Error(event);
  }
  lent<T extends Counter>(counter: T): Promise<T> {
    return Promise.resolve(counter);
  }
}

type R = Remote<Counter>;

/** The result of a call, once awaited. */
type Result<Name extends keyof R> = R[Name] extends (...args: never) => RemotePromise<infer T> ? T : never;

export type Members = [
  // Fields, accessors, hidden names and the names that objects have anyway are not there.
  Expect<Equal<Extract<keyof R, "name" | "onChange" | "data" | "anything" | "current">, never>>,
  Expect<Equal<Extract<keyof R, "secret" | "inherited" | "_internal" | typeof tag>, never>>,
  Expect<Equal<Extract<keyof R, "toString" | "toJSON" | "initializeLifetimeService" | "constructor">, never>>,
  Expect<Equal<Extract<keyof R, "increment" | "maybe" | "reset">, "increment" | "maybe" | "reset">>,
  Expect<Equal<R[typeof Symbol.asyncDispose], () => Promise<void>>>,
];

export type Results = [
  Expect<Equal<R["increment"], (by?: number) => Promise<number>>>,
  Expect<Equal<R["sum"], (first: number, ...rest: number[]) => Promise<number>>>,
  Expect<Equal<R["reset"], () => Promise<void>>>,
  Expect<Equal<R["flag"], () => Promise<boolean>>>,
  Expect<Equal<R["text"], () => Promise<string>>>,
  Expect<Equal<R["fail"], () => Promise<never>>>,
  Expect<Equal<R["unknown"], () => Promise<unknown>>>,
  // biome-ignore lint/suspicious/noExplicitAny: what it is about
  Expect<Equal<R["any"], () => Promise<any>>>,
  Expect<Equal<R["isEven"], (value: unknown) => Promise<boolean>>>,
  Expect<Equal<R["maybe"], ((at: number) => Promise<string>) | undefined>>,
];

export type ReferencesInResults = [
  Expect<Equal<Result<"clone">, Remote<Counter>>>,
  Expect<Equal<Result<"self">, Remote<Counter>>>,
  Expect<Equal<Result<"find">, Remote<Counter> | undefined>>,
  Expect<Equal<Result<"list">, Remote<Counter>[]>>,
  Expect<Equal<Result<"frozen">, readonly Remote<Counter>[]>>,
  Expect<Equal<Result<"pair">, [name: string, counter: Remote<Counter>, optional?: Remote<Counter>]>>,
  Expect<Equal<Result<"byName">, Map<string, Remote<Counter>>>>,
  Expect<Equal<Result<"readonlyByName">, ReadonlyMap<string, Remote<Counter>>>>,
  Expect<Equal<Result<"all">, Set<Remote<Counter>>>>,
  Expect<Equal<Result<"page">["items"], Remote<Counter>[]>>,
  Expect<Equal<Result<"page">["total"], number>>,
  Expect<Equal<Result<"page">["next"], { first: Remote<Counter> } | undefined>>,
  Expect<Equal<Result<"record">, { [x: string]: Remote<Counter> }>>,
  Expect<Equal<Result<"result">, { ok: true; counter: Remote<Counter> } | { ok: false; reason: string }>>,
  Expect<Equal<Result<"ownedTree">["children"][number]["children"][number]["owner"], Remote<Counter>>>,
  Expect<Equal<Result<"other">, Remote<Counter>>>,
];

export type FunctionsInResults = [
  Expect<Equal<Result<"adder">, RemoteFunction<(a: number) => number>>>,
  Expect<Equal<Result<"subscription">["unsubscribe"], RemoteFunction<() => void>>>,
  Expect<Equal<Result<"progress">["notify"], RemoteFunction<(text: string) => boolean>>>,
  Expect<Equal<Result<"progress">["id"], string>>,
];

export type ValuesInResults = [
  Expect<Equal<Result<"point">, Point>>,
  Expect<Equal<Result<"money">, Money[]>>,
  Expect<Equal<Result<"legacy">, Legacy>>,
  Expect<Equal<Result<"values">, ReturnType<Counter["values"]>>>,
  Expect<Equal<Result<"tree">, Tree>>,
];

export type DeclarationsThatAreRightAlready = [
  Expect<Equal<R["get"], Counter["get"]>>,
  Expect<Equal<R["on"], Counter["on"]>>,
  Expect<Equal<R["read"], Counter["read"]>>,
  // One overload returns no promise: the last one remains.
  Expect<Equal<R["write"], (at: string) => Promise<number>>>,
];

export type TypeParameters = [
  // Without a promise they become their constraints.
  Expect<Equal<R["same"], (value: unknown) => Promise<unknown>>>,
  Expect<Equal<R["named"], (event: keyof Events) => Promise<Events[keyof Events][]>>>,
  // With one the declaration stays, unless a reference is in it.
  Expect<Equal<R["sameLater"], Counter["sameLater"]>>,
  Expect<Equal<R["lent"], (counter: Counter | Remote<Counter>) => Promise<Remote<Counter>>>>,
];

export async function calls(counter: R): Promise<void> {
  const opened = await counter.get("opened");
  const at: Date = opened.at;
  await counter.on("closed", ({ reason }) => reason.length);
  const text: string = await counter.read(1);
  const length: number = await counter.read("a");
  const two: Remote<Counter> = await (await counter.clone()).clone();
  const add = await counter.adder();
  const sum: number = await add(1);
  await add[Symbol.asyncDispose]();
  await using three = await counter.clone();
  // @ts-expect-error: results are promises
  const plain: number = counter.increment();
  // @ts-expect-error: arguments are checked
  await counter.increment("5");
  // @ts-expect-error: fields are not there
  counter.name;
  // @ts-expect-error: private methods are not there
  counter.secret();
  // @ts-expect-error: underscore names are not there
  counter._internal();
  void [at, text, length, two, sum, three, plain];
}

class Derived extends Counter {
  override clone(): Derived {
    return this;
  }
  extra(other: Remote<Derived>): string {
    return String(other);
  }
}

class Base extends MarshalByRefObject {
  adopt(_other: Remote<Base>): void {}
}
class Narrow extends Base {
  override adopt(_other: Remote<Narrow>): void {}
  more(): void {}
}

export function assignability(
  base: Remote<Counter>,
  derived: Remote<Derived>,
  narrow: Remote<Narrow>,
  object: Counter,
): void {
  const asBase: Remote<Counter> = derived;
  const asNarrowBase: Remote<Base> = narrow;
  const asReference: RemoteReference = derived;
  // @ts-expect-error: a base class's proxy is no subclass's
  const asDerived: Remote<Derived> = base;
  // @ts-expect-error: an object is no proxy
  const asProxy: Remote<Counter> = object;
  // @ts-expect-error: a proxy is no object
  const asObject: Counter = base;
  // @ts-expect-error: nor does everything match MarshalByRefObject
  const asMarshalByRefObject: MarshalByRefObject = {};
  void [asBase, asNarrowBase, asReference, asDerived, asProxy, asObject, asMarshalByRefObject];
}

// Contracts may be abstract.
abstract class Contract extends MarshalByRefObject {
  abstract add(a: number, b: number): number;
  abstract peer(): Contract;
}

export type Abstract = [
  Expect<Equal<Remote<Contract>["add"], (a: number, b: number) => Promise<number>>>,
  Expect<Equal<Remote<Contract>["peer"], () => Promise<Remote<Contract>>>>,
];

// A public method named `then` is refused when the class is registered; a proxy is no thenable by type
// either.
class Thenable extends MarshalByRefObject {
  // biome-ignore lint/suspicious/noThenProperty: what it is about
  then(): void {}
}
export type NoThenable = Expect<Equal<Extract<keyof Remote<Thenable>, string>, never>>;

// Wide and deep recursive types neither blow up nor change.
interface Node0 {
  a?: Node1;
  b?: Node2;
  c?: Node3;
  d: Node0[];
}
interface Node1 {
  a?: Node2;
  b?: Node3;
  c?: Node0;
  d: Map<string, Node1>;
}
interface Node2 {
  a?: Node3;
  b?: Node0;
  c?: Node1;
  d: [Node2, Node3?];
}
interface Node3 {
  a?: Node0;
  b?: Node1;
  c?: Node2;
  d: ReadonlySet<Node3>;
}
type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
class Recursive extends MarshalByRefObject {
  graph(): Node0 {
    return { d: [] };
  }
  json(value: Json): Json {
    return value;
  }
}
export type RecursiveTypes = [
  Expect<Equal<Remote<Recursive>["graph"], () => Promise<Node0>>>,
  Expect<Equal<Remote<Recursive>["json"], (value: Json) => Promise<Json>>>,
];
