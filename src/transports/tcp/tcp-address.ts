/** `host:port` and `[ipv6]:port`. */

/** Where a TCP server is. */
export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

/** Takes an address apart. Throws TypeError if it is not one. */
export function parseTcpAddress(address: string): TcpAddress {
  const match = /^(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([^:[\]]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || !(port <= 65_535)) {
    throw new TypeError(
      `"${address}" is not a TCP address: expected host:port, for example 127.0.0.1:6100 or [::1]:6100`,
    );
  }
  return { host, port };
}
