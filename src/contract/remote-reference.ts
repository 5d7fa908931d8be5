// What all proxies have in common, so that types and functions can speak of "any proxy".

declare const referenceTo: unique symbol;

/** What every proxy is, whatever it stands for: the upper bound of `Remote` and `RemoteFunction`. */
export interface RemoteReference<out T = unknown> {
  /** Tells a proxy from the object that it stands for. Exists for the compiler only. */
  readonly [referenceTo]: T;
  /** Tells the owner that this side needs the object no longer. */
  [Symbol.asyncDispose](): Promise<void>;
}
