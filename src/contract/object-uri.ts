// The rule for the URIs under which objects and types are published: the part of a URL behind the authority.

const longestUri = 255;
const allowedCharacters = /^[A-Za-z0-9._~!$&'()*+,;=:@/-]*$/;

/**
 * Checks a name under which something is published, such as `"Counter"` or `"shop/orders"`.
 *
 * Allowed are 1 to 255 characters that need no escaping in a URL's path, so that a URI reads the same in a
 * URL, in a configuration file and on the wire. Refused besides: a leading slash, `.` and `..` segments,
 * which URL parsers resolve away, and a leading `~`, which marks the ids that the framework gives to
 * unpublished objects.
 *
 * @param owner what the URI is for, as the message should call it
 * @returns the URI, unchanged
 * @throws TypeError when the URI breaks the rule; the message says how
 */
export function checkObjectUri(uri: string, owner: string): string {
  const fault = faultOf(uri);
  if (fault === undefined) return uri;
  throw new TypeError(
    `${owner} cannot be published as ${JSON.stringify(uri)}: ${fault}. ` +
      'Choose a URI such as "Counter" or "shop/orders".',
  );
}

function faultOf(uri: unknown): string | undefined {
  if (typeof uri !== "string") return "a URI is a string";
  if (uri === "") return "a URI is not empty";
  if (uri.length > longestUri) return `a URI has at most ${longestUri} characters, not ${uri.length}`;
  if (uri.startsWith("/")) return "a URI does not start with a slash";
  if (uri.startsWith("~")) return "a leading ~ is reserved for object ids";
  if (!allowedCharacters.test(uri)) return "a URI consists of letters, digits and ._~!$&'()*+,;=:@/-";
  if (uri.split("/").some((segment) => segment === "." || segment === "..")) {
    return 'a URI has no "." or ".." segments';
  }
  return undefined;
}
