/**
 * A call as one message of a mailslot. There is no handshake and no memory of earlier messages, so each says all: what
 * it is, what it is formatted with, and what it calls. `docs/channels/mailslot.md` has every byte.
 */
import { ByteReader, ByteWriter, LimitExceededError, RemotingError, SerializationError } from "../spi.ts";

const magic = 0x524d534c; // "RMSL"
const version = 1;

/** The longest names, in bytes, as in a session. */
const maxTargetLength = 3_072;
const maxMethodLength = 765;
const maxFormatterLength = 64;

/** More binaries than fit into any message. */
const maxAttachments = 1_024;

/** A call, with what the formatter has made of its arguments. */
export interface Datagram {
  readonly formatter: string;
  readonly target: string;
  readonly method: string;
  /** The call context, encoded; empty if nothing flows. */
  readonly context: Uint8Array;
  readonly attachments: readonly Uint8Array[];
  readonly body: Uint8Array;
}

/**
 * The bytes of a datagram.
 *
 * @param most The largest that can be sent.
 * @throws LimitExceededError if it is larger; RemotingError if a name is too long.
 */
export function writeDatagram(datagram: Datagram, most: number): Buffer {
  const { formatter, target, method, context, attachments, body } = datagram;
  if (Buffer.byteLength(target) > maxTargetLength || Buffer.byteLength(method) > maxMethodLength) {
    throw new RemotingError(
      `The name of the object or method to call is too long (${target.length + method.length} characters)`,
    );
  }
  const writer = new ByteWriter();
  writer.writeUint32(magic);
  writer.writeUint8(version);
  writer.writeUint8(0);
  writer.writeString(formatter);
  writer.writeString(target);
  writer.writeString(method);
  writer.writeVarUint(context.length);
  writer.writeBytes(context);
  writer.writeVarUint(attachments.length);
  for (const { length } of attachments) writer.writeVarUint(length);
  const total = attachments.reduce((sum, { length }) => sum + length, writer.position + body.length);
  if (total > most) {
    throw new LimitExceededError(
      "maxMessageSize",
      `The call has ${total} bytes, and a message of the mailslot may have ${most}: send less at a time, or use a channel with connections`,
    );
  }
  for (const attachment of attachments) writer.writeBytes(attachment);
  writer.writeBytes(body);
  return writer.written();
}

/**
 * Takes a datagram apart. The parts share its memory. Whoever sent it is not trusted.
 *
 * @throws SerializationError if it is none.
 */
export function readDatagram(bytes: Buffer): Datagram {
  const reader = new ByteReader();
  reader.reset(bytes, 0, bytes.length);
  try {
    return read(reader, bytes);
  } catch (cause) {
    if (cause instanceof SerializationError) throw cause;
    throw notADatagram(cause instanceof Error ? cause.message : String(cause));
  }
}

function read(reader: ByteReader, bytes: Buffer): Datagram {
  if (reader.readUint32() !== magic) throw notADatagram("it does not begin with RMSL");
  const spoken = reader.readUint8();
  if (spoken !== version) throw notADatagram(`it is of version ${spoken}, and this side speaks ${version}`);
  if (reader.readUint8() !== 0) throw notADatagram("it has flags that nobody knows");
  const formatter = reader.readString(maxFormatterLength);
  const target = reader.readString(maxTargetLength);
  const method = reader.readString(maxMethodLength);
  const context = take(reader, bytes, reader.readVarUint());
  const count = reader.readVarUint();
  if (count > maxAttachments) throw notADatagram(`it declares ${count} binaries`);
  const lengths = Array.from({ length: count }, () => reader.readVarUint());
  const attachments = lengths.map((length) => take(reader, bytes, length));
  return { formatter, target, method, context, attachments, body: take(reader, bytes, reader.remaining) };
}

function take(reader: ByteReader, bytes: Buffer, length: number): Buffer {
  const start = reader.position;
  return bytes.subarray(start, reader.skip(length));
}

function notADatagram(reason: string): SerializationError {
  return new SerializationError(`A message in a mailslot is no call: ${reason}`);
}
