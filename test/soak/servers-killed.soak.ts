/** Servers killed at each moment, for as long as there is time. */
import { expect, test } from "vitest";
import { printFigures } from "../fault/figures.ts";
import { killServers } from "../fault/killed-servers.ts";
import { budget } from "./budget.ts";

test.each(["before sending", "in the handler", "after the reply"] as const)(
  "servers are killed %s",
  async (moment) => {
    const figures = await killServers(moment, budget(1 / 3), Date.now() % 2 ** 31);
    expect(figures.kills).toBeGreaterThan(0);
    printFigures(`soak: server killed ${moment}`, { ...figures });
  },
);
