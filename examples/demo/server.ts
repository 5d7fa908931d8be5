// The server process. It tells the process that has started it where it can be reached.
import { openPizzeria } from "./open-pizzeria.ts";

/** What it tells. */
export type ServerNews = { readonly urls: readonly string[] } | { readonly problem: string };

function tell(news: ServerNews): void {
  process.send?.(news);
}

const [, , ...channels] = process.argv;
try {
  const pizzeria = await openPizzeria(channels);
  // Comes even if the client was killed: no server is left behind.
  process.once("disconnect", () => void pizzeria.close());
  tell({ urls: pizzeria.urls });
} catch (error) {
  tell({ problem: error instanceof Error ? error.message : String(error) });
  process.disconnect();
}
