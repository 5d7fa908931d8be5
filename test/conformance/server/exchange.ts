/** A service that takes and gives references. */
import { MarshalByRefObject, type Remote, Singleton } from "remoting";

/** Travels by reference only: it is published nowhere. */
export class TreeNode extends MarshalByRefObject {
  #name: string;
  readonly #children = new Map<string, TreeNode>();

  constructor(name: string) {
    super();
    this.#name = name;
  }

  name(): string {
    return this.#name;
  }

  rename(name: string): void {
    this.#name = name;
  }

  child(name: string): TreeNode {
    let child = this.#children.get(name);
    if (child === undefined) {
      child = new TreeNode(name);
      this.#children.set(name, child);
    }
    return child;
  }

  children(): Map<string, TreeNode> {
    return this.#children;
  }
}

type Callback = (...values: unknown[]) => unknown;

@Singleton("Exchange")
export class Exchange extends MarshalByRefObject {
  readonly #kept = new Map<string, unknown>();
  readonly #root = new TreeNode("root");

  keep(key: string, value: unknown): void {
    this.#kept.set(key, value);
  }

  take(key: string): unknown {
    return this.#kept.get(key);
  }

  isKept(key: string, value: unknown): boolean {
    return this.#kept.get(key) === value;
  }

  areSame(first: unknown, second: unknown): boolean {
    return first === second;
  }

  root(): TreeNode {
    return this.#root;
  }

  isRoot(value: unknown): boolean {
    return value === this.#root;
  }

  self(): Exchange {
    return this;
  }

  isSelf(value: unknown): boolean {
    return value === this;
  }

  async nameOf(node: Remote<TreeNode>): Promise<string> {
    return await node.name();
  }

  async namesOf(nodes: Map<string, Remote<TreeNode>[]>): Promise<string[]> {
    return Promise.all([...nodes.values()].flat().map((node) => node.name()));
  }

  async call(callback: Callback, ...values: unknown[]): Promise<unknown> {
    return await callback(...values);
  }

  async callAt(place: { readonly deep: readonly Map<string, Callback>[] }, value: number): Promise<unknown> {
    return await place.deep[0]?.get("callback")?.(value);
  }

  async callKept(key: string, ...values: unknown[]): Promise<unknown> {
    const callback = this.#kept.get(key);
    if (typeof callback !== "function") throw new Error(`${key} is not a function`);
    return await Reflect.apply(callback, undefined, values);
  }

  /** Calls and does not look at what becomes of it. */
  forget(callback: Callback): void {
    callback();
  }

  async disposeKept(key: string): Promise<void> {
    const kept = this.#kept.get(key) as Partial<AsyncDisposable> | undefined;
    await kept?.[Symbol.asyncDispose]?.();
  }

  /** Server to client to server and so on, `depth` times. */
  async bounce(depth: number, back: (depth: number) => Promise<number>): Promise<number> {
    return depth === 0 ? 0 : 1 + (await back(depth - 1));
  }

  adder(base: number): (value: number) => number {
    return (value) => base + value;
  }

  failing(): () => void {
    return () => {
      throw new Error("the function failed");
    };
  }
}
