/** What the ends of a pipe can be told. */
import { IpcError } from "../ipc-error.ts";
import type { NativePipeOptions } from "./native-pipes.ts";
import { parsePipeName } from "./pipe-name.ts";

/**
 * Which way data goes, seen from the server as in Windows (PIPE_ACCESS_*): `"inbound"` from client to server,
 * `"outbound"` from server to client. For a client it says what it does itself: `"inbound"` reads.
 * (System.IO.Pipes.PipeDirection, which says In and Out for both.)
 */
export type PipeDirection = "inbound" | "outbound" | "duplex";

/**
 * Whether boundaries are kept: a `"message"` is read as it was written, `"byte"`s flow together
 * (System.IO.Pipes.PipeTransmissionMode; PIPE_TYPE_*, PIPE_READMODE_*).
 */
export type PipeTransmissionMode = "message" | "byte";

/** Who may open a pipe. By default its owner only. */
export interface PipeSecurity {
  /**
   * Windows: a security descriptor in SDDL, such as `"D:(A;;GA;;;SY)(A;;GRGW;;;BU)"`. Default: full access for the
   * owner, nobody else. One that names no owner gets the user that runs the server. Ignored on POSIX.
   */
  readonly sddl?: string;
  /** Windows, for clients: see {@link NamedPipeClientOptions.trustedOwner}. */
  readonly trustedOwner?: string;
  /**
   * POSIX: the rights of the socket. Default `0o600`. More than the owner's need a {@link folder}. Ignored on Windows.
   */
  readonly mode?: number;
  /**
   * POSIX: the folder in which the socket lies, for servers and clients of different users. It must exist, belong to
   * the server's user and be writable for nobody else; a client trusts its owner. Default: a folder of the user's own,
   * `$XDG_RUNTIME_DIR/remoting` or `/tmp/remoting-<uid>`. Ignored on Windows.
   */
  readonly folder?: string;
}

/** What a {@link NamedPipeServer} can be told. All of it has defaults. */
export interface NamedPipeServerOptions {
  /** Default `"duplex"`. */
  readonly direction?: PipeDirection;
  /** The pipe's type. Default `"message"`: what Node's own pipes are not. */
  readonly transmissionMode?: PipeTransmissionMode;
  /** How this end reads. Default as the type; a `"message"` pipe can be read as `"byte"`s, not the other way round. */
  readonly readMode?: PipeTransmissionMode;
  /** How many instances there may be at once, as the first of them says: 1 to 254, or Infinity. Default 1, as in .NET. */
  readonly maxInstances?: number;
  /** Fails if the pipe exists, so that nobody can have made it before and listen in (FILE_FLAG_FIRST_PIPE_INSTANCE). Default false. */
  readonly firstInstance?: boolean;
  /** Lets in clients of other machines (Windows). Default false (PIPE_REJECT_REMOTE_CLIENTS). */
  readonly acceptRemote?: boolean;
  /** Windows: how much the system keeps for this end to read, in bytes. Default 64 KiB. POSIX has its own. */
  readonly inBufferSize?: number;
  /** Windows: how much the system keeps for the other end to read, in bytes. Default 64 KiB. POSIX has its own. */
  readonly outBufferSize?: number;
  /** Who may open it. Default its owner only. */
  readonly security?: PipeSecurity;
}

/** What a {@link NamedPipeClient} can be told. All of it has defaults. */
export interface NamedPipeClientOptions {
  /** What this end does: `"inbound"` reads, `"outbound"` writes. Default `"duplex"`. */
  readonly direction?: PipeDirection;
  /** How this end reads. Default as the pipe's type. */
  readonly readMode?: PipeTransmissionMode;
  /** POSIX: the server's {@link PipeSecurity.folder}. */
  readonly folder?: string;
  /**
   * Windows: the SID of a user whose server is trusted too, such as `"S-1-5-19"` (LocalService). Pipes of this user, of
   * the system and of administrators always are; all others are refused, for anybody can make a pipe of any name that
   * is free, and wait for clients of somebody else (PipeOptions.CurrentUserOnly). Ignored on POSIX, where the folder
   * says whom to trust.
   */
  readonly trustedOwner?: string;
}

const defaultBufferSize = 65_536;
const ownerOnly = 0o600;
const mostInstances = 254;

function checkChoice(what: string, value: string, choices: readonly string[]): void {
  if (!choices.includes(value)) {
    throw new TypeError(
      `${what} must be ${choices.map((choice) => `"${choice}"`).join(" or ")}, not "${value}"`,
    );
  }
}

/** Throws TypeError for a direction that is none. */
export function checkDirection(direction: PipeDirection): void {
  checkChoice("The direction of a pipe", direction, ["inbound", "outbound", "duplex"]);
}

/** Throws TypeError for a mode that is none. */
export function checkMode(what: string, mode: PipeTransmissionMode): void {
  checkChoice(what, mode, ["message", "byte"]);
}

function checkSize(what: string, size: number): void {
  if (!Number.isInteger(size) || size < 0 || size > 2 ** 31) {
    throw new TypeError(`${what} must be a number of bytes, not ${String(size)}`);
  }
}

/** A server's options as the addon takes them. */
export function nativeServerOptions(name: string, options: NamedPipeServerOptions): NativePipeOptions {
  const { direction = "duplex", transmissionMode = "message", maxInstances = 1, security = {} } = options;
  const { inBufferSize = defaultBufferSize, outBufferSize = defaultBufferSize } = options;
  checkDirection(direction);
  checkMode("The type of a pipe", transmissionMode);
  checkSize("inBufferSize", inBufferSize);
  checkSize("outBufferSize", outBufferSize);
  const isLimited = maxInstances !== Number.POSITIVE_INFINITY;
  if (isLimited && !(Number.isInteger(maxInstances) && maxInstances >= 1 && maxInstances <= mostInstances)) {
    throw new TypeError(
      `maxInstances must be 1 to ${mostInstances}, or Infinity, not ${String(maxInstances)}`,
    );
  }
  const { mode = ownerOnly, folder = "", sddl = "" } = security;
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777) {
    throw new TypeError(`The mode of a pipe must be 0 to 0o777, not ${String(mode)}`);
  }
  if ((mode & 0o077) !== 0 && folder === "") {
    throw new IpcError(
      "invalid",
      "A pipe that others may open needs a folder that they can reach: give security.folder, for example one below /run that belongs to this user",
    );
  }
  return {
    name: parsePipeName(name),
    folder,
    mode,
    security: sddl,
    trustedOwner: "",
    reads: direction !== "outbound",
    writes: direction !== "inbound",
    messageType: transmissionMode === "message",
    firstInstance: options.firstInstance ?? false,
    rejectRemote: !(options.acceptRemote ?? false),
    maxInstances: isLimited ? maxInstances : 0,
    inBufferSize,
    outBufferSize,
  };
}

/** A client's options as the addon takes them. */
export function nativeClientOptions(name: string, options: NamedPipeClientOptions): NativePipeOptions {
  const { direction = "duplex", folder = "", trustedOwner = "" } = options;
  checkDirection(direction);
  return {
    name: parsePipeName(name),
    folder,
    mode: ownerOnly,
    security: "",
    trustedOwner,
    reads: direction !== "outbound",
    writes: direction !== "inbound",
    messageType: true,
    firstInstance: false,
    rejectRemote: true,
    maxInstances: 0,
    inBufferSize: 0,
    outBufferSize: 0,
  };
}
