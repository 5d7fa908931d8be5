import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type CompressionOptions, compression } from "../../../src/sinks/compression/compression-sink.ts";
import { LimitExceededError, type Payload, SerializationError } from "../../../src/spi.ts";

const create = (options?: CompressionOptions) => compression(options).createSink();

function payloadOf(body: Uint8Array, headers: readonly (readonly [string, string])[] = []): Payload {
  return { body, attachments: [Buffer.from("attached")], headers: new Map(headers) };
}

describe("compression", () => {
  test("what is compressed unpacks to the same, and attachments and others' headers pass as they are", async () => {
    const sink = create();
    const payload = payloadOf(Buffer.alloc(100_000, "abc"), [["other", "header"]]);
    const packed = await sink.outgoing(payload);
    expect(packed.body.length).toBeLessThan(1_000);
    expect(packed.attachments).toEqual(payload.attachments);
    expect(packed.headers.get("other")).toBe("header");
    const unpacked = await sink.incoming(packed);
    expect(Buffer.from(unpacked.body).equals(Buffer.from(payload.body))).toBe(true);
    expect(unpacked.attachments).toEqual(payload.attachments);
    expect([...unpacked.headers]).toEqual([["other", "header"]]);
  });

  test("the threshold at N-1 and N; what is below passes untouched and at once", () => {
    const sink = create({ threshold: 100 });
    const small = payloadOf(Buffer.alloc(99));
    expect(sink.outgoing(small)).toBe(small);
    expect(sink.incoming(small)).toBe(small);
    expect(sink.outgoing(payloadOf(Buffer.alloc(100)))).toBeInstanceOf(Promise);
  });

  test("what does not get smaller is sent as it is", async () => {
    const random = Buffer.from(
      Array.from({ length: 2_000 }, (_, index) => (index * index * 31 + (index >> 3)) & 0xff),
    );
    const already = deflateRawSync(deflateRawSync(random));
    const payload = payloadOf(already);
    expect(await create({ threshold: 1 }).outgoing(payload)).toBe(payload);
  });

  test("what may be unpacked is bounded at N and N+1", async () => {
    const sink = create({ maxUnpackedBytes: 10_000 });
    const packed = (length: number) =>
      payloadOf(deflateRawSync(Buffer.alloc(length)), [["content-encoding", "deflate"]]);
    expect((await sink.incoming(packed(10_000))).body).toHaveLength(10_000);
    const refused = Promise.resolve(sink.incoming(packed(10_001)));
    await expect(refused).rejects.toThrow(LimitExceededError);
    await expect(refused).rejects.toMatchObject({ limit: "maxUnpackedBytes" });
  });

  test("a few kilobytes that would be a gigabyte are refused", async () => {
    const bomb = deflateRawSync(Buffer.alloc(64 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(100_000);
    const refused = create().incoming(payloadOf(bomb, [["content-encoding", "deflate"]]));
    await expect(refused).rejects.toMatchObject({ limit: "maxUnpackedBytes" });
  });

  test.each([
    ["garbage", Buffer.from([0xff, 0xff, 0xff, 0xff]), "deflate"],
    ["nothing", Buffer.alloc(0), "deflate"],
    ["something cut", deflateRawSync(Buffer.alloc(10_000, "abcdef")).subarray(0, 10), "deflate"],
    ["another encoding", deflateRawSync(Buffer.alloc(10)), "brotli"],
    ["an empty encoding", deflateRawSync(Buffer.alloc(10)), ""],
  ])("%s cannot be unpacked", async (_name, body, encoding) => {
    await expect(
      Promise.resolve(create().incoming(payloadOf(body, [["content-encoding", encoding]]))),
    ).rejects.toThrow(SerializationError);
  });
});
