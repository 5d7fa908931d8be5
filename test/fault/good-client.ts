/** A client that behaves, and calls all the time: whatever happens to others must not happen to it. */
import assert from "node:assert/strict";
import { type Remote, RemotingDomain } from "remoting";
import { Target, type Vitals } from "./contract.ts";
import { within } from "./within.ts";

export class GoodClient {
  readonly target: Remote<Target>;
  readonly #domain = new RemotingDomain();
  #running = true;
  #loop: Promise<void> = Promise.resolve();
  /** The calls that were answered. */
  calls = 0;
  /** The longest that one of them took. */
  slowest = 0;
  #disconnected = 0;

  private constructor(url: string) {
    this.#domain.on("disconnected", () => void this.#disconnected++);
    this.target = this.#domain.getObject(Target, url);
  }

  /** Connects and begins to call. */
  static async start(url: string): Promise<GoodClient> {
    const client = new GoodClient(url);
    await client.target.echo("connected");
    client.#loop = client.#call();
    client.#loop.catch(() => {});
    return client;
  }

  async #call(): Promise<void> {
    while (this.#running) {
      const started = performance.now();
      const sent = { number: this.calls };
      assert.deepEqual(await this.target.echo(sent), sent);
      this.slowest = Math.max(this.slowest, performance.now() - started);
      this.calls++;
      // A turn for whoever attacks: both are in this process.
      await new Promise(setImmediate);
    }
  }

  /** Demands that it never lost its connection, that no call failed, and that they still go on. */
  async expectUnaffected(): Promise<void> {
    const before = this.calls;
    await within(10_000, Promise.race([this.#loop, this.#untilMoreThan(before)]), "another call");
    assert(this.calls > before, "the good client's calls have ended");
    assert.equal(this.#disconnected, 0);
  }

  async #untilMoreThan(calls: number): Promise<void> {
    while (this.calls <= calls) await new Promise(setImmediate);
  }

  /** How the server is, once there are no connections but `others` beside this one. */
  async vitals(others = 0): Promise<Vitals> {
    const settled = async (): Promise<Vitals> => {
      for (;;) {
        const vitals = await this.target.vitals();
        if (vitals.connections === 1 + others) return vitals;
        await this.target.wait(10);
      }
    };
    return within(10_000, settled(), `the end of all but ${1 + others} connections`);
  }

  async close(): Promise<void> {
    this.#running = false;
    await this.#loop;
    await this.#domain.close();
  }
}
