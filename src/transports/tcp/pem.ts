/** Tells a file's name from what is in the file: TLS takes either for text, and one of them for no certificates at all. */

/**
 * The parts of certificates or keys.
 *
 * @param name Where they were given, for the message: `"tls.ca"`.
 * @throws TypeError for what is not PEM.
 */
export function pemOf(name: string, material: unknown): (string | Buffer)[] {
  const parts: readonly unknown[] = Array.isArray(material) ? material : [material];
  return parts.map((part) => {
    if ((typeof part === "string" || Buffer.isBuffer(part)) && part.includes("-----BEGIN")) return part;
    throw new TypeError(`${name} must be PEM, ${whatItIs(part)}`);
  });
}

/** How names of files begin or end, and base64, in which a key may be written, does not. */
const fileNamePattern = /^(?:(?:\.{0,2}|[a-z]:)[/\\][^\n]{0,255}|[^\n]{0,255}\.[a-z0-9]{1,8})$/i;

function whatItIs(part: unknown): string {
  if (typeof part !== "string" && !Buffer.isBuffer(part)) return `as text or bytes, not ${typeof part}`;
  if (!fileNamePattern.test(part.toString())) {
    return 'which has a line that begins with "-----BEGIN"';
  }
  return typeof part === "string"
    ? `not the name of a file: readFileSync(${JSON.stringify(part)})`
    : "not the bytes of a file's name: readFileSync(…)";
}
