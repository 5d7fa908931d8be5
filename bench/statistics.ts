// The few statistics that are reported.

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
};

/** The median of the ratios within each round, which what disturbs a whole round leaves alone. */
export const pairedRatio = (values: readonly number[], base: readonly number[]): number =>
  median(values.slice(0, base.length).map((value, round) => value / (base[round] ?? Number.NaN)));
