// How the demo looks: one line for each call, with its result and its time; and whether it was the right one.
import { inspect, isDeepStrictEqual } from "node:util";
import { AbortError, RemotingError } from "remoting";

const escapes = {
  bold: "\u001B[1m",
  dim: "\u001B[2m",
  red: "\u001B[31m",
  green: "\u001B[32m",
  cyan: "\u001B[36m",
} as const;

/** Widths of what was called, of what came of it, and of the time that it took. */
const columns = { code: 42, result: 38, time: 10 } as const;

interface Line {
  readonly code: string;
  readonly result: string;
  /** Missing for what was no call. */
  readonly milliseconds?: number;
  /** Shown below. */
  readonly detail?: string;
  readonly right: boolean;
  readonly expected: string;
}

/** What a screen needs of a terminal. */
type Output = Pick<NodeJS.WriteStream, "write" | "isTTY">;

/** Shows nothing: for a tour of which only the count matters. */
export const silentOutput: Output = { isTTY: false, write: () => true };

export class Screen {
  readonly #output: Output;
  readonly #coloured: boolean;
  #mistakes = 0;
  #lines = 0;

  constructor(output: Output = process.stdout, environment: NodeJS.ProcessEnv = process.env) {
    this.#output = output;
    this.#coloured = output.isTTY === true && !environment.NO_COLOR && environment.TERM !== "dumb";
  }

  /** How many results were not the ones that were expected. */
  get mistakes(): number {
    return this.#mistakes;
  }

  /** How many results were shown. */
  get lines(): number {
    return this.#lines;
  }

  style(style: keyof typeof escapes, text: string): string {
    return this.#coloured ? `${escapes[style]}${text}\u001B[0m` : text;
  }

  print(text = ""): void {
    this.#output.write(`${text}\n`);
  }

  /** Says what is being done, on a line that the next one overwrites; only where somebody watches. */
  progress(text: string): void {
    if (this.#output.isTTY === true) this.#output.write(`\r\u001B[2K${text}`);
  }

  chapter(title: string, explanation: string): void {
    this.print(`\n${this.style("bold", title)}${this.style("dim", `: ${explanation}`)}`);
  }

  /** Makes a call, shows its result, and checks it. */
  async call<T>(code: string, make: () => Promise<T>, expected: NoInfer<T>): Promise<void> {
    const started = performance.now();
    const result = await make();
    const milliseconds = performance.now() - started;
    this.#show({ code, milliseconds, ...compare(result, expected) });
  }

  /** Makes a call that has to fail with an error of this class, and shows the error. */
  async failure(
    code: string,
    make: () => Promise<unknown>,
    expected: abstract new (...parameters: never) => Error,
  ): Promise<void> {
    const started = performance.now();
    const outcome = await make().then(
      (result) => ({ result: describe(result), right: false }),
      (error: unknown) => ({ ...describeError(error), right: error instanceof expected }),
    );
    const milliseconds = performance.now() - started;
    this.#show({ code, milliseconds, ...outcome, expected: expected.name });
  }

  /** Shows and checks something that is known without a call. */
  fact<T>(text: string, value: T, expected: NoInfer<T>): void {
    this.#show({ code: text, ...compare(value, expected) });
  }

  #show({ code, result, milliseconds, detail, right, expected }: Line): void {
    this.#lines += 1;
    const mark = right ? this.style("green", "✓") : this.style("red", "✗");
    const time = milliseconds === undefined ? "" : `${milliseconds.toFixed(1)} ms`.padStart(columns.time);
    const cells = [this.style("cyan", code.padEnd(columns.code)), result.padEnd(columns.result)];
    this.print(`  ${mark} ${cells.join(" ")} ${this.style("dim", time)}`.trimEnd());
    for (const part of wrap(detail ?? "")) this.print(this.style("dim", `      ${part}`));
    if (right) return;
    this.#mistakes += 1;
    this.print(this.style("red", `      expected ${expected}`));
  }
}

/** Breaks a long message into lines of the table's width. */
function wrap(text: string): string[] {
  const width = columns.code + columns.result;
  return text.match(new RegExp(`\\S.{0,${width - 1}}(?=\\s|$)|\\S+`, "g")) ?? [];
}

function compare(value: unknown, expected: unknown): Pick<Line, "result" | "right" | "expected"> {
  const right = isDeepStrictEqual(value, expected);
  return { result: describe(value), right, expected: describe(expected) };
}

function describe(value: unknown): string {
  return typeof value === "string" ? value : inspect(value, { breakLength: Number.POSITIVE_INFINITY });
}

function describeError(error: unknown): Pick<Line, "result" | "detail"> {
  if (!(error instanceof Error)) return { result: describe(error) };
  const { name } = error.constructor;
  if (!(error instanceof RemotingError || error instanceof AbortError)) {
    return { result: name, detail: error.message };
  }
  return {
    result: `${name}, ${error.mayHaveExecuted ? "may have run" : "did not run"}`,
    detail: error.message,
  };
}
