import { describe, expect, test } from "vitest";
import { ConnectionLostError } from "../../../src/errors.ts";
import { frameKind } from "../../../src/session/frame-kind.ts";
import { type FrameReceiver, MessageAssembler } from "../../../src/session/message-assembler.ts";

function frame(kind: number, id: number, body: string): Buffer {
  const bytes = Buffer.alloc(10 + body.length);
  bytes.writeUInt32BE(6 + body.length, 0);
  bytes[4] = kind;
  bytes[5] = 3;
  bytes.writeUInt32BE(id, 6);
  bytes.write(body, 10, "latin1");
  return bytes;
}

class Recorder implements FrameReceiver {
  accepting = true;
  readonly frames: string[] = [];
  readonly fragments = new Map<number, string>();
  stopAfter = Number.POSITIVE_INFINITY;
  /** Where the data of fragments is kept, if anywhere. */
  readonly kept = Buffer.alloc(64);
  #filled = 0;

  onFrame(kind: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    this.frames.push(`${kind} ${flags} ${id} ${bytes.toString("latin1", start, end)}`);
    if (this.frames.length >= this.stopAfter) this.accepting = false;
  }

  onFragment(_flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    this.fragments.set(id, (this.fragments.get(id) ?? "") + bytes.toString("latin1", start, end));
    if (bytes.buffer !== this.kept.buffer) bytes.copy(this.kept, this.#filled, start, end);
    this.#filled += end - start;
  }

  fragmentDestination(): Buffer {
    return this.kept.subarray(this.#filled);
  }
}

/** Delivers a message in pieces that end at the given places. */
function deliver(assembler: MessageAssembler, message: Buffer, cuts: readonly number[]): void {
  let start = 0;
  for (const end of [...cuts, message.length]) {
    // The memory is the transport's: it may be anything again after the call.
    const memory = Buffer.concat([Buffer.from("##"), message.subarray(start, end), Buffer.from("##")]);
    assembler.receive(memory, 2, 2 + end - start, message.length - end);
    memory.fill(0xff);
    start = end;
  }
}

const frames = Buffer.concat([
  frame(frameKind.call, 1, "first"),
  frame(frameKind.result, 2, ""),
  frame(200, 3, "third"),
]);
const expectedFrames = [`${frameKind.call} 3 1 first`, `${frameKind.result} 3 2 `, "200 3 3 third"];
const fragment = frame(frameKind.fragment, 9, "the data of a fragment");

/** Delivers the first bytes of a message, and what follows in pieces of a size where the assembler wants them. */
function deliverDirectly(assembler: MessageAssembler, message: Buffer, first: number, size: number): void {
  assembler.receive(message, 0, first, message.length - first);
  for (let at = first; at < message.length; at += size) {
    const length = Math.min(size, message.length - at);
    const target = assembler.destination;
    if (target === undefined) throw new Error(`nowhere to put what comes after ${at} bytes`);
    message.copy(target, 0, at, at + length);
    assembler.receive(target, 0, length, message.length - at - length);
  }
  expect(assembler.destination).toBeUndefined();
}

describe("MessageAssembler", () => {
  test("a transport may put the rest of a message where it is kept", () => {
    for (let first = 1; first < frames.length; first++) {
      for (const size of [1, 5, frames.length]) {
        const recorder = new Recorder();
        deliverDirectly(new MessageAssembler(recorder), frames, first, size);
        expect(recorder.frames).toEqual(expectedFrames);
      }
    }
  });

  test("a transport may put the data of a fragment where it is kept", () => {
    for (let first = 10; first < fragment.length; first++) {
      const recorder = new Recorder();
      deliverDirectly(new MessageAssembler(recorder), fragment, first, 4);
      expect(recorder.fragments.get(9)).toBe("the data of a fragment");
      expect(recorder.kept.toString("latin1", 0, 22)).toBe("the data of a fragment");
    }
  });

  test("every split of a message into two and three pieces gives the same frames", () => {
    for (let first = 1; first < frames.length; first++) {
      for (let second = first; second < frames.length; second++) {
        const recorder = new Recorder();
        const assembler = new MessageAssembler(recorder);
        deliver(assembler, frames, second === first ? [first] : [first, second]);
        expect(recorder.frames).toEqual(expectedFrames);
      }
    }
  });

  test("byte by byte, message after message", () => {
    const recorder = new Recorder();
    const assembler = new MessageAssembler(recorder);
    for (const message of [frames, fragment, frames]) {
      deliver(
        assembler,
        message,
        Array.from({ length: message.length - 1 }, (_, index) => index + 1),
      );
    }
    expect(recorder.frames).toEqual([...expectedFrames, ...expectedFrames]);
    expect(recorder.fragments).toEqual(new Map([[9, "the data of a fragment"]]));
  });

  test("a fragment split anywhere brings the same data", () => {
    for (let cut = 1; cut < fragment.length; cut++) {
      const recorder = new Recorder();
      const assembler = new MessageAssembler(recorder);
      deliver(assembler, fragment, [cut]);
      deliver(assembler, frames, []);
      expect(recorder.fragments).toEqual(new Map([[9, "the data of a fragment"]]));
      expect(recorder.frames).toEqual(expectedFrames);
    }
  });

  test("what is longer than a batch and no fragment is refused with its first piece", () => {
    const long = frame(200, 3, "x".repeat(91_127));
    expect(long).toHaveLength(91_137);
    const assembler = new MessageAssembler(new Recorder());
    expect(() => assembler.receive(long, 0, 10, long.length - 10)).toThrow(
      "a message of 91137 bytes is no fragment, and at most 91136 are allowed",
    );
    expect(() => deliver(new MessageAssembler(new Recorder()), long, [])).toThrow("is no fragment");
    expect(() => deliver(new MessageAssembler(new Recorder()), long, [5])).toThrow("is no fragment");
  });

  test("a fragment among other frames of a whole message", () => {
    const recorder = new Recorder();
    deliver(new MessageAssembler(recorder), Buffer.concat([frames, fragment, frames]), []);
    expect(recorder.frames).toHaveLength(6);
    expect(recorder.fragments.get(9)).toBe("the data of a fragment");
  });

  test("a receiver that has had enough gets no more of the message", () => {
    const recorder = new Recorder();
    recorder.stopAfter = 2;
    deliver(new MessageAssembler(recorder), frames, []);
    expect(recorder.frames).toEqual(expectedFrames.slice(0, 2));
  });

  test("a message cut short anywhere is a protocol error, however it comes", () => {
    for (let length = 1; length < frames.length; length++) {
      if (length === 15 || length === 25) continue; // Where a frame ends, a message may end.
      const cut = frames.subarray(0, length);
      expect(() => deliver(new MessageAssembler(new Recorder()), cut, [])).toThrow(ConnectionLostError);
      if (length > 1) {
        expect(() => deliver(new MessageAssembler(new Recorder()), cut, [1])).toThrow(ConnectionLostError);
      }
    }
  });

  test.each([0, 1, 5, 11, 0x7fff_ffff, 0xffff_ffff])("a frame that claims %i bytes", (length) => {
    const bytes = frame(frameKind.call, 1, "body");
    bytes.writeUInt32BE(length, 0);
    expect(() => deliver(new MessageAssembler(new Recorder()), bytes, [])).toThrow(
      "does not fit its message",
    );
    expect(() => deliver(new MessageAssembler(new Recorder()), bytes, [4])).toThrow(
      "does not fit its message",
    );
  });

  test.each([0, 5, 6, 12, 27, 29, 0xffff_ffff])("a fragment in pieces that claims %i bytes", (length) => {
    const bytes = Buffer.from(fragment);
    bytes.writeUInt32BE(length, 0);
    expect(() => deliver(new MessageAssembler(new Recorder()), bytes, [12])).toThrow(ConnectionLostError);
  });
});
