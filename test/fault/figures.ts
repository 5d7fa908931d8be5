/** Prints what a test file has measured, in one line that can be found. */
export function printFigures(subject: string, figures: Readonly<Record<string, number | string>>): void {
  const text = Object.entries(figures)
    .map(([name, value]) => `${name} ${typeof value === "number" ? Math.round(value * 100) / 100 : value}`)
    .join(", ");
  process.stdout.write(`[fault] ${subject}: ${text}\n`);
}
