/** The optional fields of a frame: those that are not known are passed over, so that newer peers can be understood. */
import { type ByteReader, protocolError } from "../channels/byte-reader.ts";
import { noHeaders } from "../channels/payload.ts";
import { fieldNumber } from "./frame-kind.ts";

/** The most that channel sinks can tell each other with one payload, in bytes. */
export const maxHeaderText = 4096;

/** Reads the fields and returns the channel sinks' headers. */
export function readFields(reader: ByteReader): ReadonlyMap<string, string> {
  const length = reader.readVarUint();
  if (length > reader.remaining) throw protocolError("a frame ends too early");
  const end = reader.position + length;
  let headers = noHeaders;
  while (reader.position < end) {
    const number = reader.readUint8();
    if (number === fieldNumber.sinkHeaders) {
      headers = parseHeaders(reader.readString(maxHeaderText));
    } else {
      reader.skip(reader.readVarUint());
    }
  }
  if (reader.position !== end) throw protocolError("the fields of a frame are longer than they say");
  return headers;
}

function parseHeaders(text: string): ReadonlyMap<string, string> {
  const lines = text.split("\n");
  const headers = new Map<string, string>();
  for (let index = 0; index + 1 < lines.length; index += 2) {
    headers.set(lines[index] ?? "", lines[index + 1] ?? "");
  }
  return headers;
}
