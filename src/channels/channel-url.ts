/** Reads `scheme://address/object-uri`, the one form in which everything remote is named. */

/** The longest URL that is looked at: far more than any address needs, and a bound on the work for a hostile one. */
const maxUrlLength = 2048;

const schemePattern = /^[a-z][a-z0-9+.-]{0,31}$/;

/** A URL in its parts. */
export interface ChannelUrl {
  /** Chooses the channel: `"tcp"`, `"pipe"`, `"memory"`… Always lower case. */
  readonly scheme: string;
  /** What the transport connects to or listens on: `"127.0.0.1:6100"`, a pipe's name… */
  readonly address: string;
  /** The object's URI within the server, or the empty string. */
  readonly objectUri: string;
  /** `scheme://address`, without the object. */
  readonly endpoint: string;
}

/**
 * Takes a URL apart (IChannel.Parse).
 *
 * @throws TypeError if it is not of the form `scheme://address` or `scheme://address/object`.
 */
export function parseChannelUrl(url: string): ChannelUrl {
  if (typeof url !== "string") throw new TypeError(`A channel URL must be a string, not ${typeof url}`);
  if (url.length > maxUrlLength) {
    throw new TypeError(`A channel URL may have ${maxUrlLength} characters, not ${url.length}`);
  }
  const separator = url.indexOf("://");
  const scheme = separator < 0 ? "" : url.slice(0, separator).toLowerCase();
  if (!schemePattern.test(scheme)) {
    throw new TypeError(
      `"${url}" is not a channel URL: expected scheme://address or scheme://address/object, for example tcp://127.0.0.1:6100/Counter`,
    );
  }
  const rest = url.slice(separator + 3);
  const slash = rest.indexOf("/");
  const address = slash < 0 ? rest : rest.slice(0, slash);
  const objectUri = slash < 0 ? "" : rest.slice(slash + 1);
  if (address === "") {
    throw new TypeError(`"${url}" names no address: expected ${scheme}://address/object`);
  }
  return { scheme, address, objectUri, endpoint: `${scheme}://${address}` };
}
