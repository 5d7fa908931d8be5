/**
 * Sends changed conversations to a client and to a server, and watches: nothing may be thrown, nothing may take long, no
 * prototype may change, every promise has to settle. What goes wrong is made as small as it can be made.
 */
import { fingerprintPrototypes } from "../contract.ts";
import { createRandom } from "../random.ts";
import { within } from "../within.ts";
import type { RecordedFrame } from "./corpus.ts";
import { mutate, type Random } from "./mutate.ts";
import { type Link, nextTick, type Victim } from "./victim.ts";

/** One step may take so many milliseconds, of the processor and not of the clock. */
const longestStep = 50;

const fragmentKind = 10;

/** What is sent in one conversation: pieces of a stream. */
type Pieces = readonly Buffer[];

/** A way of a victim's to fail. */
interface Failure {
  readonly what: string;
}

/** One side of one conversation, and what it may be sent. */
export interface Arena {
  readonly name: string;
  readonly victim: Victim;
  /** The frames of the recorded conversation, in their order. */
  readonly frames: readonly RecordedFrame[];
  /** Frames that may be put in from elsewhere. If there are none, nothing is changed at all. */
  readonly others: readonly RecordedFrame[];
}

/** What was done. */
export interface Tally {
  /** Changed frames that were delivered to an open connection. */
  frames: number;
  conversations: number;
  /** Those of them whose connection was open to the end. */
  completed: number;
  /** Messages that came back. */
  answers: number;
  /** The longest step in milliseconds, by the clock. */
  slowest: number;
}

/** Puts the ids in that the victim uses this time. Frames without ids are not copied. */
function withPresentIds({ bytes, ids }: RecordedFrame, present: readonly string[]): Buffer {
  if (ids.length === 0) return bytes;
  const copy = Buffer.from(bytes);
  for (const [offset, index] of ids) copy.write(present[index] ?? "", offset, "latin1");
  return copy;
}

/** Another call's id, so that neither is an answer given twice nor a call made twice: those have their turn as well. */
function withId(frame: Buffer, random: Random): Buffer {
  if (frame.readUInt32BE(6) !== 0) frame.writeUInt32BE((1 << 16) | random(80), 6);
  return frame;
}

