/** `host:port` and `[ipv6]:port`, and which of them are of this machine. */

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

/** Whether only this machine can reach an address, or is at the other end of it. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/.test(host);
}

/** Where a server listens, as clients can use it. */
export function formatTcpAddress(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
