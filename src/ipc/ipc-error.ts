/** Errors of named pipes, mailslots and file mappings. */
import { RemotingError } from "../errors.ts";

/**
 * What went wrong, the same on every system. `code` and `systemCode` have the system's own word for it.
 *
 * - `"not-found"`: nobody has created what was to be opened
 * - `"in-use"`: the name is taken
 * - `"busy"`: all instances of the pipe are connected
 * - `"timeout"`: it did not happen in the time that was given
 * - `"broken"`: the other end is gone
 * - `"not-connected"`: there is no other end yet, or it was disconnected
 * - `"closed"`: this end was closed
 * - `"too-large"`: a message is larger than the other end takes, or than the buffer that was given
 * - `"full"`: there is no room for it
 * - `"access-denied"`: the system refuses it, or a name is held by somebody whom it would be wrong to trust
 * - `"invalid"`: an argument or a name that the system does not take
 * - `"unsupported"`: this system cannot do it
 * - `"protocol"`: the other end sent what it should not
 * - `"system"`: anything else
 */
export type IpcFault =
  | "not-found"
  | "in-use"
  | "busy"
  | "timeout"
  | "broken"
  | "not-connected"
  | "closed"
  | "too-large"
  | "full"
  | "access-denied"
  | "invalid"
  | "unsupported"
  | "protocol"
  | "system";

/** What an {@link IpcError} is given. */
export interface IpcErrorOptions {
  /** The system's symbolic name, such as `"ERROR_PIPE_BUSY"` or `"EADDRINUSE"`. Default: made of the fault. */
  readonly code?: string;
  /** The system's number: 231 for ERROR_PIPE_BUSY, `errno` on POSIX. Default 0. */
  readonly systemCode?: number;
  /** The system's function that failed. Default none. */
  readonly systemCall?: string | undefined;
  /** The error underneath. */
  readonly cause?: unknown;
}

/**
 * An operation on a named pipe, a mailslot or a file mapping failed (System.IO.IOException with its HResult; the code
 * of GetLastError).
 *
 * @example
 * ```ts
 * try {
 *   await client.connect({ timeout: 1000 });
 * } catch (error) {
 *   if (error instanceof IpcError && error.fault === "busy") console.log(error.code); // "ERROR_PIPE_BUSY"
 *   else throw error;
 * }
 * ```
 */
export class IpcError extends RemotingError {
  /** What went wrong, the same on every system. */
  readonly fault: IpcFault;
  /** The system's number for it; 0 if it was found before the system was asked. */
  readonly systemCode: number;
  /** The system's function that failed, if one did. */
  readonly systemCall: string | undefined;

  constructor(fault: IpcFault, message: string, options: IpcErrorOptions = {}) {
    super(message, {
      code: options.code ?? `ERR_IPC_${fault.toUpperCase().replaceAll("-", "_")}`,
      ...("cause" in options ? { cause: options.cause } : {}),
    });
    this.fault = fault;
    this.systemCode = options.systemCode ?? 0;
    this.systemCall = options.systemCall;
  }

  static {
    IpcError.prototype.name = "IpcError";
  }
}

/** There is no native addon for this system, or it cannot be loaded. The message says what to do. */
export class NativeAddonError extends RemotingError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { ...options, code: "ERR_NATIVE_ADDON" });
  }

  static {
    NativeAddonError.prototype.name = "NativeAddonError";
  }
}
