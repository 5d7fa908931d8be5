/** Writes a line for each call: what was called, how long it took, what became of it. */
import {
  describeThrown,
  type MessageSink,
  type MessageSinkProvider,
  type MethodCall,
  type NextMessageSink,
} from "../../spi.ts";

/** One call, as {@link callLog} reports it. */
export interface CallLogEntry {
  /** Which end of the chain saw it. */
  readonly side: "client" | "server";
  readonly target: string;
  readonly method: string;
  readonly durationMilliseconds: number;
  /** What the call failed with, or `undefined`. */
  readonly error: unknown;
}

/**
 * A message sink that reports every call, on both ends of the channels that have it.
 *
 * @param write Takes the entries. Default: a line to standard error, where it does not mix with output.
 * @throws TypeError if it is no function.
 *
 * @example
 * ```ts
 * registerChannel(tcpChannel({ messageSinks: [callLog()] }));
 * // → Counter.increment 0.4 ms
 * ```
 */
export function callLog(write: (entry: CallLogEntry) => void = writeLine): MessageSinkProvider {
  if (typeof write !== "function") {
    throw new TypeError(
      "callLog takes a function that is given each entry: callLog((entry) => console.log(entry))",
    );
  }
  return {
    name: "call-log",
    createClientSink: () => new CallLogSink("client", write),
    createServerSink: () => new CallLogSink("server", write),
  };
}

class CallLogSink implements MessageSink {
  readonly #side: CallLogEntry["side"];
  readonly #write: (entry: CallLogEntry) => void;

  constructor(side: CallLogEntry["side"], write: (entry: CallLogEntry) => void) {
    this.#side = side;
    this.#write = write;
  }

  async processMessage(call: MethodCall, next: NextMessageSink) {
    const started = performance.now();
    try {
      const result = await next(call);
      this.#report(call, started, undefined);
      return result;
    } catch (error) {
      this.#report(call, started, error);
      throw error;
    }
  }

  #report({ target, method }: MethodCall, started: number, error: unknown): void {
    this.#write({
      side: this.#side,
      target,
      method,
      durationMilliseconds: performance.now() - started,
      error,
    });
  }
}

function writeLine({ side, target, method, durationMilliseconds, error }: CallLogEntry): void {
  const name = method === "" ? target : `${target}.${method}`;
  const outcome = error === undefined ? "" : ` failed: ${describeThrown(error)}`;
  process.stderr.write(
    `${side === "client" ? "→" : "←"} ${name} ${durationMilliseconds.toFixed(1)} ms${outcome}\n`,
  );
}
