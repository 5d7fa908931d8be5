/**
 * What happened on the server's side. It is asked over the wire, because the server may be in another thread,
 * and it can be waited for, so that no test has to guess how long something takes.
 */
import { MarshalByRefObject, Singleton } from "remoting";

const entries: string[] = [];
const listeners = new Map<string, (() => void)[]>();
const gates = new Map<string, PromiseWithOpen>();

interface PromiseWithOpen {
  readonly opened: Promise<void>;
  readonly open: () => void;
}

/** Notes that `event` happened in the test that is known by `key`. */
export function record(event: string, key: string): void {
  const entry = `${event}:${key}`;
  entries.push(entry);
  for (const resolve of listeners.get(entry) ?? []) resolve();
  listeners.delete(entry);
}

function gateOf(name: string): PromiseWithOpen {
  let gate = gates.get(name);
  if (gate === undefined) {
    let open: () => void = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    gate = { opened, open };
    gates.set(name, gate);
  }
  return gate;
}

/** Resolves when the test opens the gate. */
export function passGate(name: string): Promise<void> {
  return gateOf(name).opened;
}

/** Reads the record and opens gates. */
@Singleton("Ledger")
export class Ledger extends MarshalByRefObject {
  /** The events of one test in the order in which they happened. */
  eventsOf(key: string): string[] {
    return entries
      .filter((entry) => entry.endsWith(`:${key}`))
      .map((entry) => entry.slice(0, -key.length - 1));
  }

  /** Resolves when the event has happened, at once if it has already. */
  whenRecorded(event: string, key: string): Promise<void> {
    const entry = `${event}:${key}`;
    if (entries.includes(entry)) return Promise.resolve();
    return new Promise((resolve) => {
      listeners.set(entry, [...(listeners.get(entry) ?? []), resolve]);
    });
  }

  open(...names: string[]): void {
    for (const name of names) gateOf(name).open();
  }
}
