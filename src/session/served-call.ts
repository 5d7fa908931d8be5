/** A call of the peer's that is being run here. */
import type { IncomingCall } from "../channels/call-dispatcher.ts";
import type { CallFlow } from "../channels/call-flow.ts";
import type { UnmarshalContext } from "../channels/peer-host.ts";
import { AbortError, RemotingTimeoutError } from "../errors.ts";
import type { MethodCall } from "../messages/method-call.ts";
import type { PeerInfo } from "../messages/peer-info.ts";
import { monotonicTime } from "./monotonic-clock.ts";

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
  readonly peer: PeerInfo;
  methodReached = true;
  /** Bytes of its arguments, known when it is run. */
  argumentBytes = 0;
  /** Whether what is replied already stands for an error that could not travel. */
  isSubstituted = false;
  flow: CallFlow | undefined = undefined;
  onCompleted: (() => void) | undefined = undefined;
  /** The references among its arguments that end with it. */
  scoped: string[] | undefined = undefined;
  #deadline: number | undefined;
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
    peer: PeerInfo,
  ) {
    this.id = id;
    this.kind = kind;
    this.target = target;
    this.method = method;
    this.oneWay = oneWay;
    this.timeout = timeout;
    this.attachments = attachments;
    this.peer = peer;
  }

  /** When the caller stops waiting, on the monotonic clock; `Infinity` for never. */
  get deadline(): number {
    this.#deadline ??= this.timeout === 0 ? Number.POSITIVE_INFINITY : monotonicTime() + this.timeout;
    return this.#deadline;
  }

  /**
   * Starts the clock of the deadline, unless it runs. Call this before you make a call wait. The first look at the
   * deadline starts it too; most calls are over before anybody looks.
   */
  startClock(): void {
    this.#deadline = this.deadline;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  adoptScoped(id: string): void {
    this.scoped ??= [];
    this.scoped.push(id);
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
