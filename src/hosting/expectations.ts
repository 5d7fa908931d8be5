/** What a configuration file must look like: each check says what is wrong and where. */

/** Throws TypeError if something is not an object. */
export function expectObject(
  value: unknown,
  source: string,
  where: string,
): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`${source}: ${where} must be an object`);
  }
  return { ...value };
}

/** Throws TypeError for a key that is not known: a misspelt one must not be passed over. */
export function expectKeys(
  object: Readonly<Record<string, unknown>>,
  allowed: readonly string[],
  source: string,
  where: string,
): void {
  for (const key of Object.keys(object)) {
    if (!allowed.includes(key)) {
      throw new TypeError(`${source}: ${where}${key} is not known: expected ${allowed.join(", ")}`);
    }
  }
}
