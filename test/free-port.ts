/** Ports for servers that come and go at one place. */
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * A port of the loopback interface on which nobody listens. It is not one of those that systems give out by themselves
 * (from 32,768 on), so nobody gets it while the one who was told it is not there.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = createServer().listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
    } catch {
      continue; // Somebody has it.
    }
    server.close();
    await once(server, "close");
    return port;
  }
}
