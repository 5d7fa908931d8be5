/**
 * The call context in bytes: readable without the formatter, by whoever stands between. Each value is its name and its
 * JSON text; an empty text is a value that was removed.
 */
import { LimitExceededError, SerializationError } from "../errors.ts";
import type { LogicalData, LogicalDataChanges, LogicalValue } from "../messages/logical-data.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import {
  checkContextName,
  checkContextSize,
  copyLogicalValue,
  maxContextBytes,
  maxContextEntries,
  maxContextNameLength,
} from "./context-rules.ts";

/** Data whose bytes are known: it flows with many calls and is written once. */
class EncodedData extends Map<string, LogicalValue> {
  bytes: Buffer | undefined;
}

/** Data that is sure to flow. Throws SerializationError or LimitExceededError if it is not. */
export function flowingData(entries: Iterable<readonly [string, LogicalValue]>): LogicalData {
  const data = new EncodedData(entries);
  data.bytes = encodeContext(data);
  return data;
}

/**
 * Writes what flows with a call, or comes back with its result.
 *
 * @throws SerializationError or LimitExceededError for what cannot flow: message sinks may have put anything there.
 */
export function encodeContext(context: LogicalDataChanges): Buffer {
  if (context instanceof EncodedData && context.bytes !== undefined) return context.bytes;
  const writer = new ByteWriter(Buffer.allocUnsafe(256));
  for (const [name, value] of context) {
    checkContextName(name);
    writer.writeString(name);
    writer.writeString(value === undefined ? "" : JSON.stringify(copyLogicalValue(value, name)));
    checkContextSize(context.size, writer.position);
  }
  return writer.written();
}

/** Reads what flows with calls of one peer: most of them bring the same as the one before. */
export class ContextDecoder {
  #last: EncodedData | undefined;

  /** Throws SerializationError or LimitExceededError. */
  decode(bytes: Buffer): LogicalData {
    const last = this.#last;
    if (last?.bytes?.equals(bytes)) return last;
    const data = new EncodedData();
    for (const [name, value] of decodeChanges(bytes)) {
      if (value === undefined) throw malformed(`"${name}" has no value`);
      data.set(name, value);
    }
    data.bytes = Buffer.from(bytes);
    this.#last = data;
    return data;
  }
}

/** Reads what comes back with a result. Throws SerializationError or LimitExceededError. */
export function decodeChanges(bytes: Buffer): LogicalDataChanges {
  checkContextSize(0, bytes.length);
  const reader = new ByteReader();
  reader.reset(bytes, 0, bytes.length);
  const context = new Map<string, LogicalValue | undefined>();
  try {
    while (reader.remaining > 0) {
      const name = reader.readString(maxContextNameLength);
      checkContextName(name);
      if (context.has(name)) throw malformed(`"${name}" comes twice`);
      const text = reader.readString(maxContextBytes);
      context.set(name, text === "" ? undefined : copyLogicalValue(JSON.parse(text), name));
      if (context.size > maxContextEntries) checkContextSize(context.size, bytes.length);
    }
  } catch (error) {
    if (error instanceof LimitExceededError || error instanceof SerializationError) throw error;
    throw malformed(error instanceof Error ? error.message : String(error));
  }
  return context;
}

function malformed(reason: string): SerializationError {
  return new SerializationError(`The call context that a peer has sent cannot be read: ${reason}`);
}
