import { MarshalByRefObject, SingleCall } from "remoting";

@SingleCall()
export class Primes extends MarshalByRefObject {
  count(below: number): number {
    const composite = new Uint8Array(below);
    let primes = 0;
    for (let candidate = 2; candidate < below; candidate++) {
      if (composite[candidate]) continue;
      primes++;
      for (let multiple = candidate * candidate; multiple < below; multiple += candidate)
        composite[multiple] = 1;
    }
    return primes;
  }
}
