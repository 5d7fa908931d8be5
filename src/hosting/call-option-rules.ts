/** What the options of a call may be. */
import type { CallOptions } from "../messages/method-call.ts";
import { aFunction, aTimeout, checkOptions, type OptionRule } from "./option-rules.ts";

const rules: Readonly<Record<keyof CallOptions, OptionRule>> = {
  timeout: aTimeout,
  signal: {
    expected: "an AbortSignal, such as controller.signal",
    // By its shape: a signal of another realm, as in some test runners, is one, too.
    accepts: (value) =>
      typeof value === "object" &&
      value !== null &&
      "aborted" in value &&
      "addEventListener" in value &&
      aFunction.accepts(value.addEventListener),
  },
};

/** Throws TypeError for an option that does not exist or cannot be: a misspelt timeout would be none. */
export function checkCallOptions(options: unknown): void {
  checkOptions("withOptions", options, rules);
}
