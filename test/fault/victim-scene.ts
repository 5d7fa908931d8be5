/** A server in a process of its own that is treated badly, and can be asked from inside what it holds. */
import { type Remote, RemotingDomain } from "remoting";
import { type Holdings, returnsToBaseline } from "./baseline.ts";
import { Journal, ServerProcess } from "./server-process.ts";
import { Victim } from "./victim.ts";

/** What a test works with. */
export class VictimScene {
  readonly server: ServerProcess;
  readonly victim: Remote<Victim>;
  /** The domain over which the victim is asked, by the one connection that is not part of the treatment. */
  readonly domain: RemotingDomain;
  readonly #journal: Journal;

  private constructor(journal: Journal, server: ServerProcess, domain: RemotingDomain) {
    this.#journal = journal;
    this.server = server;
    this.domain = domain;
    this.victim = domain.getObject(Victim, server.url);
  }

  /** Sets the scene, runs `act`, and clears it away, whatever has come of it. */
  static async play<T>(act: (scene: VictimScene) => Promise<T>): Promise<T> {
    const journal = await Journal.create();
    const server = await ServerProcess.start({ journal: journal.path });
    const domain = new RemotingDomain();
    try {
      await server.listen();
      return await act(new VictimScene(journal, server, domain));
    } finally {
      await domain.close();
      await server.stop();
      await journal.remove();
    }
  }

  /** Starts another process of the same program, which has to be ended by whoever asks for it. */
  startOther(): Promise<ServerProcess> {
    return ServerProcess.start({ journal: this.#journal.path });
  }

  /** What the victim holds once nobody is connected but this scene: what others had may be on its way out until then. */
  async holdingsAlone(): Promise<Holdings> {
    for (;;) {
      const now = await this.victim.holdings();
      if (now.statistics.connections === 1 && now.resources.TCPSocketWrap === 1) return now;
    }
  }

  /** Waits until the victim holds nothing that it did not hold before. Returns how many bytes more are in use. */
  returnsTo(before: Holdings, growth?: number): Promise<number> {
    return returnsToBaseline(before, () => this.victim.holdings(), growth);
  }
}
