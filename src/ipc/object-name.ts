/** The names of what processes share: file mappings, mutexes, events. */

/** What a file's name and a name of Windows (MAX_PATH) have room for, with their prefixes. */
const maxLength = 200;

const prefixPattern = /^(?:Local|Global)\\/;

/**
 * Throws TypeError for a name that one of the systems would not take, so that a program that runs on one runs on the
 * other.
 *
 * @param kind What it is the name of.
 */
export function checkObjectName(name: string, kind: string): void {
  if (typeof name !== "string")
    throw new TypeError(`The name of ${withArticle(kind)} is a string, not ${typeof name}`);
  const bare = name.replace(prefixPattern, "");
  if (bare === "" || bare.length > maxLength) {
    throw new TypeError(
      `The name of ${withArticle(kind)} has 1 to ${maxLength} characters, not ${bare.length}: for example "Local\\HelloWorld"`,
    );
  }
  if (bare.includes("\\") || bare.includes("\0")) {
    throw new TypeError(
      `${JSON.stringify(name)} is not a name for ${withArticle(kind)}: a backslash can only follow Local or Global, at its front`,
    );
  }
}

/**
 * Throws TypeError for what is not an object with options, such as the name alone.
 *
 * @param where The method that it was passed to: `"NamedEvent.create"`.
 */
export function checkNamedOptions(options: unknown, where: string, example: string): void {
  if (typeof options === "object" && options !== null) return;
  const given = typeof options === "string" ? JSON.stringify(options) : String(options);
  throw new TypeError(`${where} takes an object with options, such as ${example}, not ${given}`);
}

function withArticle(kind: string): string {
  return /^[aeiou]/.test(kind) ? `an ${kind}` : `a ${kind}`;
}
