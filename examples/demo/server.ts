// The server process. It tells the process that has started it where it can be reached.
import { openPizzeria } from "./open-pizzeria.ts";

/** What it tells. */
export type ServerNews = { readonly url: string } | { readonly problem: string };

function tell(news: ServerNews): void {
  process.send?.(news);
}

const [, , url = "tcp://127.0.0.1:0"] = process.argv;
try {
  const pizzeria = await openPizzeria(url);
  // Comes even if the client was killed: no server is left behind.
  process.once("disconnect", () => void pizzeria.domain.close());
  tell({ url: pizzeria.url });
} catch (error) {
  tell({ problem: error instanceof Error ? error.message : String(error) });
  process.disconnect();
}
