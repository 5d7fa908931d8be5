/**
 * Recorded conversations, changed at random, through the whole path: stream, messages, frames, session, formatter,
 * marshaler, method and back. `FUZZ_FRAMES` says how many changed frames (default a million), `FUZZ_SEED` where to begin.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { collectGarbage } from "./collect-garbage.ts";
import { fingerprintPrototypes } from "./contract.ts";
import { printFigures } from "./figures.ts";
import { type Conversation, recordCorpus } from "./fuzz/corpus.ts";
import { type Arena, FuzzFailure, fuzzOnce, type Tally, watchUnhandled } from "./fuzz/fuzzer.ts";
import { createClientVictim, createServerVictim, type Victim } from "./fuzz/victim.ts";

const wantedFrames = Number(process.env.FUZZ_FRAMES ?? 1_000_000);
const firstSeed = Number(process.env.FUZZ_SEED ?? 1);
const mebibyte = 1024 * 1024;
/** What may be in use more at the end than after a tenth: caches that are not full yet, and what has not been collected. */
const allowedGrowth = 8 * mebibyte;

let corpus: readonly Conversation[];
let arenas: readonly Arena[];
let unwatch: () => void;
const { stackTraceLimit } = Error;

beforeAll(async () => {
  // Most of the time would be spent on stacks that nobody looks at.
  Error.stackTraceLimit = 0;
  unwatch = watchUnhandled();
  corpus = await recordCorpus();
  const made: Arena[] = [];
  for (const conversation of corpus) {
    const { name, toServer, toClient } = conversation;
    const others = corpus
      .filter(({ script }) => script !== "large")
      .flatMap((one) => [...one.toServer, ...one.toClient]);
    made.push({
      name: `server, ${name}`,
      victim: await createServerVictim(conversation),
      frames: toServer,
      others,
    });
    made.push({
      name: `client, ${name}`,
      victim: await createClientVictim(conversation),
      frames: toClient,
      others,
    });
  }
  arenas = made;
});

afterAll(async () => {
  await Promise.all(arenas?.map(({ victim }) => victim.close()) ?? []);
  unwatch?.();
  Error.stackTraceLimit = stackTraceLimit;
});

function newTally(): Tally {
  return { frames: 0, conversations: 0, completed: 0, answers: 0, slowest: 0 };
}

/** A side with a fault that is planted. */
function planted(deliver: (bytes: Uint8Array) => void, end = () => Promise.resolve()): Arena {
  const victim: Victim = {
    begin: async () => ({ isOpen: true, ids: [], sent: 1, deliver }),
    end,
    close: () => Promise.resolve(),
  };
  const frames = corpus.find(({ name }) => name === "json-small")?.toServer ?? [];
  return { name: "planted", victim, frames, others: frames };
}

async function failureOf(arena: Arena, conversations = 300): Promise<FuzzFailure> {
  try {
    for (let seed = 0; seed < conversations; seed++) await fuzzOnce(arena, seed, newTally());
  } catch (error) {
    if (error instanceof FuzzFailure) return error;
    throw error;
  }
  return expect.fail("the fuzzer has noticed nothing");
}

describe("the fuzzer notices, and says what it takes,", () => {
  test("what is thrown", async () => {
    const failure = await failureOf(
      planted((bytes) => {
        if (Buffer.from(bytes).includes("__proto__")) throw new Error("planted");
      }),
    );
    expect(failure.message).toMatch(
      /planted: thrown: Error: planted\nseed of the conversation \d+, the least/,
    );
    expect(failure.pieces).toHaveLength(1);
    expect(failure.pieces[0]?.length).toBeLessThan(2_000);
  });

  test("what needs two messages", async () => {
    let seen = new Set<string>();
    const failure = await failureOf(
      planted(
        (bytes) => {
          for (const word of ["constructor", "prototype"])
            if (Buffer.from(bytes).includes(word)) seen.add(word);
          if (seen.size === 2) throw new Error("planted");
        },
        async () => {
          seen = new Set();
        },
      ),
    );
    expect(failure.pieces.length).toBeLessThanOrEqual(2);
  });

  test("what takes long, if it is the processor that it takes", async () => {
    const failure = await failureOf(
      planted((bytes) => {
        if (!Buffer.from(bytes).includes("then")) return;
        const cpu = process.cpuUsage();
        while (process.cpuUsage(cpu).user < 80_000);
      }),
    );
    expect(failure.message).toContain("slow");
    expect(failure.pieces).toHaveLength(1);
  });

  test("what does not end", async () => {
    let never = false;
    const failure = await failureOf(
      planted(
        (bytes) => {
          never ||= Buffer.from(bytes).includes("__proto__");
        },
        async () => {
          const hangs = never;
          never = false;
          if (hangs) throw new Error("the end did not come");
        },
      ),
    );
    expect(failure.message).toContain("the end did not come");
  });
});

describe("a million changed frames", () => {
  test("unchanged, each conversation is answered as it was: the way is the whole way", async () => {
    for (const arena of arenas) {
      const tally: Tally = newTally();
      await fuzzOnce({ ...arena, others: [] }, 0, tally);
      expect(tally.completed, arena.name).toBe(1);
      expect(tally.answers, arena.name).toBeGreaterThan(1);
    }
  });

  test(
    "crash nothing, hang nothing, leave nothing behind",
    async () => {
      const prototypes = fingerprintPrototypes();
      const tally: Tally = newTally();
      const started = performance.now();
      let seed = firstSeed;
      let baseline: number | undefined;
      while (tally.frames < wantedFrames) {
        for (let times = 0; times < 20; times++) {
          for (const arena of arenas) {
            // What is slow to repeat comes less often.
            const isSlow = arena.name.includes("large") || arena.name.includes("compressed");
            if (isSlow && times > 0) continue;
            await fuzzOnce(arena, seed++, tally);
          }
        }
        expect(fingerprintPrototypes()).toBe(prototypes);
        await new Promise((resolve) => setImmediate(resolve));
        if (baseline === undefined && tally.frames > wantedFrames / 10) baseline = collectGarbage();
      }
      const growth = collectGarbage() - (baseline ?? 0);
      printFigures("fuzz", {
        "first seed": firstSeed,
        frames: tally.frames,
        conversations: tally.conversations,
        "of them to the end": tally.completed,
        "messages that came back": tally.answers,
        seconds: (performance.now() - started) / 1000,
        "slowest step ms": tally.slowest,
        "growth MiB": growth / mebibyte,
      });
      expect(growth).toBeLessThan(allowedGrowth);
    },
    Math.max(600_000, wantedFrames),
  );
});
