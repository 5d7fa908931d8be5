/** Errors of the framework on the wire: a number and a text, so that they can be told without a formatter. */
import type { ByteReader } from "../channels/byte-reader.ts";
import type { ByteWriter } from "../channels/byte-writer.ts";
import {
  AccessDeniedError,
  ConnectError,
  ConnectionLostError,
  describeThrown,
  LimitExceededError,
  MethodNotFoundError,
  ObjectDisconnectedError,
  RemotingError,
  type RemotingErrorOptions,
  RemotingTimeoutError,
  SerializationError,
  ServiceNotFoundError,
} from "../errors.ts";

interface FaultKind {
  readonly code: string;
  /** @param detail What the class has beside its message: a path, the name of a limit. */
  create(message: string, detail: string, options: RemotingErrorOptions): RemotingError;
}

/** The index is the number on the wire: new ones are added at the end. An unknown number reads as the first. */
const faultKinds: readonly FaultKind[] = [
  { code: "ERR_REMOTING", create: (message, _detail, options) => new RemotingError(message, options) },
  {
    code: "ERR_SERVICE_NOT_FOUND",
    create: (message, _detail, options) => new ServiceNotFoundError(message, options),
  },
  {
    code: "ERR_METHOD_NOT_FOUND",
    create: (message, _detail, options) => new MethodNotFoundError(message, options),
  },
  {
    code: "ERR_OBJECT_DISCONNECTED",
    create: (message, _detail, options) => new ObjectDisconnectedError(message, options),
  },
  {
    code: "ERR_SERIALIZATION",
    create: (message, path, options) => new SerializationError(message, { ...options, path }),
  },
  {
    code: "ERR_ACCESS_DENIED",
    create: (message, _detail, options) => new AccessDeniedError(message, options),
  },
  {
    code: "ERR_LIMIT_EXCEEDED",
    create: (message, limit, options) => new LimitExceededError(limit, message, options),
  },
  {
    code: "ERR_REMOTING_TIMEOUT",
    create: (message, _detail, options) => new RemotingTimeoutError(message, options),
  },
  {
    code: "ERR_CONNECTION_LOST",
    create: (message, _detail, options) => new ConnectionLostError(message, options),
  },
  { code: "ERR_CONNECT", create: (message, _detail, options) => new ConnectError(message, options) },
];

const numberByCode = new Map(faultKinds.map((kind, number) => [kind.code, number]));

const maxFaultText = 4096;

function clip(text: string): string {
  return text.length > 1000 ? `${text.slice(0, 1000)}…` : text;
}

function detailOf(error: RemotingError): string {
  if (error instanceof SerializationError) return error.path;
  if (error instanceof LimitExceededError) return error.limit;
  return "";
}

/** What was thrown, as {@link writeFault} can write it: it must not throw in the middle of a frame. */
export function faultOf(thrown: unknown): RemotingError {
  try {
    if (!(thrown instanceof RemotingError)) {
      return new RemotingError(describeThrown(thrown), { cause: thrown });
    }
    if (typeof thrown.message === "string" && typeof detailOf(thrown) === "string") return thrown;
  } catch {
    // What cannot be looked at is described below.
  }
  return new RemotingError("An error that cannot be examined", { cause: thrown });
}

/** Writes the body of a `fault` or `refuse` frame. */
export function writeFault(writer: ByteWriter, error: RemotingError, mayHaveExecuted: boolean): void {
  writer.writeUint8(numberByCode.get(error.code) ?? 0);
  writer.writeUint8(mayHaveExecuted ? 1 : 0);
  writer.writeString(clip(error.message));
  writer.writeString(clip(detailOf(error)));
}

/** Reads what {@link writeFault} wrote. */
export function readFault(reader: ByteReader): RemotingError {
  const kind = faultKinds[reader.readUint8()] ?? faultKinds[0];
  const mayHaveExecuted = reader.readUint8() !== 0;
  const message = reader.readString(maxFaultText);
  const detail = reader.readString(maxFaultText);
  return kind === undefined
    ? new RemotingError(message, { mayHaveExecuted })
    : kind.create(message, detail, { mayHaveExecuted });
}
