/** A domain in numbers: what it says of itself while it is busy, and that all of it is zero afterwards. */
import { expect, onTestFinished, test, vi } from "vitest";
import { MarshalByRefObject, RemotingDomain, Singleton } from "../../../src/index.ts";

const nothing = {
  connections: 0,
  outgoingCalls: 0,
  incomingCalls: 0,
  lentObjects: 0,
  borrowedReferences: 0,
  queuedBytes: 0,
};

class Page extends MarshalByRefObject {
  number(): number {
    return 1;
  }
}

@Singleton("Library")
class Library extends MarshalByRefObject {
  readonly #waiting: (() => void)[] = [];

  page(): Page {
    return new Page();
  }

  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  ready(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  ping(): string {
    return "pong";
  }
}

async function serve(address: string) {
  const server = new RemotingDomain();
  const client = new RemotingDomain();
  onTestFinished(async () => {
    await client.close();
    await server.close();
  });
  await server.serve(address, [Library]);
  return { server, client, library: client.getObject(Library, address) };
}

test("statistics follow what a domain is busy with, and go back to zero", async () => {
  const { server, client, library } = await serve("memory://statistics");
  expect(client.statistics).toEqual(nothing);
  const page = await library.page();
  const waiting = [library.wait(), library.wait(), library.wait()];
  await library.ping();
  expect(client.statistics).toEqual({
    ...nothing,
    connections: 1,
    outgoingCalls: 3,
    borrowedReferences: 1,
  });
  expect(server.statistics).toEqual({ ...nothing, connections: 1, incomingCalls: 3, lentObjects: 1 });
  await library.ready();
  await Promise.all(waiting);
  await page[Symbol.asyncDispose]();
  await library.ping();
  expect(client.statistics).toEqual({ ...nothing, connections: 1 });
  expect(server.statistics).toEqual({ ...nothing, connections: 1 });
  await client.close();
  await vi.waitFor(() => expect(server.statistics).toEqual(nothing), { timeout: 30_000 });
});

test("a listener that throws is uncaught, and does not come between a connection and its end", async () => {
  const { server, client, library } = await serve("memory://throwing-listeners");
  const uncaught: unknown[] = [];
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => uncaught.push(error));
  onTestFinished(() => {
    process.removeAllListeners("uncaughtException");
    for (const listener of others) process.on("uncaughtException", listener);
  });
  for (const domain of [server, client]) {
    domain.on("connected", () => {
      throw new Error("connected");
    });
    domain.on("disconnected", () => {
      throw new Error("disconnected");
    });
  }
  const disconnected = client.whenDisconnected(library);
  expect(await library.ping()).toBe("pong");
  await disconnected;
  const lost = client.whenDisconnected(library);
  await client.close();
  expect(await lost).toBeUndefined();
  await vi.waitFor(() => expect(server.statistics).toEqual(nothing), { timeout: 30_000 });
  await vi.waitFor(
    () =>
      expect(uncaught.map((error) => (error instanceof Error ? error.message : error)).sort()).toEqual([
        "connected",
        "connected",
        "disconnected",
        "disconnected",
      ]),
    { timeout: 30_000 },
  );
});
