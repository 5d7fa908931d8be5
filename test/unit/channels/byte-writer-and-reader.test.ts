import { describe, expect, test } from "vitest";
import { ByteReader } from "../../../src/channels/byte-reader.ts";
import { ByteWriter } from "../../../src/channels/byte-writer.ts";
import { ConnectionLostError } from "../../../src/errors.ts";

function readerOf(bytes: Uint8Array): ByteReader {
  const reader = new ByteReader();
  const memory = Buffer.concat([Buffer.from([0xff]), bytes, Buffer.from([0xff])]);
  reader.reset(memory, 1, memory.length - 1);
  return reader;
}

describe("what ByteWriter writes, ByteReader reads", () => {
  test.each([
    0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 0x1f_ffff, 0x20_0000, 0xfff_ffff, 0x1000_0000, 0x8000_0000, 0xffff_ffff,
  ])("the integer %i", (value) => {
    const writer = new ByteWriter(Buffer.alloc(1));
    writer.writeVarUint(value);
    writer.writeUint32(value);
    const reader = readerOf(writer.written());
    expect([reader.readVarUint(), reader.readUint32(), reader.remaining]).toEqual([value, value, 0]);
  });

  test.each(["", "text", "Größe 漢字 😀", "x".repeat(5_000)])("the string %j", (value) => {
    const writer = new ByteWriter(Buffer.alloc(0));
    writer.writeString(value);
    writer.writeUint8(7);
    const reader = readerOf(writer.written());
    expect([reader.readString(10_000), reader.readUint8()]).toEqual([value, 7]);
  });

  test("growing keeps what was written", () => {
    const writer = new ByteWriter(Buffer.alloc(3));
    const parts = Array.from({ length: 100 }, (_, index) => Buffer.alloc(index, index));
    for (const part of parts) writer.writeBytes(part);
    expect(writer.written().equals(Buffer.concat(parts))).toBe(true);
  });
});

describe("ByteReader refuses", () => {
  const reads: readonly (readonly [string, number[], (reader: ByteReader) => unknown])[] = [
    ["a byte beyond the end", [], (reader) => reader.readUint8()],
    ["four bytes of three", [1, 2, 3], (reader) => reader.readUint32()],
    ["an integer without end", [0x80], (reader) => reader.readVarUint()],
    ["an integer of six bytes", [0x80, 0x80, 0x80, 0x80, 0x80, 0x01], (reader) => reader.readVarUint()],
    ["an integer of 33 bits", [0xff, 0xff, 0xff, 0xff, 0x1f], (reader) => reader.readVarUint()],
    ["a string that is longer than the rest", [4, 65, 66, 67], (reader) => reader.readString(10)],
    ["a string that is longer than allowed", [3, 65, 66, 67], (reader) => reader.readString(2)],
    [
      "a string that claims 4 GiB",
      [0xff, 0xff, 0xff, 0xff, 0x0f],
      (reader) => reader.readString(0xffff_ffff),
    ],
    ["to skip beyond the end", [1], (reader) => reader.skip(2)],
  ];

  test.each(reads)("%s", (_name, bytes, read) => {
    expect(() => read(readerOf(Buffer.from(bytes)))).toThrow(ConnectionLostError);
    expect(() => read(readerOf(Buffer.from(bytes)))).toThrow("The peer broke the protocol");
  });
});
