/** Clients killed that hold 10,000 references and have lent as many: twenty, or as many as there is time for. */
import { expect, test } from "vitest";
import { killClients } from "../fault/clients-killed.ts";
import { printFigures } from "../fault/figures.ts";
import { budget } from "./budget.ts";

const enough = 20;

test("clients are killed", async () => {
  const isOver = budget();
  const figures = await killClients((kills) => kills >= enough || isOver(kills), 10_000);
  expect(figures.kills).toBeGreaterThan(0);
  printFigures("soak: client killed", { ...figures });
});
