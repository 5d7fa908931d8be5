/** Servers closed under load: a hundred, or as many as there is time for. */
import { expect, test } from "vitest";
import { closeUnderLoad } from "../fault/closes-under-load.ts";
import { printFigures } from "../fault/figures.ts";
import { budget } from "./budget.ts";

const enough = 100;

test("servers are closed under load", async () => {
  const isOver = budget();
  const figures = await closeUnderLoad((closes) => closes >= enough || isOver(closes));
  expect(figures.closes).toBeGreaterThan(0);
  printFigures("soak: server closed under load", { ...figures });
});
