import { describe, expect, test } from "vitest";
import { ByteReader } from "../../../src/channels/byte-reader.ts";
import { ByteWriter } from "../../../src/channels/byte-writer.ts";
import { ConnectError, ConnectionLostError } from "../../../src/errors.ts";
import { readHello, readWelcome, writeHello, writeWelcome } from "../../../src/session/handshake.ts";

const hello = {
  features: 0,
  formatter: "msgpack",
  sinks: ["compression", "seal"],
  maxPayloadBytes: 0xffff_ffff,
};

function helloBytes(): Buffer {
  const writer = new ByteWriter();
  writeHello(writer, hello);
  return Buffer.from(writer.written());
}

function readerOf(bytes: Buffer): ByteReader {
  const reader = new ByteReader();
  reader.reset(bytes, 0, bytes.length);
  return reader;
}

describe("handshake", () => {
  test("hello and welcome arrive as they were sent", () => {
    expect(readHello(readerOf(helloBytes()))).toEqual(hello);
    const writer = new ByteWriter();
    writeWelcome(writer, { features: 5, maxPayloadBytes: 7 });
    expect(readWelcome(readerOf(Buffer.from(writer.written())))).toEqual({ features: 5, maxPayloadBytes: 7 });
  });

  test("what a later version adds at the end is not looked at", () => {
    expect(readHello(readerOf(Buffer.concat([helloBytes(), Buffer.from("more")])))).toEqual(hello);
  });

  test("cut anywhere it is a protocol error", () => {
    const bytes = helloBytes();
    for (let length = 0; length < bytes.length; length++) {
      expect(() => readHello(readerOf(bytes.subarray(0, length)))).toThrow(ConnectionLostError);
    }
  });

  test("another first word is a stranger's", () => {
    const bytes = helloBytes();
    bytes.write("HTTP");
    expect(() => readHello(readerOf(bytes))).toThrow(ConnectionLostError);
    expect(() => readWelcome(readerOf(bytes))).toThrow(ConnectionLostError);
  });

  test("another major version is refused with both versions; another minor one is welcome", () => {
    const bytes = helloBytes();
    bytes[5] = 99;
    expect(readHello(readerOf(bytes))).toEqual(hello);
    bytes[4] = 2;
    expect(() => readHello(readerOf(bytes))).toThrow(ConnectError);
    expect(() => readHello(readerOf(bytes))).toThrow(/2\.99.*1\.0/);
    expect(() => readWelcome(readerOf(bytes))).toThrow(ConnectError);
  });

  test("names and the number of sinks are bounded, at N and N+1", () => {
    const write = (formatter: string, sinks: readonly string[]) => {
      const writer = new ByteWriter();
      writeHello(writer, { ...hello, formatter, sinks });
      return readerOf(Buffer.from(writer.written()));
    };
    const sinks = Array.from({ length: 32 }, (_, index) => `sink-${index}`);
    expect(readHello(write("f".repeat(64), sinks)).sinks).toEqual(sinks);
    expect(() => readHello(write("f".repeat(65), sinks))).toThrow(ConnectionLostError);
    expect(() => readHello(write("f", [...sinks, "more"]))).toThrow(ConnectionLostError);
    expect(() => readHello(write("f", ["s".repeat(65)]))).toThrow(ConnectionLostError);
  });
});
