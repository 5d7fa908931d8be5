/** Connections that come and go in every way there is, many at a time: none of them may leave anything behind. */
import { once } from "node:events";
import { connect } from "node:net";
import { call, FrameReader, hello, kind, message } from "./frames.ts";
import { VictimScene } from "./victim-scene.ts";

/** What came of it. */
export interface ChurnFigures {
  readonly connections: number;
  /** How they ended. */
  readonly ends: Readonly<Record<string, number>>;
  readonly growthBytes: number;
  readonly connectionsPerSecond: number;
}

const atATime = 32;
const greeting = message([hello()]);
const farewell = message([call(1, "Target", "produce")]);

/** How a connection ends: what was said before, and in good order or by a reset. */
const ends = [
  { name: "FIN at once", says: "nothing", reset: false },
  { name: "RST at once", says: "nothing", reset: true },
  { name: "FIN in the handshake", says: "half a hello", reset: false },
  { name: "RST in the handshake", says: "half a hello", reset: true },
  { name: "FIN after the handshake", says: "hello", reset: false },
  { name: "RST after the handshake", says: "hello", reset: true },
  { name: "RST in a call", says: "a call", reset: true },
  { name: "FIN in a call", says: "a call", reset: false },
] as const;

/**
 * Connects and disconnects until it is enough.
 *
 * @param isEnough Told the number of connections so far.
 */
export function churn(isEnough: (connections: number) => boolean): Promise<ChurnFigures> {
  return VictimScene.play(async (scene) => {
    const { port } = scene.server;
    // Once through everything, so that what is made for good is made.
    await Promise.all(ends.map((end) => comeAndGo(port, end)));
    const before = await scene.holdingsAlone();
    const started = performance.now();
    const counts = new Map<string, number>();
    let connections = 0;
    const lane = async () => {
      while (!isEnough(connections)) {
        const end = ends[connections++ % ends.length] ?? ends[0];
        await comeAndGo(port, end);
        counts.set(end.name, (counts.get(end.name) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: atATime }, lane));
    const seconds = (performance.now() - started) / 1000;
    return {
      connections,
      ends: Object.fromEntries(counts),
      growthBytes: await scene.returnsTo(before),
      connectionsPerSecond: connections / seconds,
    };
  });
}

async function comeAndGo(port: number, { says, reset }: (typeof ends)[number]): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  socket.on("error", () => {});
  const closed = once(socket, "close");
  await once(socket, "connect");
  if (says === "half a hello") socket.write(greeting.subarray(0, greeting.length / 2));
  if (says === "hello" || says === "a call") {
    const reader = new FrameReader();
    const welcomed = new Promise<void>((resolve) => {
      socket.on("data", (chunk: Buffer) => {
        if (reader.read(chunk).some((frame) => frame.kind === kind.welcome)) resolve();
      });
    });
    socket.write(greeting);
    await Promise.race([welcomed, closed]);
  } else {
    socket.resume();
  }
  if (says === "a call") socket.write(farewell.subarray(0, farewell.length - 1));
  if (reset) socket.resetAndDestroy();
  else socket.end();
  await closed;
}
