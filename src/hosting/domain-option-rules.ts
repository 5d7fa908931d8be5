/** What the options of a domain may be. */
import type { RemotingDomainOptions } from "./domain-options.ts";
import {
  aBoolean,
  aDelay,
  aFunction,
  anObject,
  anything,
  aTimeout,
  checkOptions,
  type OptionRule,
  oneOf,
} from "./option-rules.ts";

const rules: Readonly<Record<keyof RemotingDomainOptions, OptionRule>> = {
  defaultTimeout: aTimeout,
  inheritDeadline: aBoolean,
  exposure: oneOf("public", "marked"),
  authorizer: aFunction,
  customErrors: oneOf("on", "off", "remote-only"),
  closeGrace: aDelay,
  limits: anObject,
  lifetime: anything,
  leases: anObject,
  dialable: {
    expected: 'a list of endpoints, such as ["tcp://10.0.0.5:6100"]',
    accepts: (value) => Array.isArray(value) && value.every((entry) => typeof entry === "string"),
  },
};

/** Throws TypeError for an option that does not exist or cannot be: a misspelt `authorizer` would let everybody in. */
export function checkDomainOptions(options: unknown): void {
  checkOptions("RemotingDomain", options, rules);
}
