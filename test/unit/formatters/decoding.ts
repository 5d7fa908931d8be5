/** How the formatter tests encode and decode: as a session does, without one. */
import {
  ByteWriter,
  type Codec,
  defaultPayloadLimits,
  type Formatter,
  type PayloadLimits,
  Tagged,
  type WireValue,
} from "../../../src/spi.ts";

/** A codec and what it has told its peer. */
export interface TestCodec {
  readonly codec: Codec;
  readonly definitions: Buffer[];
}

export function createCodec(formatter: Formatter, limits: Partial<PayloadLimits> = {}): TestCodec {
  const definitions: Buffer[] = [];
  const codec = formatter.createCodec({
    limits: { ...defaultPayloadLimits, ...limits },
    sendDefinition: (definition) => void definitions.push(Buffer.from(definition)),
  });
  return { codec, definitions };
}

export function encode(codec: Codec, value: WireValue): Buffer {
  const writer = new ByteWriter(Buffer.alloc(4));
  writer.writeUint8(0xaa);
  codec.encode(value, writer);
  return Buffer.from(writer.written().subarray(1));
}

/** Decodes in the middle of other bytes, which must not be looked at. Tagged values come out as {@link Tagged}. */
export function decode(codec: Codec, bytes: Uint8Array): unknown {
  const memory = Buffer.concat([Buffer.from([0xc1, 0x22]), bytes, Buffer.from([0x22, 0xc1])]);
  return codec.decode(memory, 2, 2 + bytes.length, {
    resolve: (items) => new Tagged(items as Tagged["items"]),
  });
}
