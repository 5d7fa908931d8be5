/**
 * The errors that a caller can meet: one base class and few subclasses, divided by fault, so that code can
 * tell "the method threw" from "the wire broke" from "you may not". `docs/errors.md` has an entry for each.
 *
 * Cancellation is not among the subclasses: it is the platform's `AbortError`, see {@link AbortError}.
 */

/** What every {@link RemotingError} can be given beside its message. */
export interface RemotingErrorOptions {
  /** The error underneath, kept as the standard `cause`. */
  cause?: unknown;
  /** Whether the remote method may have run. Default `false`: most faults are found before a call leaves. */
  mayHaveExecuted?: boolean;
}

/**
 * Base of all errors that the framework itself raises (System.Runtime.Remoting.RemotingException).
 *
 * @example
 * ```ts
 * try {
 *   await account.withdraw(10);
 * } catch (error) {
 *   if (error instanceof RemotingError && !error.mayHaveExecuted) retryLater();
 *   else throw error;
 * }
 * ```
 */
export class RemotingError extends Error {
  /** A stable, machine-readable name of the fault, such as `"ERR_CONNECT"`. Messages may change, codes do not. */
  readonly code: string;
  /**
   * `false` only when it is certain that the remote method did not run, so that the call can be repeated
   * safely. `true` means "perhaps".
   */
  readonly mayHaveExecuted: boolean;

  constructor(message: string, options: RemotingErrorOptions & { code?: string } = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = options.code ?? "ERR_REMOTING";
    this.mayHaveExecuted = options.mayHaveExecuted ?? false;
  }

  static {
    // On the prototype, so that it is not an own property that clutters every printed error.
    RemotingError.prototype.name = "RemotingError";
  }
}

/**
 * The remote method ran and threw (System.ServerException, or the original exception in .NET).
 * `message` is the remote error's message; its class name is {@link remoteName}.
 */
export class RemoteInvocationError extends RemotingError {
  /** The `name` of the error that was thrown remotely, for example `"RangeError"`. */
  readonly remoteName: string;
  /**
   * Where it was thrown, with a note for each process that it came through. `undefined` if the server does not tell
   * this caller: see `customErrors` of `RemotingDomainOptions`.
   */
  readonly remoteStack: string | undefined;

  constructor(
    remoteName: string,
    message: string,
    options: RemotingErrorOptions & { remoteStack?: string | undefined } = {},
  ) {
    super(message, { mayHaveExecuted: true, ...options, code: "ERR_REMOTE_INVOCATION" });
    this.remoteName = remoteName;
    this.remoteStack = options.remoteStack;
  }

  static {
    RemoteInvocationError.prototype.name = "RemoteInvocationError";
  }
}

/** Nothing is published under the URI, or the type is not registered for activation. The method did not run. */
export class ServiceNotFoundError extends RemotingError {
  constructor(message: string, options: RemotingErrorOptions = {}) {
    super(message, { ...options, code: "ERR_SERVICE_NOT_FOUND" });
  }

  static {
    ServiceNotFoundError.prototype.name = "ServiceNotFoundError";
  }
}

/** The object has no such remotable method (System.MissingMethodException). The method did not run. */
export class MethodNotFoundError extends RemotingError {
  constructor(message: string, options: RemotingErrorOptions = {}) {
    super(message, { ...options, code: "ERR_METHOD_NOT_FOUND" });
  }

  static {
    MethodNotFoundError.prototype.name = "MethodNotFoundError";
  }
}

/** The by-reference object behind a proxy is gone: disposed of, expired, or its process has restarted. */
export class ObjectDisconnectedError extends RemotingError {
  constructor(message: string, options: RemotingErrorOptions = {}) {
    super(message, { ...options, code: "ERR_OBJECT_DISCONNECTED" });
  }

  static {
    ObjectDisconnectedError.prototype.name = "ObjectDisconnectedError";
  }
}

/** No connection could be made, or the handshake was refused. The call was never sent. */
export class ConnectError extends RemotingError {
  constructor(message: string, options: RemotingErrorOptions = {}) {
    super(message, { ...options, mayHaveExecuted: false, code: "ERR_CONNECT" });
  }

