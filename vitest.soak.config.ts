import { defineConfig, mergeConfig } from "vitest/config";
import base from "./vitest.config.ts";

/** How many changed frames the fuzz test sends for each minute of the soak: about what it does in half a minute. */
const framesPerMinute = 500_000;

const minutes = Number(process.env.SOAK_MINUTES ?? 10);

/** The long forms of the fault and fuzz tests: `npm run test:soak`, see docs/contributing.md. */
const soak = mergeConfig(
  base,
  defineConfig({
    test: {
      testTimeout: 0,
      hookTimeout: 60_000,
      maxWorkers: 2,
      env: {
        // The test of references has a long form: a million functions passed.
        REMOTING_SOAK: "1",
        FUZZ_FRAMES: process.env.FUZZ_FRAMES ?? String(Math.round(minutes * framesPerMinute)),
        // Another one each time: what it finds, it prints with its seed.
        FUZZ_SEED: process.env.FUZZ_SEED ?? String(Date.now() % 1_000_000),
      },
    },
  }),
);
// In place of those of the base, to which a merge would add.
soak.test.include = ["test/soak/**/*.soak.ts", "test/fault/fuzz.test.ts", "test/fault/references.test.ts"];

export default soak;
