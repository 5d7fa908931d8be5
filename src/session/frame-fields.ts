/** The optional fields of a frame: those that are not known are passed over, so that newer peers can be understood. */
import { type ByteReader, protocolError } from "../channels/byte-reader.ts";
import { noHeaders } from "../channels/payload.ts";
import { fieldNumber } from "./frame-kind.ts";

/** The most that channel sinks can tell each other with one payload, in bytes. */
export const maxHeaderText = 4096;

/** What was found. */
export interface FrameFields {
  /** What the peer's channel sinks say. */
  readonly headers: ReadonlyMap<string, string>;
  /** The call context, not yet looked at; it shares memory with the frame. */
  readonly context: Buffer | undefined;
}

/** The fields of a frame that has none. */
export const noFields: FrameFields = { headers: noHeaders, context: undefined };

/** Reads the fields of a frame. */
export function readFields(reader: ByteReader): FrameFields {
  const length = reader.readVarUint();
  if (length > reader.remaining) throw protocolError("a frame ends too early");
  const end = reader.position + length;
  let headers = noHeaders;
  let context: Buffer | undefined;
  while (reader.position < end) {
    const number = reader.readUint8();
    if (number === fieldNumber.sinkHeaders) {
      headers = parseHeaders(reader.readString(maxHeaderText));
    } else if (number === fieldNumber.context) {
      const bytes = reader.readVarUint();
      const start = reader.position;
      context = reader.bytes.subarray(start, reader.skip(bytes));
    } else {
      reader.skip(reader.readVarUint());
    }
  }
  if (reader.position !== end) throw protocolError("the fields of a frame are longer than they say");
  return { headers, context };
}

function parseHeaders(text: string): ReadonlyMap<string, string> {
  const lines = text.split("\n");
  const headers = new Map<string, string>();
  for (let index = 0; index + 1 < lines.length; index += 2) {
    headers.set(lines[index] ?? "", lines[index + 1] ?? "");
  }
  return headers;
}
