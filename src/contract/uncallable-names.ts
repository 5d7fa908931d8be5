// The names that never become remote methods, in the two forms in which the rule is needed: for the compiler
// and at run time.

/**
 * Method names that no caller may use although they are public: what every object has, and what JavaScript or
 * this package calls by itself.
 */
export type UncallableName = (typeof listedNames)[number];

const listedNames = [
  "constructor",
  "hasOwnProperty",
  "isPrototypeOf",
  "propertyIsEnumerable",
  "toLocaleString",
  "toString",
  "valueOf",
  // Called by JSON.stringify, which is no reason to send a call.
  "toJSON",
  // Decides how long the object lives, which is its owner's business.
  "initializeLifetimeService",
] as const;

const uncallableNames = new Set<string>([...listedNames, ...Object.getOwnPropertyNames(Object.prototype)]);

/** Whether a name is one of those, or begins with an underscore. */
export function isUncallable(name: string): boolean {
  return name.startsWith("_") || uncallableNames.has(name);
}
