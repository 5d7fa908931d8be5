/** The caller's half of a session: sends calls, and settles each exactly once. */
import { type ByteReader, protocolError } from "../channels/byte-reader.ts";
import { noHeaders, type Payload } from "../channels/payload.ts";
import type { ValueMarshaler } from "../channels/peer-host.ts";
import {
  AbortError,
  LimitExceededError,
  RemotingError,
  RemotingTimeoutError,
  SerializationError,
} from "../errors.ts";
import type { MethodCall } from "../messages/method-call.ts";
import { DeadlineTimer } from "./deadline-timer.ts";
import { readFault } from "./fault.ts";
import { callFlag, frameKind, returnFlag } from "./frame-kind.ts";
import type { FrameSender } from "./frame-sender.ts";
import { OrderedStage } from "./ordered-stage.ts";
import type { PayloadStage } from "./payload-stage.ts";
import { type PendingCall, PendingCalls } from "./pending-calls.ts";
import { OutgoingRoutes } from "./routes.ts";
import { isObjectId, maxMethodLength, maxTargetLength } from "./session-limits.ts";

/** What a call of no known time limit waits. */
const forEver = Number.POSITIVE_INFINITY;

interface OneWayCall {
  readonly resolve: (value: undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Sends the calls of one session. */
export class OutgoingCalls {
  readonly #sender: FrameSender;
  readonly #stage: PayloadStage;
  readonly #marshaler: ValueMarshaler;
  readonly #defaultTimeout: number;
  readonly #onIdle: () => void;
  readonly #pending = new PendingCalls();
  readonly #routes = new OutgoingRoutes();
  readonly #order = new OrderedStage();
  readonly #deadlines = new DeadlineTimer((now) => this.#expire(now));
  #lastOneWayId = 0;
  /** One-way calls that resolve with the next flush. */
  #oneWay: OneWayCall[] = [];

  /** @param onIdle Called when the last call under way has settled. */
  constructor(
    sender: FrameSender,
    stage: PayloadStage,
    marshaler: ValueMarshaler,
    defaultTimeout: number,
    onIdle: () => void,
  ) {
    this.#sender = sender;
    this.#stage = stage;
    this.#marshaler = marshaler;
    this.#defaultTimeout = defaultTimeout;
    this.#onIdle = onIdle;
  }

  /** Calls that wait for their answer. */
  get size(): number {
    return this.#pending.size;
  }

  /**
   * Sends a call. Its arguments are formatted before this returns, so later changes to them are not seen; but
   * binaries that do not fit one frame are sent from where they are, and must stay as they are until it settles.
   */
  send(call: MethodCall): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { signal, timeout = this.#defaultTimeout } = call.options;
      if (signal?.aborted) {
        reject(new AbortError(undefined, { cause: signal.reason }));
        return;
      }
      try {
        if (call.oneWay) this.#sendOneWay(call, { resolve, reject });
        else this.#sendTwoWay(call, timeout, signal, resolve, reject);
      } catch (error) {
        reject(error);
      }
    });
  }

