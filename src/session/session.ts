/**
 * One multiplexed conversation over a duplex connection: many calls in flight both ways. The client's end is
 * made before there is a connection, and keeps what it is given until there is one.
 *
 * This file is the life of a session (connecting, handshake, open, closed) and the sorting of frames; calls
 * are in `outgoing-calls.ts` and `incoming-calls.ts`, bytes in `frame-sender.ts` and `message-assembler.ts`.
 */
import { ByteReader, protocolError } from "../channels/byte-reader.ts";
import type { PeerInfo } from "../channels/channel.ts";
import type { Connection, ConnectionHandler } from "../channels/connection.ts";
import type { Formatter } from "../channels/formatter.ts";
import { FormatterSink } from "../channels/formatter-sink.ts";
import { noHeaders } from "../channels/payload.ts";
import type { PeerHost } from "../channels/peer-host.ts";
import {
  AccessDeniedError,
  ConnectError,
  ConnectionLostError,
  type ConnectionLostReason,
  RemotingError,
} from "../errors.ts";
import type { MethodCall } from "../messages/method-call.ts";
import type { Agreement, Handshake } from "./agreement.ts";
import { ClientHandshake } from "./client-handshake.ts";
import { writeFault } from "./fault.ts";
import { FrameBatch } from "./frame-batch.ts";
import { readFields } from "./frame-fields.ts";
import { callFlag, fragmentFlag, frameHeaderSize, frameKind, signalFlag } from "./frame-kind.ts";
import { FrameSender } from "./frame-sender.ts";
import type { Pulse } from "./heartbeat.ts";
import { HeldFrames } from "./held-frames.ts";
import { IncomingCalls } from "./incoming-calls.ts";
import type { IncompleteFrame } from "./incoming-segments.ts";
import { type FrameReceiver, MessageAssembler } from "./message-assembler.ts";
import { checkReturnFlags, OutgoingCalls } from "./outgoing-calls.ts";
import { readPayload } from "./payload-layout.ts";
import { PayloadStage } from "./payload-stage.ts";
import { ServerHandshake } from "./server-handshake.ts";
import { handshakeMessageLimit, messageLimit } from "./session-limits.ts";
import type { OwnedSession, SessionOptions, SessionOwner } from "./session-options.ts";
import { SessionPeer } from "./session-peer.ts";

/** What exists as soon as it is known how to format. */
interface Conversation {
  readonly host: PeerHost;
  readonly stage: PayloadStage;
  readonly incoming: IncomingCalls;
  /** Made with the first call: most servers never call their clients. */
  outgoing: OutgoingCalls | undefined;
}

const noSegments: readonly Buffer[] = [];

/** See the head of this file. */
export class Session implements ConnectionHandler, FrameReceiver, OwnedSession, Pulse {
  /** Who is at the other end. */
  readonly peer: SessionPeer;
  readonly #options: SessionOptions;
  readonly #owner: SessionOwner;
  readonly #role: "client" | "server";
  readonly #sender: FrameSender;
  readonly #assembler = new MessageAssembler(this);
  readonly #reader = new ByteReader();
  #held: HeldFrames | undefined;
  #openAttempt: AbortController | undefined;
  #state: "connecting" | "handshake" | "open" | "closed" = "connecting";
  #handshake: Handshake | undefined;
  #conversation: Conversation | undefined;
  #connection: Connection | undefined;
  #handshakeTimer: NodeJS.Timeout | undefined;
  /** Whether the connection keeps the process running at present. */
  #keepsAlive = true;
  #idleListener: (() => void) | undefined;
  #error: Error | undefined;
  #closeListeners: ((error: Error | undefined) => void)[] = [];
  messageLimit = handshakeMessageLimit;
  lastHeard = performance.now();
  askedAt: number | undefined = undefined;
  readonly pingInterval: number;
  readonly pingTimeout: number;

  private constructor(
    options: SessionOptions,
    owner: SessionOwner,
    peer: PeerInfo,
    role: "client" | "server",
  ) {
    const { limits, pool } = options;
    this.#options = options;
    this.#owner = owner;
    this.peer = new SessionPeer(peer);
    this.#role = role;
    this.pingInterval = limits.pingInterval;
    this.pingTimeout = limits.pingTimeout;
    this.#sender = new FrameSender(pool, limits.maxPayloadBytes, () => this.#onFlushed());
  }

