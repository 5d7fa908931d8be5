/**
 * One multiplexed conversation over a duplex connection: many calls in flight both ways. The client's end is
 * made before there is a connection, and keeps what it is given until there is one.
 *
 * This file is the life of a session: connecting, handshake, open, closed. Frames are sorted in `frame-router.ts`,
 * calls are in `outgoing-calls.ts` and `incoming-calls.ts`, bytes in `frame-sender.ts` and `message-assembler.ts`.
 */
import { type ByteReader, protocolError } from "../channels/byte-reader.ts";
import type { Connection, ConnectionHandler } from "../channels/connection.ts";
import type { Formatter } from "../channels/formatter.ts";
import { ConnectionLostError, type ConnectionLostReason, describeThrown, RemotingError } from "../errors.ts";
import type { ContextReceiver } from "../messages/logical-data.ts";
import type { MethodCall } from "../messages/method-call.ts";
import type { PeerInfo } from "../messages/peer-info.ts";
import type { Agreement, Handshake } from "./agreement.ts";
import { rejectAtCaller } from "./caller-stack.ts";
import { ClientHandshake } from "./client-handshake.ts";
import { Conversation } from "./conversation.ts";
import { writeFault } from "./fault.ts";
import type { FrameBatch } from "./frame-batch.ts";
import { feature, frameKind, signalFlag } from "./frame-kind.ts";
import { FrameRouter, type RoutedSession } from "./frame-router.ts";
import { type FlushObserver, FrameSender } from "./frame-sender.ts";
import type { IdleObserver } from "./idle-observer.ts";
import { Liveness, type Watched } from "./liveness.ts";
import { MessageAssembler } from "./message-assembler.ts";
import { monotonicTime } from "./monotonic-clock.ts";
import { ServerHandshake } from "./server-handshake.ts";
import { callError, connectError, describePeer, isRefusal } from "./session-errors.ts";
import { handshakeMessageLimit, messageLimit } from "./session-limits.ts";
import type { OwnedSession, SessionOptions, SessionOwner } from "./session-options.ts";
import { SessionPeer } from "./session-peer.ts";

/**
 * What was sent last gets the rest of the grace, and at least so many milliseconds, to leave when a connection is closed:
 * a peer that does not read keeps nobody waiting.
 */
const farewellTime = 500;

/** Closes a connection, or, if its peer does not take what was sent within `patience` milliseconds, ends it. */
async function endConnection(connection: Connection, patience: number): Promise<void> {
  const timer = setTimeout(() => connection.destroy(), patience);
  try {
    await connection.close();
  } finally {
    clearTimeout(timer);
  }
}

