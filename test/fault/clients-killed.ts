/** Clients that are killed while they hold references: what they held goes, and what they lent is forgotten. */
import assert from "node:assert/strict";
import type { ServerProcess } from "./server-process.ts";
import { Victim } from "./victim.ts";
import { VictimScene } from "./victim-scene.ts";

/** What came of it. */
export interface ClientKillFigures {
  readonly kills: number;
  /** References that the killed clients held, and as many that they had lent. */
  readonly references: number;
  readonly growthBytes: number;
}

/** Tables that have grown keep their size, and code that has run for the first time its place. */
const growth = 16 * 1024 * 1024;

/** Longer than a returned object stays whose holder was lost. */
const expiry = 6 * 60_000;

/**
 * Kills clients of one server until it is enough.
 *
 * @param isEnough Told the number of kills so far.
 * @param references What each of them holds, and lends.
 */
export function killClients(
  isEnough: (kills: number) => boolean,
  references: number,
): Promise<ClientKillFigures> {
  return VictimScene.play(async (scene) => {
    const { victim } = scene;
    const before = await scene.holdingsAlone();
    let kills = 0;
    let standby = scene.startOther();
    while (!isEnough(kills)) {
      const client = await standby;
      kills++;
      standby = scene.startOther();
      await killOne(scene, client, references);
      await victim.forget();
      if (kills % 5 === 0) await expire(scene);
    }
    await (await standby).kill();
    await expire(scene);
    return { kills, references, growthBytes: await scene.returnsTo(before, growth) };
  });
}

/** Lets the time pass after which nothing is kept for those who were killed, and waits until it is gone. */
async function expire({ victim }: VictimScene): Promise<void> {
  await victim.shiftMonotonicClock(expiry);
  while ((await victim.holdings()).statistics.lentObjects > 0);
}

async function killOne(scene: VictimScene, client: ServerProcess, references: number): Promise<void> {
  const { server, victim } = scene;
  await client.listen();
  const { lentObjects } = (await victim.holdings()).statistics;
  await scene.domain.getObject(Victim, client.url).borrow(server.url, references);
  const full = (await victim.holdings()).statistics;
  assert.equal(full.connections, 2);
  assert.equal(full.lentObjects - lentObjects, references);
  assert.equal(full.borrowedReferences, references);
  await client.kill();
  // What the client had lent is gone with it at once; so is its connection.
  for (;;) {
    const { statistics } = await victim.holdings();
    if (statistics.connections === 1 && statistics.borrowedReferences === 0) return;
  }
}
