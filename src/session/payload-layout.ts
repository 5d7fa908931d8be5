/** Where the parts of a payload are: in the frame itself, or in the segments that followed it. */
import { readUint32 } from "../channels/big-endian.ts";
import { type ByteReader, protocolError } from "../channels/byte-reader.ts";
import { noAttachments } from "../channels/payload.ts";
import { callFlag } from "./frame-kind.ts";
import { allocateReceived } from "./received-memory.ts";

/** A payload that was found. */
export interface PayloadLocation {
  readonly bytes: Buffer;
  /** The body is `bytes[start..end)`. */
  readonly start: number;
  readonly end: number;
  /** Memory that the receiver may keep. */
  readonly attachments: readonly Uint8Array[];
}

/**
 * Finds the payload of a call or return.
 *
 * @param reader Stands at the end of the frame's header.
 * @param segments What followed the frame.
 * @param owned Whether the reader's memory belongs to this message alone. If not, attachments are copied out of it.
 */
export function readPayload(
  flags: number,
  reader: ByteReader,
  segments: readonly Buffer[],
  owned: boolean,
): PayloadLocation {
  const { bytes, position, end } = reader;
  if ((flags & callFlag.segments) !== 0) {
    const [body, ...attachments] = segments;
    if (body === undefined) throw protocolError("a payload was announced in segments, but there are none");
    return { bytes: body, start: 0, end: body.length, attachments };
  }
  if ((flags & callFlag.attachments) === 0)
    return { bytes, start: position, end, attachments: noAttachments };
  if (end - position < 4) throw protocolError("a frame ends before its attachments");
  const count = readUint32(bytes, position);
  const table = position + 4;
  const bodyStart = table + count * 4;
  if (bodyStart > end) throw protocolError(`a frame declares ${count} attachments, which it has no room for`);
  let total = 0;
  for (let index = 0; index < count; index++) total += readUint32(bytes, table + index * 4);
  const bodyEnd = end - total;
  if (bodyEnd < bodyStart) throw protocolError("the attachments of a frame are longer than the frame");
  const attachments: Uint8Array[] = [];
  let at = bodyEnd;
  for (let index = 0; index < count; index++) {
    const length = readUint32(bytes, table + index * 4);
    attachments.push(owned ? bytes.subarray(at, at + length) : copyOf(bytes, at, at + length));
    at += length;
  }
  return { bytes, start: bodyStart, end: bodyEnd, attachments };
}

function copyOf(bytes: Buffer, start: number, end: number): Buffer {
  const copy = allocateReceived(end - start);
  bytes.copy(copy, 0, start, end);
  return copy;
}
