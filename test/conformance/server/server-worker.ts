/** The thread in which the servers of the worker's row run. Started by `worker-servers.ts`. */
import { parentPort } from "node:worker_threads";
import { attachMessagePort } from "remoting";
import { record } from "./ledger.ts";
import { type ServerOptions, startServer, type TestServer } from "./start-server.ts";

/** What the thread is asked to do. */
export type ServerRequest =
  | { readonly kind: "start"; readonly url: string; readonly options: ServerOptions }
  | { readonly kind: "close"; readonly url: string };

/** What it answers, in the order of the requests' ends. */
export interface ServerReply {
  readonly kind: ServerRequest["kind"];
  readonly url: string;
  readonly error?: string;
}

if (parentPort !== null) {
  const port = parentPort;
  const servers = new Map<string, TestServer>();
  attachMessagePort(port);
  process.on("unhandledRejection", () => record("unhandled rejection", "thread"));
  const handle = async (request: ServerRequest) => {
    if (request.kind === "start") {
      servers.set(request.url, await startServer(request.url, request.options));
    } else {
      await servers.get(request.url)?.close();
      servers.delete(request.url);
    }
  };
  port.on("message", (message: Partial<ServerRequest>) => {
    if (message.kind === undefined || message.url === undefined) return;
    const { kind, url } = message;
    handle(message as ServerRequest).then(
      () => port.postMessage({ kind, url } satisfies ServerReply),
      (error: unknown) => port.postMessage({ kind, url, error: String(error) } satisfies ServerReply),
    );
  });
}