  /** The client's end. Takes calls at once; they leave when the connection is open. */
  static connect(
    options: SessionOptions,
    owner: SessionOwner,
    peer: PeerInfo,
    open: (signal: AbortSignal) => Promise<Connection>,
  ): Session {
    const session = new Session(options, owner, peer, "client");
    session.#conversation = session.#converse(options.formatters[0]);
    void session.#connect(open);
    return session;
  }

  /** The server's end of a connection that was accepted. */
  static accept(
    options: SessionOptions,
    owner: SessionOwner,
    peer: PeerInfo,
    connection: Connection,
  ): Session {
    const session = new Session(options, owner, peer, "server");
    session.#attach(connection);
    return session;
  }

  /** Whether calls can be sent: not once it was closed or lost. */
  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /** Resolves when the session has ended, with the error if it did not end in good order. */
  whenClosed(): Promise<Error | undefined> {
    if (this.#state === "closed") return Promise.resolve(this.#error);
    return new Promise((resolve) => this.#closeListeners.push(resolve));
  }

  /** The peer, as messages to people put it. */
  get #peerName(): string {
    const { url, peerName, direction } = this.peer;
    return direction === "outgoing" ? `to ${url}` : `from ${peerName} to ${url}`;
  }

  // --- life -----------------------------------------------------------------------------------------

  #converse(formatter: Formatter): Conversation {
    const options = this.#options;
    const sender = this.#sender;
    const host = this.#owner.openPeer(this.peer, this);
    const codec = formatter.createCodec({
      limits: options.limits,
      sendDefinition: (definition) => sender.batch.insert(frameKind.definition, definition),
    });
    const formatterSink = new FormatterSink(codec, host.marshaler);
    const stage = new PayloadStage(
      formatterSink,
      options.channelSinks.map((provider) => provider.createSink()),
    );
    const incoming = new IncomingCalls(
      sender,
      stage,
      host.dispatcher,
      host.marshaler,
      options.limits.maxCallsInFlight,
      this.#owner,
      () => this.#onIdle(),
    );
    return { host, stage, incoming, outgoing: undefined };
  }

