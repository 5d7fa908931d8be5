// The contract that the remoting contenders share: the three methods that every contender serves.

import { MarshalByRefObject, Singleton } from "remoting";

@Singleton("Bench")
export class Bench extends MarshalByRefObject {
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