/** Frames as a message on a stream, cut into pieces. */
function toPieces(frames: readonly Buffer[], random: Random, damage: boolean): Buffer[] {
  const content = Buffer.concat(frames);
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(damage && random(200) === 0 ? random(100_000) : content.length);
  const stream = Buffer.concat([prefix, content]);
  if (random(3) > 0) return [stream];
  const pieces: Buffer[] = [];
  for (let at = 0; at < stream.length; ) {
    const length = 1 + random(random(4) === 0 ? 4 : stream.length);
    pieces.push(stream.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

/** A conversation that takes place while it is changed: what it consists of is known when it is over. */
async function play(
  arena: Arena,
  random: Random,
  tally: Tally,
  sent: Buffer[],
): Promise<Failure | undefined> {
  const { victim, frames, others } = arena;
  const link = await victim.begin();
  tally.conversations++;
  // How often something is changed: a conversation that is changed in each frame does not come far.
  const calm = others.length === 0 ? Number.POSITIVE_INFINITY : 1 + random(4);
  let failure: Failure | undefined;
  for (let index = 0; index < frames.length && link.isOpen && failure === undefined; ) {
    const message: Buffer[] = [];
    let changed = 0;
    for (let count = 1 + random(3); count > 0; count--) {
      const frame = frames[index];
      // A fragment is alone in its message, and it would be tedious if all after the first were refused.
      const isFragment = frame?.bytes[4] === fragmentKind;
      if (frame === undefined || (isFragment && message.length > 0)) break;
      index++;
      if (isFragment) count = 1;
      const bytes = withPresentIds(frame, link.ids);
      // The handshake has to succeed mostly, or nothing else is ever tried.
      if (calm === Number.POSITIVE_INFINITY || random(calm) > 0 || (index === 1 && random(20) > 0)) {
        message.push(bytes);
        continue;
      }
      changed++;
      const other = others[random(others.length)] ?? frame;
      switch (random(8)) {
        case 0:
          message.push(bytes, bytes);
          break;
        case 1:
          message.push(withPresentIds(other, link.ids), bytes);
          break;
        case 2:
          index++;
          break;
        default:
          // Several in the place of one: most leave the connection open, and the answer is awaited only once.
          for (let versions = bytes.length > 300 ? 0 : random(40); versions > 0; versions--, changed++)
            message.push(withId(mutate(bytes, other.bytes, random), random));
          message.push(mutate(bytes, other.bytes, random));
      }
    }
    tally.frames += changed;
    for (const piece of toPieces(message, random, others.length > 0)) {
      sent.push(piece);
      failure = step(link, piece, tally);
      if (failure !== undefined || !link.isOpen) break;
    }
    await nextTick();
  }
  tally.answers += link.sent;
  if (link.isOpen) tally.completed++;
  await within(10_000, victim.end(), "the end of all promises of a conversation");
  return failure;
}

function step(link: Link, piece: Uint8Array, tally: Tally): Failure | undefined {
  const started = performance.now();
  try {
    link.deliver(piece);
  } catch (error) {
    return { what: `thrown: ${error instanceof Error ? error.stack : String(error)}` };
  }
  const took = performance.now() - started;
  tally.slowest = Math.max(tally.slowest, took);
  return took > longestStep ? { what: "slow" } : undefined;
}

/** Sends the same pieces again. Returns how the victim failed, if it did. */
async function replay({ victim }: Arena, pieces: Pieces): Promise<Failure | undefined> {
  const before = fingerprintPrototypes();
  const link = await victim.begin();
  let failure: Failure | undefined;
  let longest = 0;
  for (const piece of pieces) {
    if (!link.isOpen) break;
    const cpu = process.cpuUsage();
    try {
      link.deliver(piece);
    } catch (error) {
      failure = { what: `thrown: ${error instanceof Error ? error.stack : String(error)}` };
      break;
    }
    const { user, system } = process.cpuUsage(cpu);
    longest = Math.max(longest, (user + system) / 1000);
    await nextTick();
  }
  try {
    await within(10_000, victim.end(), "the end of all promises of a conversation");
  } catch (error) {
    failure ??= { what: String(error) };
  }
  if (fingerprintPrototypes() !== before) failure ??= { what: "a prototype was changed" };
  if (longest > longestStep) failure ??= { what: "slow" };
  return failure;
}

/** The least number of tries in which a step was slow each time is what is believed: others may be using the processor. */
async function isRepeatable(arena: Arena, pieces: Pieces): Promise<Failure | undefined> {
  let failure: Failure | undefined;
  for (let tries = 0; tries < 3; tries++) {
    failure = await replay(arena, pieces);
    if (failure === undefined) return undefined;
  }
  return failure;
}

/** Messages of one frame each in the place of those that have several; what is not a whole message stays as it is. */
function oneByOne(pieces: Pieces): Pieces {
  return pieces.flatMap((piece) => {
    if (piece.length < 8 || piece.readUInt32BE(0) !== piece.length - 4) return [piece];
    const messages: Buffer[] = [];
    for (let at = 4; at < piece.length; ) {
      const next = at + 4 <= piece.length ? at + 4 + piece.readUInt32BE(at) : piece.length + 1;
      const end = Math.min(next, piece.length);
      const prefix = Buffer.alloc(4);
      prefix.writeUInt32BE(end - at);
      messages.push(Buffer.concat([prefix, piece.subarray(at, end)]));
      at = end;
    }
    return messages;
  });
}

/** Leaves out what is not needed for the failure, and says what is left. */
async function minimize(arena: Arena, pieces: Pieces): Promise<Pieces> {
  const apart = oneByOne(pieces);
  let least = (await isRepeatable(arena, apart)) === undefined ? pieces : apart;
  for (let size = Math.ceil(least.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let start = 0; start < least.length; ) {
      const shorter = [...least.slice(0, start), ...least.slice(start + size)];
      if (shorter.length < least.length && (await isRepeatable(arena, shorter)) !== undefined)
        least = shorter;
      else start += size;
    }
  }
  return least;
}

/** A failure as people can repeat it. */
export class FuzzFailure extends Error {
  readonly pieces: Pieces;

  constructor(arena: Arena, seed: number, failure: Failure, pieces: Pieces, isRepeated: boolean) {
    const hex = pieces.map((piece) => `  ${piece.toString("hex")}`).join("\n");
    const repeated = isRepeated ? "the least that does it" : "not repeatable; all that was sent";
    super(`${arena.name}: ${failure.what}\nseed of the conversation ${seed}, ${repeated}:\n${hex}`);
    this.name = "FuzzFailure";
    this.pieces = pieces;
  }
}

/** Plays one conversation. Everything in it follows from its seed. */
export async function fuzzOnce(arena: Arena, seed: number, tally: Tally): Promise<void> {
  const sent: Buffer[] = [];
  const before = unhandled.length;
  let failure: Failure | undefined;
  try {
    failure = await play(arena, createRandom(seed), tally, sent);
  } catch (error) {
    failure = { what: String(error) };
  }
  if (failure === undefined && unhandled.length > before)
    failure = { what: `unhandled: ${unhandled.at(-1)}` };
  if (failure === undefined) return;
  const repeated = await isRepeatable(arena, sent);
  // Slow once, because something else ran: nothing was wrong.
  if (failure.what === "slow" && repeated === undefined) return;
  const pieces = repeated === undefined ? sent : await minimize(arena, sent);
  throw new FuzzFailure(arena, seed, repeated ?? failure, pieces, repeated !== undefined);
}

/** What was rejected and nobody listened to, or thrown where nobody could catch it. */
const unhandled: unknown[] = [];

/** Notices what would end a process, until the function that is returned is called. */
export function watchUnhandled(): () => void {
  const note = (error: unknown) => void unhandled.push(error instanceof Error ? error.stack : error);
  process.on("unhandledRejection", note);
  process.on("uncaughtException", note);
  return () => {
    process.off("unhandledRejection", note);
    process.off("uncaughtException", note);
  };
}