  #outgoing(conversation: Conversation): OutgoingCalls {
    conversation.outgoing ??= new OutgoingCalls(
      this.#sender,
      conversation.stage,
      conversation.host.marshaler,
      this.#owner.defaultTimeout,
      () => this.#onIdle(),
    );
    return conversation.outgoing;
  }

  async #connect(open: (signal: AbortSignal) => Promise<Connection>): Promise<void> {
    const { connectTimeout } = this.#options.limits;
    const attempt = new AbortController();
    this.#openAttempt = attempt;
    const timer = setTimeout(() => {
      attempt.abort(new Error(`no connection within ${connectTimeout} ms`));
    }, connectTimeout);
    try {
      const connection = await open(attempt.signal);
      if (this.#state === "closed") connection.destroy();
      else this.#attach(connection);
    } catch (cause) {
      this.#end(this.#connectError(cause));
    } finally {
      clearTimeout(timer);
      this.#openAttempt = undefined;
    }
  }

  #connectError(cause: unknown): ConnectError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new ConnectError(`Cannot connect to ${this.peer.url}: ${reason}`, { cause });
  }

  #attach(connection: Connection): void {
    const { handshakeTimeout } = this.#options.limits;
    this.#connection = connection;
    this.#state = "handshake";
    this.#handshakeTimer = setTimeout(() => {
      this.#fail("unresponsive", `no handshake within ${handshakeTimeout} ms`);
    }, handshakeTimeout);
    this.#handshakeTimer.unref();
    connection.start(this);
    const send = (kind: number, write: (batch: FrameBatch) => void) => this.#sendAlone(kind, write);
    this.#handshake =
      this.#role === "client"
        ? new ClientHandshake(this.#options, connection, this.peer.url, send)
        : new ServerHandshake(this.#options, connection, send);
    this.#handshake.begin();
  }

  /** Sends a frame of the handshake, past what the sender keeps. */
  #sendAlone(kind: number, write: (batch: FrameBatch) => void): void {
    const batch = new FrameBatch(this.#options.pool);
    batch.begin(kind, 0, 0);
    write(batch);
    batch.end();
    const length = batch.position;
    this.#connection?.send(batch.take(), length, this.#options.pool.release);
    this.#connection?.flush();
  }

  #open({ formatter, maxPayloadBytes, principal }: Agreement): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#handshake = undefined;
    this.peer.principal = principal;
    this.#conversation ??= this.#converse(formatter);
    clearTimeout(this.#handshakeTimer);
    this.#handshakeTimer = undefined;
    this.#state = "open";
    this.messageLimit = messageLimit;
    this.#sender.maxPayloadBytes = Math.min(maxPayloadBytes, this.#options.limits.maxPayloadBytes);
    this.#options.heartbeat.add(this);
    this.#owner.sessionOpened(this);
    this.#sender.open(connection);
    this.#updateKeepAlive();
  }

  /** Ends a handshake that cannot succeed, and tells the client why. */
  #refuse(error: RemotingError): void {
    this.#sendAlone(frameKind.refuse, (batch) => writeFault(batch, error, false));
    const connection = this.#connection;
    this.#connection = undefined;
    this.#end(error);
    void connection?.close();
  }

  /**
   * Ends in good order: takes no new calls, lets those under way finish for at most `grace` milliseconds.
   * Resolves when the connection has ended.
   */
  async close(grace: number): Promise<void> {
    const conversation = this.#conversation;
    if (conversation !== undefined && this.#state !== "open" && this.#state !== "closed") {
      // Calls that wait for the connection are under way too.
      await this.#whenIdle(conversation, grace);
    } else if (this.#state === "open" && conversation !== undefined) {
      conversation.incoming.drain();
      this.#writeFrame(frameKind.goAway, 0, 0);
      await this.#whenIdle(conversation, grace);
    }
    if (this.#state === "closed") return;
    const opened = this.#state === "open";
    this.#sender.flush();
    const connection = this.#connection;
    this.#connection = undefined;
    this.#end(
      opened && (conversation?.outgoing?.size ?? 0) === 0
        ? undefined
        : new ConnectionLostError(`The connection ${this.#peerName} was closed by this side`, {
            reason: "local",
          }),
    );
    this.#openAttempt?.abort(new Error("closed by this side"));
    await connection?.close();
  }

  #whenIdle(conversation: Conversation, grace: number): Promise<void> {
    if (isIdle(conversation)) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, grace);
      this.#idleListener = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#closeListeners.push(this.#idleListener);
    });
  }

  #fail(reason: ConnectionLostReason, message: string): void {
    this.#failWith(
      new ConnectionLostError(`The connection ${this.#peerName} is given up: ${message}`, {
        reason,
      }),
    );
  }

  #failWith(error: Error): void {
    if (this.#state === "closed") return;
    this.#end(error);
    this.#connection?.destroy();
  }

  /** The one place where a session ends: settles everything, once. */
  #end(error: Error | undefined): void {
    if (this.#state === "closed") return;
    const opened = this.#state === "open";
    this.#state = "closed";
    clearTimeout(this.#handshakeTimer);
    this.#options.heartbeat.remove(this);
    const conversation = this.#conversation;
    conversation?.incoming.close();
    conversation?.outgoing?.close((mayHaveExecuted) => this.#callError(error, opened, mayHaveExecuted));
    this.#sender.close();
    conversation?.host.closed(error);
    this.#owner.sessionClosed(this, error, opened);
    this.#error = error;
    for (const listener of this.#closeListeners.splice(0)) listener(error);
  }

  /** What a call rejects with that was under way when the session ended. */
  #callError(error: Error | undefined, opened: boolean, mayHaveExecuted: boolean): Error {
    const url = this.peer.url;
    if (!opened) {
      if (error === undefined) return new ConnectError(`${url} was closed`);
      if (isRefusal(error)) return error;
      return new ConnectError(`Cannot connect to ${url}: ${error.message}`, { cause: error });
    }
    const reason = error instanceof ConnectionLostError ? error.reason : "closed";
    const message =
      error instanceof ConnectionLostError
        ? error.message
        : `The connection ${this.#peerName} was lost: ${error?.message ?? "closed"}`;
    return new ConnectionLostError(message, { reason, mayHaveExecuted, cause: error });
  }

  #onIdle(): void {
    this.#updateKeepAlive();
    const listener = this.#idleListener;
    if (listener !== undefined && this.#conversation !== undefined && isIdle(this.#conversation)) listener();
  }

  /**
   * A client keeps its process running while it waits for something, or has lent the peer something that may
   * be called. An idle one does not, so that a script ends when it is done.
   */
  #updateKeepAlive(): void {
    if (this.#role === "server" || this.#connection === undefined) return;
    const conversation = this.#conversation;
    const active =
      this.#state !== "open" ||
      (conversation !== undefined && (!isIdle(conversation) || conversation.host.holdsReferences));
    if (active === this.#keepsAlive) return;
    this.#keepsAlive = active;
    this.#connection.keepAlive(active);
  }

  #onFlushed(): void {
    this.#conversation?.outgoing?.onFlushed();
    const { maxQueuedBytes } = this.#options.limits;
    if ((this.#connection?.queuedBytes ?? 0) > maxQueuedBytes) {
      this.#fail("slow-reader", `more than ${maxQueuedBytes} bytes wait for it to read (maxQueuedBytes)`);
    }
  }

  // --- what the domain asks for ---------------------------------------------------------------------

  send(call: MethodCall): Promise<unknown> {
    const conversation = this.#conversation;
    if (this.#state === "closed" || conversation === undefined) {
      return Promise.reject(
        new ConnectionLostError(`The connection ${this.#peerName} is closed`, {
          reason: "closed",
        }),
      );
    }
    const result = this.#outgoing(conversation).send(call);
    if (!this.#keepsAlive) this.#updateKeepAlive();
    return result;
  }

  release(id: string, count: number): void {
    if (this.#state === "closed") return;
    const { batch } = this.#sender;
    batch.begin(frameKind.release, 0, 0);
    batch.writeString(id);
    batch.writeVarUint(count);
    this.#sender.finish();
  }

  changeSignal(id: number, aborted: boolean): void {
    if (this.#state !== "closed") this.#writeFrame(frameKind.signal, aborted ? signalFlag.aborted : 0, id);
  }

  #writeFrame(kind: number, flags: number, id: number): void {
    this.#sender.batch.begin(kind, flags, id);
    this.#sender.finish();
  }

  probe(): void {
    this.#writeFrame(frameKind.ping, 0, 0);
  }

  expire(): void {
    this.#fail("unresponsive", `no sign of life for ${this.pingInterval + this.pingTimeout} ms`);
  }

  // --- what the connection brings -------------------------------------------------------------------

  get accepting(): boolean {
    return this.#state !== "closed";
  }

  onMessage(bytes: Buffer, start: number, end: number, remaining: number): void {
    if (this.#state === "closed") return;
    this.lastHeard = performance.now();
    try {
      this.#assembler.receive(bytes, start, end, remaining);
      this.#reader.clear();
    } catch (error) {
      if (this.#role === "server" && isRefusal(error)) this.#refuse(error);
      else this.#failWith(error instanceof Error ? error : new RemotingError(String(error)));
    }
  }

  onInvalid(reason: string): void {
    this.#failWith(protocolError(reason));
  }

  onDrain(): void {
    if (this.#state === "open") this.#sender.flush();
  }

  onClose(error?: Error): void {
    const during = this.#state === "handshake" ? " during the handshake" : "";
    const detail = error === undefined ? "the peer closed it" : error.message;
    this.#end(
      new ConnectionLostError(`The connection ${this.#peerName} was lost${during}: ${detail}`, {
        reason: "closed",
        ...(error === undefined ? {} : { cause: error }),
      }),
    );
  }

  onFrame(
    kind: number,
    flags: number,
    id: number,
    bytes: Buffer,
    start: number,
    end: number,
    owned: boolean,
  ): void {
    const reader = this.#reader;
    reader.reset(bytes, start, end);
    if (this.#state !== "open") {
      const agreement = this.#handshake?.onFrame(kind, reader);
      if (agreement !== undefined) this.#open(agreement);
      return;
    }
    const { host, stage, outgoing, incoming } = this.#opened();
    switch (kind) {
      case frameKind.call:
      case frameKind.withdrawn:
        if ((flags & callFlag.segments) === 0)
          incoming.onCall(flags, id, reader, noSegments, owned, kind === frameKind.withdrawn);
        else
          this.#heldFrames().holdCall(
            id,
            bytes,
            start,
            end,
            incoming.readRoute(flags, reader),
            incoming.size,
          );
        break;
      case frameKind.result:
      case frameKind.thrown:
        checkReturnFlags(flags);
        if ((flags & callFlag.segments) === 0) this.#onReturn(kind, flags, id, reader, noSegments, owned);
        else this.#heldFrames().holdReturn(id, bytes, start, end);
        break;
      case frameKind.fault:
        outgoing?.onFault(id, reader);
        break;
      case frameKind.cancel:
        incoming.onCancel(id);
        break;
      case frameKind.segments:
        this.#onComplete(id, flags, this.#heldFrames().announce(flags, id, reader));
        break;
      case frameKind.definition:
        stage.formatter.receiveDefinition(Buffer.from(bytes.subarray(start, end)));
        break;
      case frameKind.release:
        host.released(reader.readString(256), reader.readVarUint());
        this.#updateKeepAlive();
        break;
      case frameKind.signal:
        host.signalChanged(id, (flags & signalFlag.aborted) !== 0);
        break;
      case frameKind.ping:
        this.#writeFrame(frameKind.pong, 0, id);
        break;
      case frameKind.goAway:
        this.#owner.peerDraining(this);
        break;
      case frameKind.hello:
      case frameKind.welcome:
      case frameKind.refuse:
        throw protocolError("a handshake came in the middle of a session");
      default:
        // A pong, or a kind of a later minor version: that something came is all that counts.
        break;
    }
  }

  #opened(): Conversation {
    if (this.#conversation === undefined) throw protocolError("a frame came before the handshake");
    return this.#conversation;
  }

  #heldFrames(): HeldFrames {
    this.#held ??= new HeldFrames(this.#options.limits);
    return this.#held;
  }

  onFragment(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (this.#state !== "open") throw protocolError("a fragment came before the handshake");
    this.#onComplete(id, flags, this.#heldFrames().append(flags, id, bytes, start, end));
  }

  /** A frame and all its segments are here: goes on as if they had come in one piece. */
  #onComplete(id: number, fragmentFlags: number, complete: IncompleteFrame | undefined): void {
    if (complete === undefined) return;
    const { outgoing, incoming } = this.#opened();
    const { frame, route, segments = noSegments, refused } = complete;
    const kind = frame[0] ?? 0;
    const flags = frame[1] ?? 0;
    const isReturn = (fragmentFlags & fragmentFlag.ofReturn) !== 0;
    if (refused !== undefined) {
      if (isReturn) outgoing?.onRefusedReturn(id, refused);
      else incoming.onRefusedCall(flags, id, refused);
      return;
    }
    const reader = this.#reader;
    reader.reset(frame, frameHeaderSize - 4, frame.length);
    if (isReturn) this.#onReturn(kind, flags, id, reader, segments, true);
    else incoming.onCall(flags, id, reader, segments, true, kind === frameKind.withdrawn, route);
  }

  #onReturn(
    kind: number,
    flags: number,
    id: number,
    reader: ByteReader,
    segments: readonly Buffer[],
    owned: boolean,
  ): void {
    const { outgoing } = this.#opened();
    const headers = (flags & callFlag.fields) === 0 ? noHeaders : readFields(reader);
    const { bytes, start, end, attachments } = readPayload(flags, reader, segments, owned);
    if (this.#options.channelSinks.length === 0) {
      outgoing?.onReturn(kind, id, bytes, start, end, attachments);
    } else {
      outgoing?.onTransformedReturn(kind, id, {
        body: Buffer.from(bytes.subarray(start, end)),
        attachments,
        headers,
      });
    }
  }
}

function isIdle({ outgoing, incoming }: Conversation): boolean {
  return (outgoing === undefined || outgoing.size === 0) && incoming.size === 0;
}

/** Whether a client that is turned away with this error should be told why. */
function isRefusal(error: unknown): error is RemotingError {
  return error instanceof ConnectError || error instanceof AccessDeniedError;
}
