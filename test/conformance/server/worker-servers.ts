/** Servers in a real `Worker`, reached over its port. One thread for all servers of a file: starting one takes a while. */
import { Worker } from "node:worker_threads";
import { attachMessagePort } from "remoting";
import type { ServerReply, ServerRequest } from "./server-worker.ts";
import type { ServerOptions, TestServer } from "./start-server.ts";

/** The thread and the names that lead to it. */
export class WorkerServers {
  readonly #worker: Worker;
  readonly #detach = new Map<string, () => void>();
  readonly #replies = new Map<string, (reply: ServerReply) => void>();
  #names = 0;

  constructor() {
    // Node 20 loads no TypeScript in threads by itself.
    const entry = JSON.stringify(new URL("./server-worker.ts", import.meta.url).href);
    this.#worker = new Worker(
      `import("tsx/esm/api").then(({ register }) => { register(); return import(${entry}); })`,
      { eval: true, execArgv: [] },
    );
    // Each endpoint listens, and a file has many.
    this.#worker.setMaxListeners(0);
    this.#worker.on("message", (reply: Partial<ServerReply>) => {
      if (reply.kind !== undefined) this.#replies.get(`${reply.kind} ${reply.url}`)?.(reply as ServerReply);
    });
  }

  /** An endpoint in the thread that nobody has. */
  newUrl(): string {
    return `memory://thread-${++this.#names}`;
  }

  async start(url: string, options: ServerOptions): Promise<TestServer> {
    if (!this.#detach.has(url)) {
      this.#detach.set(url, attachMessagePort(this.#worker, [url.slice("memory://".length)]));
    }
    await this.#ask({ kind: "start", url, options });
    let closed: Promise<void> | undefined;
    return {
      url,
      close: () => {
        closed ??= this.#ask({ kind: "close", url });
        return closed;
      },
    };
  }

  #ask(request: ServerRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#worker.once("error", reject);
      this.#replies.set(`${request.kind} ${request.url}`, ({ error }) => {
        this.#worker.off("error", reject);
        if (error === undefined) resolve();
        else reject(new Error(error));
      });
      this.#worker.postMessage(request);
    });
  }

  async close(): Promise<void> {
    for (const detach of this.#detach.values()) detach();
    await this.#worker.terminate();
  }
}
