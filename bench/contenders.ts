// Everything that can be measured. A contender with a new URL scheme is one more line here.

/** `"transport"`: carries messages and has no calls. What is compared with the best peer is not compared with it, but by name. */
export type ContenderKind = "floor" | "remoting" | "layer" | "peer" | "transport";

export interface Contender {
  readonly name: string;
  readonly title: string;
  readonly kind: ContenderKind;
  /** The folder with its `server.ts` and `client.ts`, relative to `bench/`. */
  readonly folder: string;
  readonly variant: string;
  /** Both sides are threads of the client's process: no server has memory for idle connections. */
  readonly hasNoServer?: true;
}

/** What ratios are taken against. */
export const floorName = "floor-records";

export const contenders: readonly Contender[] = [
  {
    name: floorName,
    title: "floor: net + msgpackr, records",
    kind: "floor",
    folder: "contenders/floor",
    variant: "records",
  },
  {
    name: "floor-maps",
    title: "floor without records",
    kind: "floor",
    folder: "contenders/floor",
    variant: "maps",
  },
  {
    name: "floor-unix",
    title: "floor over a Unix socket",
    kind: "floor",
    folder: "contenders/floor",
    variant: "records, unix",
  },
  {
    name: "remoting-tcp",
    title: "remoting, tcp://",
    kind: "remoting",
    folder: "contenders/remoting",
    variant: "tcp://127.0.0.1:0",
  },
  {
    name: "remoting-pipe",
    title: "remoting, pipe://",
    kind: "remoting",
    folder: "contenders/remoting",
    variant: "pipe://bench-<pid>",
  },
  {
    name: "remoting-shm",
    title: "remoting, shm://",
    kind: "remoting",
    folder: "contenders/remoting",
    variant: "shm://bench-<pid>",
  },
  {
    name: "remoting-shm-sleeping",
    title: "remoting, shm:// without the spin",
    kind: "remoting",
    folder: "contenders/remoting",
    variant: "shm://bench-<pid>, without the spin",
  },
  {
    name: "worker-threads",
    title: "worker_threads messages",
    kind: "transport",
    folder: "contenders/worker-threads",
    variant: "",
    hasNoServer: true,
  },
  { name: "zeromq", title: "zeromq.js, ipc", kind: "transport", folder: "peers/zeromq", variant: "" },
  { name: "nestjs", title: "NestJS microservices, TCP", kind: "peer", folder: "peers/nestjs", variant: "" },
  { name: "capnweb", title: "capnweb, ws", kind: "peer", folder: "peers/capnweb", variant: "" },
  {
    name: "vscode-jsonrpc",
    title: "vscode-jsonrpc, TCP",
    kind: "peer",
    folder: "peers/vscode-jsonrpc",
    variant: "",
  },
  { name: "grpc-js", title: "grpc-js", kind: "peer", folder: "peers/grpc", variant: "" },
];

/** `remoting` and `floor` mean all whose names begin so. */
export const contendersNamed = (names: readonly string[]): Contender[] =>
  contenders.filter(({ name }) => names.some((wanted) => name === wanted || name.startsWith(`${wanted}-`)));
