// How figures are written, in the terminal and in the README alike.

export const figure = (value: number): string =>
  value >= 100
    ? Math.round(value).toLocaleString("en-US", { maximumSignificantDigits: value >= 10_000 ? 3 : 21 })
    : value.toFixed(1);

export const ratioFigure = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