/** See the head of this file. */
export class Session
  implements ConnectionHandler, FlushObserver, IdleObserver, RoutedSession, OwnedSession, Watched
{
  /** Who is at the other end. */
  readonly peer: SessionPeer;
  readonly #options: SessionOptions;
  readonly #owner: SessionOwner;
  readonly #role: "client" | "server";
  readonly #sender: FrameSender;
  readonly #router: FrameRouter;
  readonly #assembler: MessageAssembler;
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
  #closeListeners: ((error: Error | undefined) => void)[] | undefined;
  /** Whether the peer has said that it takes no new calls. */
  #isPeerDraining = false;
  messageLimit = handshakeMessageLimit;
  readonly #liveness: Liveness;

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
    // A client's end first, so that it never closes under a call that has just been sent.
    const idleTimeout = limits.idleTimeout * (role === "client" ? 1 : 2);
    this.#liveness = new Liveness(limits, idleTimeout, this);
    this.#sender = new FrameSender(pool, limits, owner.budgets.queued, this);
    this.#router = new FrameRouter(this, this.#sender, pool, limits, owner.budgets.incomplete);
    this.#assembler = new MessageAssembler(this.#router);
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
    return new Promise((resolve) => this.#onceClosed(resolve));
  }

  // --- life -----------------------------------------------------------------------------------------

  #converse(formatter: Formatter): Conversation {
    return new Conversation(this, this.#options, this.#owner, this.#sender, formatter, this);
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
      this.#end(connectError(this.peer, cause));
      this.#connection?.destroy();
    } finally {
      clearTimeout(timer);
      this.#openAttempt = undefined;
    }
  }

  #attach(connection: Connection): void {
    const { handshakeTimeout } = this.#options.limits;
    this.#connection = connection;
    this.peer.isLocal = connection.isLocal ?? false;
    this.#state = "handshake";
    this.#handshakeTimer = setTimeout(() => {
      this.giveUp("unresponsive", `no handshake within ${handshakeTimeout} ms`);
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
    const { pool } = this.#options;
    const batch = pool.acquireBatch();
    batch.begin(kind, 0, 0);
    write(batch);
    batch.end();
    const length = batch.position;
    this.#connection?.send(batch.take(), length, pool.buffers.release);
    pool.releaseBatch(batch);
    this.#connection?.flush();
  }

  #open({ formatter, maxPayloadBytes, principal, features }: Agreement): void {
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
    this.#sender.usesCredit = (features & feature.credit) !== 0;
    this.#sender.isReportedPromptly = (features & feature.promptCredit) !== 0 && this.peer.isLocal;
    this.#options.heartbeat.add(this.#liveness);
    this.#owner.sessionOpened(this);
    this.#sender.open(connection);
    this.#updateKeepAlive();
  }

  /** Ends a session whose handshake is not over, and tells the client why. */
  turnAway(error: RemotingError): void {
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
    const graceEnd = monotonicTime() + grace;
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
        : new ConnectionLostError(`The connection ${describePeer(this.peer)} was closed by this side`, {
            reason: "local",
          }),
    );
    this.#openAttempt?.abort(new Error("closed by this side"));
    if (connection === undefined) return;
    await endConnection(connection, Math.max(farewellTime, graceEnd - monotonicTime()));
  }

  #whenIdle(conversation: Conversation, grace: number): Promise<void> {
    if (conversation.isIdle) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, grace);
      this.#idleListener = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#onceClosed(this.#idleListener);
    });
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
    this.#options.heartbeat.remove(this.#liveness);
    const conversation = this.#conversation;
    conversation?.incoming.close();
    conversation?.outgoing?.close((mayHaveExecuted) => callError(this.peer, error, opened, mayHaveExecuted));
    this.#sender.close();
    this.#router.close();
    conversation?.host.closed(error);
    this.#owner.sessionClosed(this, error, opened);
    this.#error = error;
    const listeners = this.#closeListeners ?? [];
    this.#closeListeners = undefined;
    for (const listener of listeners) listener(error);
  }

  #onceClosed(listener: (error: Error | undefined) => void): void {
    this.#closeListeners ??= [];
    this.#closeListeners.push(listener);
  }

  onIdle(): void {
    this.#updateKeepAlive();
    if (this.#isPeerDraining) this.#leaveIfDone();
    const listener = this.#idleListener;
    if (listener && this.#conversation?.isIdle) listener();
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
      (conversation !== undefined && (!conversation.isIdle || conversation.host.holdsReferences));
    if (active === this.#keepsAlive) return;
    this.#keepsAlive = active;
    this.#connection.keepAlive(active);
  }

  onFlushed(): void {
    this.#conversation?.outgoing?.onFlushed();
    const { overloaded } = this.#sender;
    if (overloaded !== undefined) {
      this.giveUp("slow-reader", `${this.#sender.queuedBytes} bytes wait for it to read (${overloaded})`);
    } else if (!this.#sender.isCongested) {
      this.#conversation?.incoming.resume();
    }
  }

  // --- what is watched ------------------------------------------------------------------------------

  get queuedBytes(): number {
    return this.#sender.queuedBytes;
  }

  get takenBytes(): number {
    return this.#sender.takenBytes;
  }

  get partialMessage(): number {
    return this.#assembler.partialMessage;
  }

  get staleSince(): number | undefined {
    return this.#router.staleSince;
  }

  get isInUse(): boolean {
    const wasUsed = this.#router.takeUse();
    const conversation = this.#conversation;
    if (wasUsed || conversation === undefined || !conversation.isIdle) return true;
    return conversation.host.holdsReferences || conversation.host.borrowsReferences;
  }

  retire(): void {
    void this.close(0);
  }

  probe(): void {
    this.#writeFrame(frameKind.ping, 0, 0);
  }

  giveUp(reason: ConnectionLostReason, message: string): void {
    this.#failWith(
      new ConnectionLostError(`The connection ${describePeer(this.peer)} is given up: ${message}`, {
        reason,
      }),
    );
  }

  // --- what the domain asks for ---------------------------------------------------------------------

  get outgoingCalls(): number {
    return this.#conversation?.outgoing?.size ?? 0;
  }

  get incomingCalls(): number {
    return this.#conversation?.incoming.size ?? 0;
  }

  send(call: MethodCall, receiver?: ContextReceiver): Promise<unknown> {
    const conversation = this.#conversation;
    if (this.#state === "closed" || conversation === undefined) {
      return rejectAtCaller(
        new ConnectionLostError(`The connection ${describePeer(this.peer)} is closed`, {
          reason: "closed",
        }),
      );
    }
    const result = conversation.calling().send(call, receiver);
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

  // --- what the connection brings -------------------------------------------------------------------

  get accepting(): boolean {
    return this.#state !== "closed";
  }

  get openConversation(): Conversation | undefined {
    return this.#state === "open" ? this.#conversation : undefined;
  }

  onHandshakeFrame(kind: number, reader: ByteReader): void {
    const agreement = this.#handshake?.onFrame(kind, reader);
    if (agreement !== undefined) this.#open(agreement);
  }

  onReleased(): void {
    this.#updateKeepAlive();
    if (this.#isPeerDraining) this.#leaveIfDone();
  }

  onGoAway(): void {
    if (this.#isPeerDraining) return;
    this.#isPeerDraining = true;
    this.#owner.peerDraining(this);
    this.#leaveIfDone();
  }

  /**
   * A client leaves a server that takes no new calls as soon as nothing is under way: the server closes by itself, but
   * one that only says so would otherwise make its clients keep a connection for each time it does.
   */
  #leaveIfDone(): void {
    const conversation = this.#conversation;
    if (this.#role === "server" || this.#state !== "open" || conversation === undefined) return;
    const { isIdle, host } = conversation;
    if (isIdle && !host.holdsReferences && !host.borrowsReferences) void this.close(0);
  }

  onMessage(bytes: Buffer, start: number, end: number, remaining: number): void {
    if (this.#state === "closed") return;
    this.#liveness.heard = (this.#liveness.heard + 1) | 0;
    try {
      this.#sender.beginMessage();
      this.#assembler.receive(bytes, start, end, remaining);
      this.#router.endOfMessage();
    } catch (error) {
      if (this.#role === "server" && isRefusal(error)) this.turnAway(error);
      else this.#failWith(error instanceof Error ? error : new RemotingError(describeThrown(error)));
    }
  }

  get destination(): Buffer | undefined {
    return this.#assembler.destination;
  }

  onInvalid(reason: string): void {
    this.#failWith(protocolError(reason));
  }

  onWait(): void {
    this.#sender.flushBeforeWait();
  }

  onDrain(): void {
    if (this.#state === "open") this.#sender.flush();
  }

  onClose(error?: Error): void {
    const during = this.#state === "handshake" ? " during the handshake" : "";
    const isMute = during !== "" && this.#role === "client" && this.#liveness.heard === 0;
    const closed = isMute
      ? "the peer closed it without a word: does it speak something else there, such as TLS?"
      : "the peer closed it";
    const detail = error === undefined ? closed : error.message;
    this.#end(
      new ConnectionLostError(`The connection ${describePeer(this.peer)} was lost${during}: ${detail}`, {
        reason: "closed",
        ...(error === undefined ? {} : { cause: error }),
      }),
    );
  }
}