  static {
    ConnectError.prototype.name = "ConnectError";
  }
}

/** Why a connection ended, see {@link ConnectionLostError.reason}. */
export type ConnectionLostReason =
  /** The peer, or the operating system on its behalf, closed the connection. */
  | "closed"
  /** This side closed it: the domain or the channel was closed while calls were under way. */
  | "local"
  /** The peer broke the protocol, so its bytes can no longer be trusted. */
  | "protocol"
  /** The peer gave no sign of life for the keep-alive time. */
  | "unresponsive"
  /** The peer reads too slowly: more bytes were queued for it than the limit allows. */
  | "slow-reader";

/** An established connection was lost. All its calls settle at once with this error. */
export class ConnectionLostError extends RemotingError {
  /** Why the connection ended. */
  readonly reason: ConnectionLostReason;

  constructor(message: string, options: RemotingErrorOptions & { reason?: ConnectionLostReason } = {}) {
    super(message, { ...options, code: "ERR_CONNECTION_LOST" });
    this.reason = options.reason ?? "closed";
  }

  static {
    ConnectionLostError.prototype.name = "ConnectionLostError";
  }
}

/** The call's deadline passed (System.Runtime.Remoting.RemotingTimeoutException). The method may still be running. */
export class RemotingTimeoutError extends RemotingError {
  constructor(message: string, options: RemotingErrorOptions = {}) {
    super(message, { ...options, code: "ERR_REMOTING_TIMEOUT" });
  }

  static {
    RemotingTimeoutError.prototype.name = "RemotingTimeoutError";
  }
}

/** A value cannot travel, or what arrived cannot be decoded (System.SerializationException). */
export class SerializationError extends RemotingError {
  /** Where in the message the value is, for example `"args[0].owner.socket"`; empty when it is the message itself. */
  readonly path: string;

  constructor(message: string, options: RemotingErrorOptions & { path?: string } = {}) {
    super(message, { ...options, code: "ERR_SERIALIZATION" });
    this.path = options.path ?? "";
  }

  static {
    SerializationError.prototype.name = "SerializationError";
  }
}

/** The caller may not do this (System.SecurityException). The method did not run. */
export class AccessDeniedError extends RemotingError {
  constructor(message: string, options: RemotingErrorOptions = {}) {
    super(message, { ...options, code: "ERR_ACCESS_DENIED" });
  }

  static {
    AccessDeniedError.prototype.name = "AccessDeniedError";
  }
}

/** A limit was reached; the message names it and its value. The method did not run unless the result was too large. */
export class LimitExceededError extends RemotingError {
  /** The limit's name in the configuration, for example `"maxCallsInFlight"`. */
  readonly limit: string;

  constructor(limit: string, message: string, options: RemotingErrorOptions = {}) {
    super(message, { ...options, code: "ERR_LIMIT_EXCEEDED" });
    this.limit = limit;
  }

  static {
    LimitExceededError.prototype.name = "LimitExceededError";
  }
}

/**
 * A cancelled call, in the platform's shape: `name` is `"AbortError"`, `code` is `"ABORT_ERR"`, `cause` is
 * the signal's reason, as Node's own functions reject. Deliberately not a {@link RemotingError}: code that
 * already treats `error.name === "AbortError"` as "the user changed their mind" keeps working.
 */
export class AbortError extends Error {
  readonly code = "ABORT_ERR";
  /** `false` when the call was cancelled before it was sent. */
  readonly mayHaveExecuted: boolean;

  constructor(message = "The call was aborted", options: RemotingErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.mayHaveExecuted = options.mayHaveExecuted ?? false;
  }

  static {
    AbortError.prototype.name = "AbortError";
  }
}

/** What was thrown, in words. Never throws itself, whatever the thing does when it is looked at. */
export function describeThrown(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return "something that cannot be described";
  }
}

/** The stack of what was thrown, if it has one. Never throws itself, as {@link describeThrown}. */
export function stackOf(thrown: unknown): string | undefined {
  try {
    const stack = thrown instanceof Error ? thrown.stack : undefined;
    return typeof stack === "string" ? stack : undefined;
  } catch {
    return undefined;
  }
}
