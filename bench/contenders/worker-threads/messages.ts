// What the two threads post to each other.

export interface Call {
  readonly id: number;
  readonly method: "add" | "echo" | "echoBinary";
  readonly args: readonly unknown[];
}

export interface Reply {
  readonly id: number;
  readonly result: unknown;
}