  #sendTwoWay(
    call: MethodCall,
    timeout: number,
    signal: AbortSignal | undefined,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ): void {
    if (this.#pending.size >= PendingCalls.capacity) {
      throw new LimitExceededError(
        "pendingCalls",
        `${PendingCalls.capacity} calls are already under way on this connection: await some of them first`,
      );
    }
    const now = performance.now();
    const deadline = timeout > 0 ? now + timeout : forEver;
    const pending: PendingCall = {
      call,
      resolve,
      reject,
      deadline,
      batch: -1,
      frame: -1,
      forgetSignal: undefined,
    };
    const id = this.#pending.add(pending);
    if (this.#stage.hasSinks) {
      this.#order.run(
        () => this.#stage.outgoing(call.args, "args"),
        (payload) => this.#writeTransformed(id, timeout, payload),
        (error) => this.#settle(id)?.reject(error),
      );
    } else {
      try {
        this.#write(id, pending, timeout);
      } catch (error) {
        this.#pending.remove(id);
        throw error;
      }
    }
    if (deadline !== forEver) this.#deadlines.arm(deadline, now);
    if (signal !== undefined) this.#listen(id, pending, signal);
  }

  #sendOneWay(call: MethodCall, waiting: OneWayCall): void {
    // Nothing waits for it, but its fragments need a name: counted with the highest bit set.
    this.#lastOneWayId = (this.#lastOneWayId + 1) & 0x7fff_ffff;
    const id = (this.#lastOneWayId | 0x8000_0000) >>> 0;
    if (this.#stage.hasSinks) {
      this.#order.run(
        () => this.#stage.outgoing(call.args, "args"),
        (payload) => {
          try {
            this.#writePayload(id, call, 0, payload);
            this.#oneWay.push(waiting);
          } catch (error) {
            waiting.reject(error);
          }
        },
        waiting.reject,
      );
      return;
    }
    this.#writeFormatted(id, call, 0);
    this.#oneWay.push(waiting);
  }

  #write(id: number, pending: PendingCall, timeout: number): void {
    const batch = this.#sender.openBatch;
    const frame = this.#writeFormatted(id, pending.call, timeout);
    pending.batch = batch;
    pending.frame = frame;
  }

  /** The way without sinks: formats into the batch itself. Returns where the frame begins, -1 if it has segments. */
  #writeFormatted(id: number, call: MethodCall, timeout: number): number {
    const batch = this.#sender.batch;
    const definesRoute = this.#begin(id, call, timeout, noHeaders);
    let attachments: readonly Uint8Array[];
    try {
      attachments = this.#stage.formatter.format(call.args, "args", batch);
    } catch (error) {
      batch.cancel();
      throw error;
    }
    const frame = attachments.length === 0 ? batch.frameStart : -1;
    this.#finish(id, call, definesRoute, attachments);
    return frame;
  }

  #writeTransformed(id: number, timeout: number, payload: Payload): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    try {
      pending.batch = this.#sender.openBatch;
      this.#writePayload(id, pending.call, timeout, payload);
    } catch (error) {
      this.#settle(id)?.reject(error);
    }
  }

  #writePayload(id: number, call: MethodCall, timeout: number, payload: Payload): void {
    const definesRoute = this.#begin(id, call, timeout, payload.headers);
    this.#sender.batch.writeBytes(payload.body);
    this.#finish(id, call, definesRoute, payload.attachments);
  }

  #finish(id: number, call: MethodCall, definesRoute: boolean, attachments: readonly Uint8Array[]): void {
    try {
      this.#sender.finishPayload(id, 0, attachments);
    } catch (error) {
      this.#marshaler.rollback();
      throw error;
    }
    // Counted when the frame is finished, in the order in which the peer will read it.
    if (definesRoute) this.#routes.define(call.target, call.method);
  }

  /**
   * Writes the header. Returns whether the frame gives its route a number. Ids of objects are used by one peer and
   * for a while: they would fill the table, and go by name.
   */
  #begin(id: number, call: MethodCall, timeout: number, headers: Payload["headers"]): boolean {
    const { kind, target, method, oneWay } = call;
    if (target.length > maxTargetLength || method.length > maxMethodLength) {
      throw new RemotingError(
        `The name of the object or method to call is too long (${target.length + method.length} characters)`,
      );
    }
    const batch = this.#sender.batch;
    const flags =
      (oneWay ? callFlag.oneWay : 0) |
      (kind === "construct" ? callFlag.construct : 0) |
      (timeout > 0 ? callFlag.deadline : 0);
    batch.begin(frameKind.call, flags, id);
    const route = this.#routes.find(target, method);
    batch.writeVarUint(route);
    const definesRoute = route === 0 && !isObjectId(target) && this.#routes.hasRoom;
    if (route === 0) {
      if (definesRoute) batch.setFlag(callFlag.defineRoute);
      batch.writeString(target);
      batch.writeString(method);
    }
    if (timeout > 0) batch.writeUint32(Math.min(Math.ceil(timeout), 0xffff_ffff));
    this.#sender.writeFields(headers);
    batch.beginBody();
    return definesRoute;
  }

  #listen(id: number, pending: PendingCall, signal: AbortSignal): void {
    const abort = () => {
      const mayHaveExecuted = this.#abandon(id, pending);
      this.#settle(id)?.reject(new AbortError(undefined, { cause: signal.reason, mayHaveExecuted }));
    };
    signal.addEventListener("abort", abort, { once: true });
    pending.forgetSignal = () => signal.removeEventListener("abort", abort);
  }

  /** Tells the peer that a call is no longer wanted. Returns whether it may have been run. */
  #abandon(id: number, pending: PendingCall): boolean {
    if (pending.batch < 0) return false;
    const { batch } = this.#sender;
    if (pending.frame >= 0 && pending.batch === this.#sender.openBatch && !batch.isEmpty) {
      batch.withdraw(pending.frame);
      return false;
    }
    batch.begin(frameKind.cancel, 0, id);
    this.#sender.finish();
    return true;
  }

  #expire(now: number): number {
    let next = forEver;
    for (const [id, pending] of this.#pending.entries()) {
      if (pending.deadline > now) {
        if (pending.deadline < next) next = pending.deadline;
        continue;
      }
      const mayHaveExecuted = this.#abandon(id, pending);
      const { method, target, options } = pending.call;
      const name = method === "" ? target : `${target}.${method}`;
      const message = `${name} was not answered within ${options.timeout ?? this.#defaultTimeout} ms`;
      this.#settle(id)?.reject(new RemotingTimeoutError(message, { mayHaveExecuted }));
    }
    return next;
  }

  #settle(id: number): PendingCall | undefined {
    const pending = this.#pending.remove(id);
    if (this.#pending.size === 0) this.#onIdle();
    return pending;
  }

  /** Resolves the one-way calls that were handed to the transport. */
  onFlushed(): void {
    if (this.#oneWay.length === 0) return;
    const handedOver = this.#oneWay;
    this.#oneWay = [];
    for (const { resolve } of handedOver) resolve(undefined);
  }

  /** The peer has answered: `kind` is `result` or `thrown`. */
  onReturn(
    kind: number,
    id: number,
    bytes: Buffer,
    start: number,
    end: number,
    attachments: readonly Uint8Array[],
  ): void {
    const pending = this.#settle(id);
    // The answer to a call that was cancelled or timed out: nobody waits for it.
    if (pending === undefined) return;
    try {
      const value = this.#stage.formatter.parse(bytes, start, end, { attachments });
      if (kind === frameKind.result) pending.resolve(value);
      else pending.reject(this.#marshaler.thrownError(value));
    } catch (error) {
      pending.reject(executed(error));
    }
  }

  /** The same, for a payload that has to pass the channel sinks first. */
  onTransformedReturn(kind: number, id: number, payload: Payload): void {
    const undone = async () => {
      const { body, attachments } = await this.#stage.incoming(payload);
      const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
      this.onReturn(kind, id, bytes, 0, bytes.length, attachments);
    };
    undone().catch((error: unknown) => this.#settle(id)?.reject(executed(error)));
  }

  /** The peer could not or would not run the call, or could not send its result. */
  onFault(id: number, reader: ByteReader): void {
    const error = readFault(reader);
    this.#settle(id)?.reject(error);
  }

  /** The answer is more than this side takes. */
  onRefusedReturn(id: number, error: Error): void {
    this.#settle(id)?.reject(error);
  }

  /** Ends all calls. `describe` makes the error; its argument tells whether the call may have run. */
  close(describe: (mayHaveExecuted: boolean) => Error): void {
    this.#deadlines.stop();
    const handedOver = this.#sender.flushedBatches;
    for (const [id, { batch }] of this.#pending.entries()) {
      this.#settle(id)?.reject(describe(batch >= 0 && batch < handedOver));
    }
    for (const { reject } of this.#oneWay.splice(0)) reject(describe(false));
  }
}

/** An answer that cannot be understood is still the answer to a call that ran. */
function executed(error: unknown): unknown {
  if (error instanceof SerializationError) {
    return new SerializationError(error.message, {
      path: error.path,
      cause: error.cause,
      mayHaveExecuted: true,
    });
  }
  if (error instanceof LimitExceededError) {
    return new LimitExceededError(error.limit, error.message, { cause: error.cause, mayHaveExecuted: true });
  }
  return error;
}

/** Which flags a return may have; any other is a protocol error. */
export function checkReturnFlags(flags: number): void {
  const allowed = returnFlag.fields | returnFlag.segments | returnFlag.attachments;
  if ((flags & ~allowed) !== 0) throw protocolError(`a return has unknown flags (${flags})`);
}
