/** A client that behaves, and calls all the time: whatever happens to others must not happen to it. */
import assert from "node:assert/strict";
import { type Remote, RemotingDomain } from "remoting";
import { Target, type Vitals } from "./contract.ts";
import { within } from "./within.ts";

/** In which whatever is to happen has to happen. Long, for busy machines. */
const patience = 30_000;

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
    await within(patience, Promise.race([this.#loop, this.#untilMoreThan(before)]), "another call");
    assert(this.calls > before, "the good client's calls have ended");
    assert.equal(this.#disconnected, 0);
  }

  async #untilMoreThan(calls: number): Promise<void> {
    while (this.calls <= calls) await new Promise(setImmediate);
  }

  /** How the server is, once there are no connections but this one. */
  async vitals(): Promise<Vitals> {
    const settled = async (): Promise<Vitals> => {
      for (;;) {
        const { connections } = await this.target.vitals();
        // Looked at once more: what belonged to the last connection that has ended was still in use meanwhile.
        if (connections === 1) return this.target.vitals();
        await this.target.wait(10);
      }
    };
    return within(patience, settled(), "the end of all other connections");
  }

  /**
   * Looks at the server until there are no connections but this one, and what they had is given back, which may be a
   * moment later.
   *
   * @param growth How many bytes more than before may be in use.
   * @returns How the server is then, and the most that it had in use meanwhile.
   */
  async returnsTo(
    before: Vitals,
    growth: number,
  ): Promise<{ readonly after: Vitals; readonly mostUsedBytes: number }> {
    const end = performance.now() + patience;
    for (let mostUsedBytes = 0; ; ) {
      const after = await within(patience, this.target.vitals(), "the server's vitals");
      mostUsedBytes = Math.max(mostUsedBytes, after.usedBytes);
      const grown = after.usedBytes - before.usedBytes;
      if (after.connections === 1 && grown < growth) return { after, mostUsedBytes };
      if (performance.now() < end) continue;
      assert.equal(after.connections, 1);
      assert(grown < growth, `${grown} bytes more are in use than before, where ${growth} are allowed`);
    }
  }

  async close(): Promise<void> {
    this.#running = false;
    await this.#loop;
    await this.#domain.close();
  }
}
