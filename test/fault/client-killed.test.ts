/** A client that is killed while it holds 10,000 references, and has lent as many. */
import { expect, test } from "vitest";
import { killClients } from "./clients-killed.ts";
import { printFigures } from "./figures.ts";

const references = 10_000;

test(`clients that hold ${references} references are killed`, { timeout: 120_000 }, async () => {
  const started = performance.now();
  const figures = await killClients((kills) => kills >= 3, references);
  expect(figures.kills).toBe(3);
  printFigures("client killed", { ...figures, seconds: (performance.now() - started) / 1000 });
});
