/** What the fault tests of `shm://` call. */
import { MarshalByRefObject, Singleton } from "remoting";

/** Small and large, in both directions. */
@Singleton("ShmEcho")
export class ShmEcho extends MarshalByRefObject {
  add(a: number, b: number): number {
    return a + b;
  }

  length(bytes: Uint8Array): number {
    return bytes.length;
  }

  fill(length: number): Uint8Array {
    return new Uint8Array(length).fill(7);
  }
}
