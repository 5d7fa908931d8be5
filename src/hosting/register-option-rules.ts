/** What the options of a registration may be. */
import type { MethodOptions } from "../contract/service-type.ts";
import type { RegisterOptions } from "./domain-options.ts";
import { aBoolean, anObject, anything, checkOptions, type OptionRule } from "./option-rules.ts";

const rules: Readonly<Record<keyof RegisterOptions, OptionRule>> = {
  // Checked as every URI is.
  uri: anything,
  methods: anObject,
};

const ofMethods: Readonly<Record<keyof MethodOptions, OptionRule>> = {
  oneWay: aBoolean,
  local: aBoolean,
  authorize: anObject,
};

/** Throws TypeError for an option that does not exist or cannot be: a misspelt `authorize` would let everybody in. */
export function checkRegisterOptions(options: RegisterOptions): void {
  checkOptions("register", options, rules);
  for (const [name, ofMethod] of Object.entries(options.methods ?? {})) {
    checkOptions(`register, method ${name}`, ofMethod, ofMethods);
  }
}
