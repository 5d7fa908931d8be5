/** A service that looks at the call context, changes it, and passes it on. */
import { ClientActivated, MarshalByRefObject, OneWay, type Remote, RemotingError, Singleton } from "remoting";
import { CallContext, type LogicalValue } from "remoting/call-context";
import { passGate, record } from "./ledger.ts";

/** What a method sees of the call that it serves. */
export interface SeenCall {
  readonly target: string;
  readonly method: string;
  readonly oneWay: boolean;
  readonly direction: string;
  readonly hasPrincipal: boolean;
  readonly timeRemaining: number;
  readonly aborted: boolean;
}

/** All that flows where this is called. */
export function seenData(): Record<string, LogicalValue> {
  return Object.fromEntries(CallContext.logicalData);
}

function seenCall(): SeenCall | undefined {
  const { current } = CallContext;
  if (current === undefined) return undefined;
  const { target, method, oneWay, peer, principal, timeRemaining, signal } = current;
  return {
    target,
    method,
    oneWay,
    direction: peer.direction,
    hasPrincipal: principal !== undefined,
    timeRemaining,
    aborted: signal.aborted,
  };
}

@ClientActivated("Parcel")
export class Parcel extends MarshalByRefObject {
  readonly #seenAtConstruction = seenData();

  constructor() {
    super();
    CallContext.logicalSetData("constructed", true);
  }

  seenAtConstruction(): Record<string, LogicalValue> {
    return this.#seenAtConstruction;
  }

  seen(): Record<string, LogicalValue> {
    return seenData();
  }
}

@Singleton("Courier")
export class Courier extends MarshalByRefObject {
  seen(): Record<string, LogicalValue> {
    return seenData();
  }

  async seenLater(): Promise<Record<string, LogicalValue>> {
    await new Promise((resolve) => setImmediate(resolve));
    return seenData();
  }

  call(): SeenCall | undefined {
    return seenCall();
  }

  async callLater(): Promise<SeenCall | undefined> {
    await new Promise((resolve) => setImmediate(resolve));
    return seenCall();
  }

  set(name: string, value: LogicalValue): void {
    CallContext.logicalSetData(name, value);
  }

  async setLater(name: string, value: LogicalValue): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    CallContext.logicalSetData(name, value);
  }

  setMany(count: number, bytes: number): void {
    for (let index = 0; index < count; index++) {
      CallContext.logicalSetData(`value-${index}`, "x".repeat(bytes));
    }
  }

  remove(name: string): void {
    CallContext.freeNamedDataSlot(name);
  }

  setAndThrow(name: string, value: LogicalValue): never {
    CallContext.logicalSetData(name, value);
    throw new Error("after setting");
  }

  setLocal(name: string, value: string): unknown {
    CallContext.setData(name, value);
    return CallContext.getData(name);
  }

  local(name: string): unknown {
    return CallContext.getData(name);
  }

  @OneWay()
  note(key: string): void {
    record(JSON.stringify(seenData()), key);
  }

  /** Sets its own value, waits until the test lets it go on, and says what it sees then. */
  async meet(key: string, name: string): Promise<LogicalValue | undefined> {
    const before = CallContext.logicalGetData("who");
    CallContext.logicalSetData("who", name);
    record(`set by ${name}`, key);
    await passGate(key);
    return [before ?? null, CallContext.logicalGetData("who") ?? null];
  }

  /** Calls back. */
  async ask(back: () => Promise<unknown>): Promise<unknown> {
    const answer = await back();
    return [answer, seenData()];
  }

  /** Passes the call on to another courier. */
  async pass(next: Remote<Courier>, name: string, value: LogicalValue): Promise<void> {
    await next.set(name, value);
  }

  async relay(next: Remote<Courier>): Promise<Record<string, LogicalValue>> {
    return await next.seenLater();
  }

  /** How long a call may take that is made from here. */
  async timeOfNext(next: Remote<Courier>): Promise<number> {
    return (await next.call())?.timeRemaining ?? Number.NaN;
  }

  async timeOfFree(next: Remote<Courier>): Promise<number> {
    return CallContext.suppressFlow(async () => (await next.call())?.timeRemaining ?? Number.NaN);
  }

  /** Waits until its own caller has given up, and then calls another. */
  async tooLate(key: string, next: Remote<Courier>): Promise<void> {
    const { current } = CallContext;
    if (current === undefined) throw new Error("no call");
    record("started", key);
    await new Promise((resolve) => current.signal.addEventListener("abort", resolve, { once: true }));
    // The caller's clock may be a moment ahead.
    while (current.timeRemaining > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    const failure = await next.seen().then(
      () => "it ran",
      (error: unknown) =>
        error instanceof RemotingError
          ? `${error.name}, which may have executed: ${error.mayHaveExecuted}`
          : String(error),
    );
    record(failure, key);
  }
}
