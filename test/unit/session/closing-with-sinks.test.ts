/** A session that closes while answers are still in its channel sinks: they are under way, and leave first. */
import { expect, onTestFinished, test } from "vitest";
import { MarshalByRefObject, memoryChannel, RemotingDomain, Singleton } from "../../../src/index.ts";
import type { ChannelSinkProvider } from "../../../src/spi.ts";

let finish: () => void = () => {};

@Singleton("Slow")
class Slow extends MarshalByRefObject {
  work(): Promise<string> {
    return new Promise((resolve) => {
      finish = () => resolve("done");
    });
  }
}

/** Takes a few turns of the event loop for everything that it sends, as compressing in another thread would. */
const slow: ChannelSinkProvider = {
  name: "slow",
  createSink: () => ({
    async outgoing(payload) {
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      return payload;
    },
    incoming: (payload) => payload,
  }),
};

test("the answer of a method that ended while its server closes arrives", async () => {
  const server = new RemotingDomain({ closeGrace: 10_000 });
  const client = new RemotingDomain();
  onTestFinished(async () => {
    await client.close();
    await server.close();
  });
  server.registerChannel(memoryChannel({ channelSinks: [slow] }));
  client.registerChannel(memoryChannel({ channelSinks: [slow] }));
  await server.serve("memory://closing-with-sinks", [Slow]);
  const result = client.getObject(Slow, "memory://closing-with-sinks/Slow").work();
  const before = finish;
  while (finish === before) await new Promise((resolve) => setImmediate(resolve));
  const closed = server.close();
  finish();
  expect(await result).toBe("done");
  await closed;
});
