// The five things that are measured, as data: what is called, how many calls are under way, what is reported.

export type Operation = "add" | "echo" | "echoBinary";

export interface Workload {
  readonly id: string;
  readonly title: string;
  readonly unit: "calls/s" | "MB/s" | "KiB";
  readonly lowerIsBetter: boolean;
  readonly operation: Operation;
  readonly inFlight: number;
  /** Bytes of binary in each call, which turn calls per second into MB/s. */
  readonly payloadBytes: number;
  /** Idle connections to open; workloads with none of them run calls. */
  readonly idleConnections: number;
}

const callWorkload = {
  unit: "calls/s",
  lowerIsBetter: false,
  payloadBytes: 0,
  idleConnections: 0,
} as const;

const binaryWorkload = {
  unit: "MB/s",
  lowerIsBetter: false,
  operation: "echoBinary",
  inFlight: 4,
  idleConnections: 0,
} as const;

export const workloads: readonly Workload[] = [
  { ...callWorkload, id: "W1", title: "add(a, b), one at a time", operation: "add", inFlight: 1 },
  { ...callWorkload, id: "W2", title: "add(a, b), 64 in flight", operation: "add", inFlight: 64 },
  {
    ...callWorkload,
    id: "W3",
    title: "echo of an object of 20 fields, 976 bytes as JSON, 64 in flight",
    operation: "echo",
    inFlight: 64,
  },
  {
    ...binaryWorkload,
    id: "W4-64KiB",
    title: "echo of 64 KiB of binary, 4 in flight",
    payloadBytes: 64 * 1024,
  },
  {
    ...binaryWorkload,
    id: "W4-1MiB",
    title: "echo of 1 MiB of binary, 4 in flight",
    payloadBytes: 1024 * 1024,
  },
  {
    id: "W5",
    title: "server memory for each idle connection, 1,000 connected",
    unit: "KiB",
    lowerIsBetter: true,
    operation: "add",
    inFlight: 1,
    payloadBytes: 0,
    idleConnections: 1_000,
  },
];

/** `W4` means both of its sizes. */
export const workloadsNamed = (names: readonly string[]): Workload[] =>
  workloads.filter(({ id }) =>
    names.some((name) => id.toLowerCase() === name.toLowerCase() || id.split("-")[0] === name.toUpperCase()),
  );
