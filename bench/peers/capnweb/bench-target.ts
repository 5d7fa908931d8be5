// The interface that capnweb's stub is typed by, and the target that serves it.

import { RpcTarget } from "capnweb";

export interface BenchApi {
  add(a: number, b: number): number;
  echo(value: object): object;
  echoBinary(bytes: Uint8Array): Uint8Array;
}

export class BenchTarget extends RpcTarget implements BenchApi {
  add(a: number, b: number): number {
    return a + b;
  }

  echo(value: object): object {
    return value;
  }

  echoBinary(bytes: Uint8Array): Uint8Array {
    return bytes;
  }
}
