// The table of `--all`: a row for each channel, with bars that make figures easy to compare.
import type { Screen } from "./screen.ts";
import type { Speed } from "./speed.ts";

export interface Row {
  readonly title: string;
  readonly worked: string;
  readonly right: boolean;
  readonly speed?: Partial<Speed>;
  /** Why there is no speed. */
  readonly problem?: string;
}

interface Column {
  readonly title: string;
  readonly key: keyof Speed;
  readonly digits: (value: number) => string;
}

const barWidth = 12;
const figureWidth = 10;
const columnGap = "  ";

const columns: readonly Column[] = [
  {
    title: "round trip, µs",
    key: "roundTripMicroseconds",
    digits: (value) => value.toFixed(value < 10 ? 1 : 0),
  },
  { title: "calls/s", key: "callsPerSecond", digits: withThousands },
  { title: "MB/s", key: "megabytesPerSecond", digits: withThousands },
];

function withThousands(value: number): string {
  return value.toLocaleString("en-US", { maximumSignificantDigits: 3 });
}

const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A bar whose length is a part, from 0 to 1, of the widest. */
function bar(part: number): string {
  const length = Math.max(1, Math.round(part * barWidth * 8));
  return ("█".repeat(length >> 3) + (eighths[length & 7] ?? "")).padEnd(barWidth);
}

export class Table {
  readonly #rows: readonly Row[];
  readonly #largest: ReadonlyMap<keyof Speed, number>;

  constructor(rows: readonly Row[]) {
    this.#rows = rows;
    this.#largest = new Map(
      columns.map(({ key }) => [key, Math.max(...rows.map(({ speed }) => speed?.[key] ?? 0))] as const),
    );
  }

  print(screen: Screen): void {
    const titleWidth = Math.max(...this.#rows.map(({ title }) => title.length));
    const workedWidth = Math.max(...this.#rows.map(({ worked }) => worked.length));
    const heads = columns.map(({ title }) => title.padStart(figureWidth).padEnd(figureWidth + 1 + barWidth));
    const head = ["  ".padEnd(titleWidth + 2), "worked".padEnd(workedWidth), ...heads];
    screen.print(`\n${screen.style("bold", head.join(columnGap).trimEnd())}`);
    for (const row of this.#rows) {
      const mark = row.right ? screen.style("green", "✓") : screen.style("red", "✗");
      const cells = columns.map((column) => this.#cell(screen, row, column));
      const parts = [`${mark} ${row.title.padEnd(titleWidth)}`, row.worked.padEnd(workedWidth), ...cells];
      screen.print(parts.join(columnGap).trimEnd());
      if (row.problem !== undefined) screen.print(screen.style("dim", `    ${row.problem}`));
    }
    screen.print(
      `\n${screen.style("dim", "Calls are 64 at a time, MB are 1 MiB there and back, 4 at a time. A short round trip is a good one.")}`,
    );
  }

  #cell(screen: Screen, { speed }: Row, { key, digits }: Column): string {
    const value = speed?.[key];
    if (value === undefined) return `${"–".padStart(figureWidth)} ${" ".repeat(barWidth)}`;
    const part = value / (this.#largest.get(key) ?? value);
    return `${digits(value).padStart(figureWidth)} ${screen.style("cyan", bar(part))}`;
  }
}
