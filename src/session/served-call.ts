/** A call of the peer's that is being run here. */
import type { IncomingCall } from "../channels/call-dispatcher.ts";
import type { UnmarshalContext } from "../channels/peer-host.ts";
import { AbortError, RemotingTimeoutError } from "../errors.ts";
import type { MethodCall } from "../messages/method-call.ts";

/** Keeps what may be needed until the method has settled; the signal is made only if somebody asks for it. */
export class ServedCall implements IncomingCall, UnmarshalContext {
  readonly id: number;
  readonly kind: MethodCall["kind"];
  readonly target: string;
  readonly method: string;
  /** Whether nothing is to be replied (any more). */
  oneWay: boolean;
  readonly timeout: number;
  /** The binaries that arrived beside the arguments. Channel sinks may replace them. */
  attachments: readonly Uint8Array[];
  /** When the caller stops waiting, on the monotonic clock; `Infinity` for never. */
  readonly deadline: number;
  methodReached = true;
  onCompleted: (() => void) | undefined = undefined;
  #controller: AbortController | undefined;
  #adopted: AbortController[] | undefined;
  #reason: Error | undefined;

  constructor(
    id: number,
    kind: MethodCall["kind"],
    target: string,
    method: string,
    oneWay: boolean,
    timeout: number,
    attachments: readonly Uint8Array[],
  ) {
    this.id = id;
    this.kind = kind;
    this.target = target;
    this.method = method;
    this.oneWay = oneWay;
    this.timeout = timeout;
    this.deadline = timeout === 0 ? Number.POSITIVE_INFINITY : performance.now() + timeout;
    this.attachments = attachments;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Whether the caller no longer waits. */
  get isAborted(): boolean {
    return this.#reason !== undefined;
  }

  adoptSignal(controller: AbortController): void {
    if (this.#reason !== undefined) controller.abort(this.#reason);
    this.#adopted ??= [];
    this.#adopted.push(controller);
  }

  /** The caller no longer waits: tells the method, if it listens. */
  abort(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    for (const controller of this.#adopted ?? []) controller.abort(reason);
  }

  /** The caller cancelled. */
  cancel(): void {
    this.abort(new AbortError("The caller cancelled the call", { mayHaveExecuted: true }));
  }

  /** The deadline passed. */
  expire(): void {
    this.abort(
      new RemotingTimeoutError(
        `The caller gave ${this.method || this.target} ${this.timeout} ms, which have passed`,
        {
          mayHaveExecuted: true,
        },
      ),
    );
  }
}
