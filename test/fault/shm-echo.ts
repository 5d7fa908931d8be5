/** What the fault tests of `shm://` call. */
import { MarshalByRefObject, type Remote, Singleton } from "remoting";

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

/** Too small to be sent in fragments, so many of them go out at once. */
const unfragmented = 16 * 1024;

/**
 * Makes both sides do everything that they can with a ring of so many bytes, once: go to sleep and be woken, fill it,
 * stream what is larger than it. Fails only when every call has settled, so a call that the dead peer leaves waiting for
 * ever is seen.
 */
export async function exercise(echo: Remote<ShmEcho>, ringBytes: number): Promise<void> {
  const small = new Uint8Array(unfragmented);
  const large = new Uint8Array(8 * ringBytes);
  const fillingRing = Array.from({ length: (2 * ringBytes) / unfragmented });
  const settled = await Promise.allSettled([
    echo.length(large),
    echo.fill(large.length),
    echo.add(1, 2),
    ...fillingRing.map(() => echo.length(small)),
    ...fillingRing.map(() => echo.fill(small.length)),
  ]);
  const failed = settled.find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
  for (let call = 0; call < 10; call++) await echo.add(call, 1);
}
