/** How two sides agree before the first call: version, formatter, channel sinks, limits. */
import { type ByteReader, protocolError } from "../channels/byte-reader.ts";
import type { ByteWriter } from "../channels/byte-writer.ts";
import type { Formatter } from "../channels/formatter.ts";
import { ConnectError } from "../errors.ts";
import { protocolMagic, protocolVersion } from "./frame-kind.ts";
import type { SessionOptions } from "./session-options.ts";

const maxNameLength = 64;
const maxSinks = 32;
/** A limit travels in 32 bits; a larger one means as much as they can say. */
const maxSayable = 0xffff_ffff;

/** What a client asks for in `hello`. */
export interface ClientHello {
  /** Optional abilities, one bit each; none is defined yet. Each side uses what both have. */
  readonly features: number;
  readonly formatter: string;
  /** The names of the client's channel sinks, in order. */
  readonly sinks: readonly string[];
  /** The largest payload that the client takes, so that a larger one is refused before it is sent. */
  readonly maxPayloadBytes: number;
}

/** What a server answers in `welcome`. */
export interface ServerWelcome {
  readonly features: number;
  /** The largest payload that the server takes. */
  readonly maxPayloadBytes: number;
}

export function writeHello(writer: ByteWriter, hello: ClientHello): void {
  writer.writeUint32(protocolMagic);
  writer.writeUint8(protocolVersion.major);
  writer.writeUint8(protocolVersion.minor);
  writer.writeUint32(hello.features);
  writer.writeUint32(Math.min(hello.maxPayloadBytes, maxSayable));
  writer.writeString(hello.formatter);
  writer.writeVarUint(hello.sinks.length);
  for (const sink of hello.sinks) writer.writeString(sink);
}

/** Reads `hello`. Throws a protocol error for a stranger, a `ConnectError` for a peer of another version. */
export function readHello(reader: ByteReader): ClientHello {
  if (reader.readUint32() !== protocolMagic) throw protocolError("it does not begin with a handshake");
  expectVersion(reader.readUint8(), reader.readUint8());
  const features = reader.readUint32();
  const maxPayloadBytes = reader.readUint32();
  const formatter = reader.readString(maxNameLength);
  const count = reader.readVarUint();
  if (count > maxSinks) throw protocolError(`${count} channel sinks were named`);
  const sinks: string[] = [];
  for (let index = 0; index < count; index++) sinks.push(reader.readString(maxNameLength));
  return { features, formatter, sinks, maxPayloadBytes };
}

export function writeWelcome(writer: ByteWriter, welcome: ServerWelcome): void {
  writer.writeUint32(protocolMagic);
  writer.writeUint8(protocolVersion.major);
  writer.writeUint8(protocolVersion.minor);
  writer.writeUint32(welcome.features);
  writer.writeUint32(Math.min(welcome.maxPayloadBytes, maxSayable));
}

/** Reads `welcome`. Throws like {@link readHello}. */
export function readWelcome(reader: ByteReader): ServerWelcome {
  if (reader.readUint32() !== protocolMagic) throw protocolError("it does not begin with a handshake");
  expectVersion(reader.readUint8(), reader.readUint8());
  return { features: reader.readUint32(), maxPayloadBytes: reader.readUint32() };
}

function expectVersion(major: number, minor: number): void {
  if (major !== protocolVersion.major) {
    throw new ConnectError(
      `The peer speaks version ${major}.${minor} of the protocol and this side ${protocolVersion.major}.${protocolVersion.minor}: use the same major version of remoting on both sides`,
    );
  }
}

/**
 * Finds the formatter that both sides have, and makes sure that their channel sinks fit together.
 *
 * @throws ConnectError that says what each side has.
 */
export function negotiate(hello: ClientHello, { formatters, channelSinks }: SessionOptions): Formatter {
  const formatter = formatters.find(({ name }) => name === hello.formatter);
  if (formatter === undefined) {
    const known = formatters.map(({ name }) => name).join(", ");
    throw new ConnectError(`The client wants the formatter "${hello.formatter}"; the server has ${known}`);
  }
  const sinks = channelSinks.map(({ name }) => name);
  if (sinks.join() !== hello.sinks.join()) {
    throw new ConnectError(
      `The client's channel sinks are [${hello.sinks.join(", ")}] and the server's [${sinks.join(", ")}]: configure both sides alike`,
    );
  }
  return formatter;
}
