/** Connects and disconnects by the ten thousand. The 10⁵ of them are in the soak. */
import { expect, test } from "vitest";
import { churn } from "./churn.ts";
import { printFigures } from "./figures.ts";

const connections = 20_000;

test(`${connections} connections come and go by FIN and RST`, { timeout: 900_000 }, async () => {
  const started = performance.now();
  const { ends, ...figures } = await churn((done) => done >= connections);
  expect(figures.connections).toBeGreaterThanOrEqual(connections);
  printFigures("churn", {
    ...figures,
    "growth MiB": figures.growthBytes / 1024 / 1024,
    "by each end": Math.min(...Object.values(ends)),
    seconds: (performance.now() - started) / 1000,
  });
});
