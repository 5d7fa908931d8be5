/** From what the addon throws, in the system's words, to an {@link IpcError} that says what to do. */
import { IpcError, type IpcFault } from "./ipc-error.ts";

/** What the systems' codes mean. A code that is not here is a `"system"` fault. */
const faultsByCode: ReadonlyMap<string, IpcFault> = new Map([
  ["ENOENT", "not-found"],
  // A socket that nobody serves any more: its server has died.
  ["ECONNREFUSED", "not-found"],
  ["ERROR_FILE_NOT_FOUND", "not-found"],
  ["ERROR_PATH_NOT_FOUND", "not-found"],
  ["EEXIST", "in-use"],
  ["EADDRINUSE", "in-use"],
  ["ERROR_ALREADY_EXISTS", "in-use"],
  ["EAGAIN", "busy"],
  ["EBUSY", "busy"],
  ["ERROR_BUSY", "busy"],
  ["ERROR_PIPE_BUSY", "busy"],
  ["ETIMEDOUT", "timeout"],
  ["ERROR_SEM_TIMEOUT", "timeout"],
  ["ERROR_TIMEOUT", "timeout"],
  ["WAIT_TIMEOUT", "timeout"],
  ["EPIPE", "broken"],
  ["ECONNRESET", "broken"],
  ["ERROR_BROKEN_PIPE", "broken"],
  // What a mailslot says to a writer when its server has closed it (STATUS_FILE_FORCED_CLOSED).
  ["ERROR_HANDLE_EOF", "broken"],
  ["ERROR_NO_DATA", "broken"],
  ["ENOTCONN", "not-connected"],
  ["ERROR_PIPE_NOT_CONNECTED", "not-connected"],
  ["ERROR_PIPE_LISTENING", "not-connected"],
  ["EMSGSIZE", "too-large"],
  ["EFBIG", "too-large"],
  ["ERROR_INSUFFICIENT_BUFFER", "too-large"],
  ["ERROR_MORE_DATA", "too-large"],
  ["ENOSPC", "full"],
  ["ENOBUFS", "full"],
  ["ENOMEM", "full"],
  ["EMFILE", "full"],
  ["ENFILE", "full"],
  ["ERROR_TOO_MANY_OPEN_FILES", "full"],
  ["ERROR_NOT_ENOUGH_MEMORY", "full"],
  ["ERROR_OUTOFMEMORY", "full"],
  ["ERROR_COMMITMENT_LIMIT", "full"],
  ["ERROR_NO_SYSTEM_RESOURCES", "full"],
  ["EACCES", "access-denied"],
  ["EPERM", "access-denied"],
  ["ERROR_ACCESS_DENIED", "access-denied"],
  ["ERROR_PRIVILEGE_NOT_HELD", "access-denied"],
  ["EINVAL", "invalid"],
  ["ENAMETOOLONG", "invalid"],
  ["ERROR_INVALID_HANDLE", "invalid"],
  ["ERROR_INVALID_NAME", "invalid"],
  ["ERROR_INVALID_PARAMETER", "invalid"],
  ["ERROR_BAD_PATHNAME", "invalid"],
  ["ERROR_FILENAME_EXCED_RANGE", "invalid"],
  ["ENOSYS", "unsupported"],
  ["ENOTSUP", "unsupported"],
  ["ERROR_NOT_SUPPORTED", "unsupported"],
  ["ERROR_REMOTE_MAILSLOTS_DEPRECATED", "unsupported"],
]);

/** What a code of the system means. */
export function faultOfCode(code: string): IpcFault {
  return faultsByCode.get(code) ?? "system";
}

const faults = new Set<unknown>([...faultsByCode.values(), "closed", "protocol", "system"]);

function isFault(value: unknown): value is IpcFault {
  return faults.has(value);
}

/** What the addon's errors have beside their message; see native/system_error.h. */
interface NativeError {
  readonly fault?: unknown;
  readonly code?: unknown;
  readonly errno?: unknown;
  readonly syscall?: unknown;
}

/**
 * The error for something that the addon could not do.
 *
 * @param cause What the addon threw, or an error that is passed on as it is: an `IpcError`, a `TypeError`, a `RangeError`.
 * @param doing What was to be done, to stand behind "Cannot": `open the file mapping "Local\HelloWorld"`. Missing where
 *   whoever gets the error says so.
 * @param advice What to do about a fault, in a sentence.
 */
export function ipcErrorFrom(
  cause: unknown,
  doing: string | undefined,
  advice: Partial<Readonly<Record<IpcFault, string>>> = {},
): Error {
  const start = doing === undefined ? "" : `Cannot ${doing}: `;
  if (!(cause instanceof Error)) return new IpcError("system", `${start}${String(cause)}`, { cause });
  if (cause instanceof IpcError || cause instanceof TypeError || cause instanceof RangeError) return cause;
  const { fault: told, code, errno, syscall }: Error & NativeError = cause;
  const fault = isFault(told) ? told : faultOfCode(typeof code === "string" ? code : "");
  const hint = advice[fault];
  return new IpcError(fault, `${start}${cause.message}${hint === undefined ? "" : `. ${hint}`}`, {
    ...(typeof code === "string" ? { code } : {}),
    ...(typeof errno === "number" ? { systemCode: errno } : {}),
    ...(typeof syscall === "string" ? { systemCall: syscall } : {}),
    cause,
  });
}
