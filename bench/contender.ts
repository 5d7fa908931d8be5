// What the harness asks of everything it measures. A contender is a folder with `server.ts` (exporting
// `server`) and `client.ts` (exporting `client`), each loaded in a process of its own.

export interface RunningServer {
  /** Whatever this contender's client needs to find the server. */
  readonly address: string;
  close(): Promise<void>;
}

export interface ContenderServer {
  /** Listens on a free loopback port. `variant` comes from the registry and lets siblings share a folder. */
  start(variant: string): Promise<RunningServer>;
}

/** One connection to the server: calls made on two of these never share a socket. */
export interface Connection {
  add(a: number, b: number): Promise<number>;
  echo(value: object): Promise<object>;
  echoBinary(bytes: Buffer): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface ContenderClient {
  connect(address: string, variant: string): Promise<Connection>;
}
