/** What is done to servers, seen from inside: they die at a moment that is chosen, and tell what they hold. */
import { closeSync, openSync } from "node:fs";
import { ConnectError, MarshalByRefObject, RemotingDomain, type SessionLimits, Singleton } from "remoting";
import { type Holdings, holdings } from "./baseline.ts";
import { Child, record, surroundings, Target } from "./contract.ts";

/** What became of calls over many connections. */
export interface DialFigures {
  readonly results: number;
  /** Refused by a `ConnectError`, and surely not run. */
  readonly refused: number;
  /** What else there was, which must not be. */
  readonly unexpected: readonly string[];
  /** One of the refusals. */
  readonly reason: string;
}

/** What became of calls that were under way while time did something strange. */
export interface WaitFigures {
  /** The answer of the call that was released. */
  readonly value: number;
  /** How the call ended that could not be answered in time. */
  readonly timed: string;
  /** How many connections were lost. */
  readonly lost: number;
  /** The answer of a call made afterwards. */
  readonly after: number;
}

const SystemDate = Date;

/** Replaces `Date` by one that is wrong by so many milliseconds. */
function shiftDate(milliseconds: number): void {
  class ShiftedDate extends SystemDate {
    constructor(...args: [] | [value: number | string | Date]) {
      super(args.length === 0 ? SystemDate.now() + milliseconds : args[0]);
    }

    static override now(): number {
      return SystemDate.now() + milliseconds;
    }
  }
  Object.assign(globalThis, { Date: ShiftedDate });
}

/** As the operating system would: with no chance to clean up, and before this function returns. */
function die(): void {
  process.kill(process.pid, "SIGKILL");
}

@Singleton("Victim")
export class Victim extends MarshalByRefObject {
  readonly #taken: unknown[] = [];
  readonly #clients: RemotingDomain[] = [];

  /** Appends to the journal and dies, before anything was answered. */
  dieInHandler(id: number): number {
    record(id);
    die();
    return id;
  }

  /** Appends to the journal, answers, and dies when the answer is the operating system's. */
  dieAfterReply(id: number): number {
    record(id);
    setImmediate(die);
    return id;
  }

  /** Objects by reference. */
  lend(count: number): Child[] {
    return Array.from({ length: count }, () => new Child());
  }

  /** Keeps functions of the caller's. */
  take(functions: readonly (() => void)[]): number {
    this.#taken.push(...functions);
    return this.#taken.length;
  }

  /** Forgets them. */
  forget(): void {
    this.#taken.length = 0;
  }

  /** Borrows so many objects of another server's, and lends it as many functions. Keeps both. */
  async borrow(url: string, count: number): Promise<number> {
    const client = new RemotingDomain();
    this.#clients.push(client);
    const other = client.getObject(Victim, url);
    this.#taken.push(await other.lend(count));
    return await other.take(Array.from({ length: count }, () => () => {}));
  }

  /** Calls another server over so many connections at a time, and says what became of the calls. */
  async dial(url: string, count: number): Promise<DialFigures> {
    const clients = Array.from({ length: count }, () => new RemotingDomain());
    const figures = { results: 0, refused: 0, unexpected: [] as string[], reason: "" };
    await Promise.all(
      clients.map(async (client) => {
        try {
          await client.getObject(Target, url).echo(1);
          figures.results++;
        } catch (error) {
          if (error instanceof ConnectError && !error.mayHaveExecuted) {
            figures.refused++;
            figures.reason = error.message;
          } else {
            figures.unexpected.push(String(error));
          }
        }
      }),
    );
    await Promise.all(clients.map((client) => client.close()));
    return figures;
  }

  /**
   * Calls another server's `block` over a connection that is watched closely, and says what became of that and of a
   * call that must time out.
   */
  async waitFor(
    url: string,
    id: number,
    limits: Partial<SessionLimits>,
    timeout: number,
  ): Promise<WaitFigures> {
    const client = new RemotingDomain({ limits });
    let lost = 0;
    client.on("disconnected", () => void lost++);
    try {
      const target = client.withOptions(client.getObject(Target, url), { timeout: 0 });
      const timed = client
        .withOptions(target, { timeout })
        .block(-id)
        .then(
          () => "answered",
          (error: unknown) => (error instanceof Error ? error.name : typeof error),
        );
      const value = await target.block(id);
      return { value, timed: await timed, lost, after: Number(await target.echo(id)) };
    } finally {
      await client.close();
    }
  }

  /** Whether nothing can be opened any more. */
  isOutOfDescriptors(): boolean {
    try {
      closeSync(openSync("/dev/null", "r"));
      return false;
    } catch {
      return true;
    }
  }

  /** Moves the clock on the wall: of `Date` only, as an administrator or a summer does. */
  shiftWallClock(milliseconds: number): string {
    shiftDate(milliseconds);
    return new Date().toISOString();
  }

  /** Moves the monotonic clock on, as a machine does that was asleep and counts that. */
  shiftMonotonicClock(milliseconds: number): void {
    const now = performance.now.bind(performance);
    performance.now = () => now() + milliseconds;
  }

  /** What this process holds. */
  holdings(): Holdings {
    return surroundings.domain === undefined ? holdings() : holdings(surroundings.domain);
  }
}
