/** Services for the behaviour of calls: values, errors, order, cancellation, and names that must not be called. */

import { inspect } from "node:util";
import {
  AbortError,
  AccessDeniedError,
  LimitExceededError,
  Local,
  MarshalByRefObject,
  OneWay,
  Singleton,
} from "remoting";
import { passGate, record } from "./ledger.ts";
import { NamedError, type Point, QuotaError, refusedValues, StorageError } from "./values.ts";

/** How values are compared across the wire: each type looks different, and so does -0. */
export function portrait(value: unknown): string {
  return inspect(value, { depth: 100, maxArrayLength: 20, maxStringLength: 200, showHidden: false });
}

@Singleton("Echo")
export class Echo extends MarshalByRefObject {
  echo(value: unknown): unknown {
    return value;
  }

  async later(value: unknown): Promise<unknown> {
    return value;
  }

  all(...values: unknown[]): unknown[] {
    return values;
  }

  count(...values: unknown[]): number {
    return values.length;
  }

  portrait(value: unknown): string {
    return portrait(value);
  }

  /** A value that may not travel. */
  produceRefused(name: string): unknown {
    return refusedValues[name]?.make();
  }

  produceBytes(length: number): Uint8Array {
    return new Uint8Array(length).fill(7);
  }

  produceText(length: number): string {
    return "x".repeat(length);
  }

  lengthOf(value: Uint8Array | string): number {
    return value.length;
  }

  sumOf(bytes: Uint8Array): number {
    return bytes.reduce((sum, byte) => sum + byte, 0);
  }

  nothing(): void {}
}

const thrown: Readonly<Record<string, () => unknown>> = {
  Error: () => new Error("plain"),
  RangeError: () => new RangeError("out of range"),
  StorageError: () => new StorageError("disk full", { cause: new TypeError("inner") }),
  undefined: () => undefined,
  null: () => null,
  string: () => "just text",
  number: () => 42,
  object: () => ({ reason: "an object" }),
  QuotaError: () => new QuotaError(5),
  NamedError: () => new NamedError("named"),
  AbortError: () => new AbortError("changed my mind"),
  DOMException: () => new DOMException("stopped", "AbortError"),
  AggregateError: () => new AggregateError([new RangeError("first"), "second"], "several"),
  symbol: () => Symbol("thrown"),
  AccessDeniedError: () => new AccessDeniedError("not on a Sunday"),
  LimitExceededError: () => new LimitExceededError("maxPizzas", "3 pizzas are enough"),
  "error with untransportable parts": () =>
    Object.assign(new Error("partly"), { code: "E1", socket: new Map([[1, /x/]]) }),
};

@Singleton("Thrower")
export class Thrower extends MarshalByRefObject {
  throwSynchronously(kind: string): void {
    throw thrown[kind]?.();
  }

  async reject(kind: string): Promise<void> {
    throw thrown[kind]?.();
  }

  /** As values, not thrown. */
  give(kind: string): unknown {
    return thrown[kind]?.();
  }
}

@Singleton("Calls")
export class Calls extends MarshalByRefObject {
  note(key: string, event: string | number, _payload?: unknown): void {
    record(String(event), key);
  }

  async block(key: string): Promise<string> {
    record("started", key);
    await passGate(key);
    record("finished", key);
    return key;
  }

  async answerAfter(key: string, index: number): Promise<number> {
    record(`started ${index}`, key);
    await passGate(`${key}/${index}`);
    return index;
  }

  async bytesAfter(key: string, length: number): Promise<Uint8Array> {
    record("started", key);
    await passGate(key);
    return new Uint8Array(length);
  }

  /** Ends when the signal is aborted. */
  untilAborted(key: string, signal: AbortSignal, _payload?: unknown): Promise<string> {
    record(`started, aborted: ${signal.aborted}`, key);
    return new Promise((resolve) => {
      const end = () => {
        const name = signal.reason instanceof Error ? signal.reason.name : String(signal.reason);
        record("aborted", key);
        record(`reason ${name}`, key);
        resolve(name);
      };
      if (signal.aborted) end();
      else signal.addEventListener("abort", end, { once: true });
    });
  }

  @OneWay()
  notify(key: string): void {
    record("notified", key);
  }

  @OneWay()
  notifyAndThrow(key: string): void {
    throw new Error(`one-way ${key}`);
  }

  @OneWay()
  async notifyAndBlock(key: string): Promise<void> {
    record("started", key);
    await passGate(key);
    record("finished", key);
  }
}

/** Everything that looks like a method and must not be one for others. */
@Singleton("Secretive")
export class Secretive extends MarshalByRefObject {
  readonly field = (): void => record("ran", "Secretive");

  get accessor(): () => void {
    return () => record("ran", "Secretive");
  }

  _underscore(): void {
    record("ran", "Secretive");
  }

  @Local()
  local(): void {
    record("ran", "Secretive");
  }

  #hidden(): void {
    record("ran", "Secretive");
  }

  override initializeLifetimeService(): null {
    record("ran", "Secretive");
    return null;
  }

  override toString(): string {
    record("ran", "Secretive");
    return "secret";
  }

  static shared(): void {
    record("ran", "Secretive");
  }

  visible(): string {
    // So that nobody takes #hidden for unused.
    return typeof this.#hidden;
  }
}

/** A contract apart from its implementation. */
export abstract class Directory extends MarshalByRefObject {
  abstract find(name: string): Point | undefined;
  abstract store(name: string, point: Point): void;
  abstract log(key: string): void;
}

/** What the server registers for {@link Directory}. */
@Singleton()
export class MemoryDirectory extends Directory {
  readonly #points = new Map<string, Point>();

  find(name: string): Point | undefined {
    return this.#points.get(name);
  }

  store(name: string, point: Point): void {
    this.#points.set(name, point);
  }

  log(key: string): void {
    record("logged", key);
    throw new Error("nobody hears this");
  }

  inspectAll(): number {
    return this.#points.size;
  }
}
