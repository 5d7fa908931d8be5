/** Checks options that an application gives: what is misspelt or of a wrong type must not be passed over, or found out later. */

import { longestTime } from "../session/channel-limits.ts";

/** What an option may be. */
export interface OptionRule {
  /** In words, to follow "must be". */
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
  /** Whether what is given in its place may be a secret, so that no message shows it. Default false. */
  readonly isSecret?: boolean;
}

/** By the name of the option. */
export type OptionRules = Readonly<Record<string, OptionRule>>;

/** For what is checked elsewhere. */
export const anything: OptionRule = { expected: "anything", accepts: () => true };

export const aBoolean: OptionRule = {
  expected: "true or false",
  accepts: (value) => typeof value === "boolean",
};

export const aText: OptionRule = {
  expected: "a text that is not empty",
  accepts: (value) => typeof value === "string" && value !== "",
};

export const aFunction: OptionRule = {
  expected: "a function",
  accepts: (value) => typeof value === "function",
};

export const anObject: OptionRule = {
  expected: "an object",
  accepts: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
};

/** How long a call may take. */
export const aTimeout: OptionRule = {
  expected: "a number of milliseconds, or 0 for none",
  accepts: (value) => typeof value === "number" && value >= 0,
};

/** What a timer is set to. */
export const aDelay: OptionRule = {
  expected: `a number of milliseconds from 0 to ${longestTime}`,
  accepts: (value) => typeof value === "number" && value >= 0 && value <= longestTime,
};

/** One of some words. */
export function oneOf(...words: readonly string[]): OptionRule {
  return {
    expected: listed(words.map((word) => JSON.stringify(word))),
    accepts: (value) => typeof value === "string" && words.includes(value),
  };
}

/** A value in a few words, for messages. Shows nothing of what is within it, which might be a secret. */
export function describeValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/**
 * Checks options. One that is `undefined` is not given. One that is a getter is only looked at when it is needed, and
 * checked there.
 *
 * @param owner Whose options they are, for messages: `"tcpChannel"`.
 * @throws TypeError for one that does not exist or cannot be.
 */
export function checkOptions(owner: string, options: unknown, rules: OptionRules): void {
  if (!anObject.accepts(options)) {
    throw new TypeError(`${owner} takes an object with options, not ${describeValue(options)}`);
  }
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(options))) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) {
      throw new TypeError(`${owner} has no option named ${name}: expected ${Object.keys(rules).join(", ")}`);
    }
    if (value !== undefined && !rule.accepts(value)) {
      const given = rule.isSecret && typeof value === "string" ? "a text" : describeValue(value);
      throw new TypeError(`${owner}: ${name} must be ${rule.expected}, not ${given}`);
    }
  }
}

function listed(words: readonly string[]): string {
  return `${words.slice(0, -1).join(", ")} or ${words.slice(-1).join("")}`;
}
