/** Changes frames a little or a lot, the same way for the same random numbers. */

/** Integers from 0 to `limit - 1`. */
export type Random = (limit: number) => number;

/** Bytes that mean something to MessagePack, JSON or to those who count. */
const bytes = Buffer.from([
  0x00, 0x01, 0x3f, 0x40, 0x5f, 0x60, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x91, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc4,
  0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcf, 0xd3, 0xd4, 0xd5, 0xd8, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff,
  0x22, 0x24, 0x2c, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d, 0x7e,
]);
const integers = [
  0, 1, 5, 6, 7, 255, 65_535, 65_536, 1_000_000, 30_000_000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
];
const names = ["__proto__", "constructor", "prototype", "then", "toString", "$", "~", "fuzz.Coin", "Bank"];

function pick<T>(random: Random, items: ArrayLike<T>): T {
  const item = items[random(items.length)];
  if (item === undefined) throw new Error("there is nothing to pick from");
  return item;
}

function splice(frame: Buffer, start: number, end: number, insert: Uint8Array): Buffer {
  return Buffer.concat([frame.subarray(0, start), insert, frame.subarray(end)]);
}

const headerSize = 10;

/** One change. `frame` may be changed in place. */
function change(frame: Buffer, other: Buffer, random: Random): Buffer {
  const at = random(frame.length);
  // Behind the header, in what the session reads or, more often, in what only the formatter does.
  const inBody =
    random(8) === 0
      ? Math.min(frame.length - 1, headerSize + random(1 + random(frame.length)))
      : Math.max(headerSize, frame.length - 1 - random(1 + random(frame.length)));
  // What breaks the frame itself ends the connection, and all that follows is not looked at: not too often.
  switch (random(random(10) === 0 ? 14 : 8)) {
    case 0:
      frame[inBody] = (frame[inBody] ?? 0) ^ (1 << random(8));
      return frame;
    case 1:
      frame[at] = random(256);
      return frame;
    case 2:
    case 3:
      frame[inBody] = pick(random, bytes);
      return frame;
    case 4:
      return splice(frame, inBody, inBody, Buffer.alloc(1 + random(8), pick(random, bytes)));
    case 5:
      return splice(frame, inBody, Math.min(frame.length, inBody + 1 + random(16)), Buffer.alloc(0));
    case 6:
      return splice(frame, inBody, inBody, frame.subarray(inBody, inBody + 1 + random(64)));
    case 7:
      if (inBody + 4 <= frame.length) frame.writeUInt32BE(pick(random, integers), inBody);
      return frame;
    case 8:
      return Buffer.concat([frame.subarray(0, at), other.subarray(random(other.length))]);
    case 9:
      frame[4] = random(26);
      return frame;
    case 10:
      frame[5] = (frame[5] ?? 0) ^ (1 << random(8));
      return frame;
    case 11:
      frame.writeUInt32BE(random(2) === 0 ? pick(random, integers) : ((1 + random(4)) << 16) | random(30), 6);
      return frame;
    case 12:
      return frame.subarray(0, Math.max(headerSize, at));
    default:
      return splice(frame, inBody, inBody + random(12), Buffer.from(pick(random, names)));
  }
}

/** A changed copy of a frame. Its length is mostly right again: a wrong one is found out at once. */
export function mutate(frame: Buffer, other: Buffer, random: Random): Buffer {
  let mutated: Buffer = Buffer.from(frame);
  for (let changes = 1 + random(3); changes > 0; changes--) {
    mutated = change(mutated, other, random);
    const missing = headerSize - mutated.length;
    if (missing > 0) mutated = Buffer.concat([mutated, Buffer.alloc(missing)]);
  }
  if (random(100) > 0) mutated.writeUInt32BE(mutated.length - 4, 0);
  return mutated;
}
