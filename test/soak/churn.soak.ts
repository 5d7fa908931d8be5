/** 100,000 connects and disconnects, or as many as there is time for. */
import { expect, test } from "vitest";
import { churn } from "../fault/churn.ts";
import { printFigures } from "../fault/figures.ts";
import { budget } from "./budget.ts";

const enough = 100_000;

test("connections come and go", async () => {
  const isOver = budget();
  const { ends, ...figures } = await churn((connections) => connections >= enough || isOver(connections));
  expect(figures.connections).toBeGreaterThan(0);
  printFigures("soak: churn", { ...figures, ...ends });
});
