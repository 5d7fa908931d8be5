// `npm run demo -- --all`: the same service and the same client over every channel, and a table of what came of it.
import { RemotingDomain } from "remoting";
import { ringTheBell } from "./bell.ts";
import { Screen, silentOutput } from "./screen.ts";
import { CannotServeError, type Server, startServer, startWorker } from "./servers.ts";
import { measureSpeed } from "./speed.ts";
import { type Row, Table } from "./table.ts";
import { tour } from "./tour.ts";

interface Way {
  readonly title: string;
  start(): Promise<Server>;
  show(domain: RemotingDomain, urls: readonly string[]): Promise<Omit<Row, "title">>;
}

/** Names are for this run alone: two demos at once do not meet. */
const name = `demo-${process.pid}`;

async function showEverything(domain: RemotingDomain, [url = ""]: readonly string[]) {
  const silent = new Screen(silentOutput);
  await tour(domain, url, silent);
  const worked = `${silent.lines - silent.mistakes} of ${silent.lines}`;
  return { worked, right: silent.mistakes === 0, speed: await measureSpeed(domain, url) };
}

async function showOneWay(domain: RemotingDomain, [bell = "", kitchen = ""]: readonly string[]) {
  const { rung, arrived, callsPerSecond } = await ringTheBell(domain, bell, kitchen);
  return { worked: `${arrived} of ${rung} rings`, right: arrived === rung, speed: { callsPerSecond } };
}

const ways: readonly Way[] = [
  { title: "tcp://", start: () => startServer("tcp://127.0.0.1:0"), show: showEverything },
  { title: "pipe://", start: () => startServer(`pipe://${name}`), show: showEverything },
  { title: "shm://", start: () => startServer(`shm://${name}`), show: showEverything },
  { title: "memory://", start: () => startServer(`memory://${name}`), show: showEverything },
  { title: "memory://, worker", start: startWorker, show: showEverything },
  {
    title: "mailslot://, one-way",
    // The replies that a mailslot does not carry travel over TCP, to count what has arrived.
    start: () => startServer(`mailslot://${name}`, "tcp://127.0.0.1:0"),
    show: showOneWay,
  },
];

async function run({ title, start, show }: Way): Promise<Row> {
  let server: Server;
  try {
    server = await start();
  } catch (error) {
    if (!(error instanceof CannotServeError)) throw error;
    return { title, worked: "not available", right: false, problem: error.message };
  }
  const domain = new RemotingDomain({ defaultTimeout: 10_000 });
  try {
    return { title, ...(await show(domain, server.urls)) };
  } catch (error) {
    return { title, worked: "failed", right: false, problem: String(error) };
  } finally {
    await domain.close();
    await server.close();
  }
}

/** Runs the demo over all channels. Returns whether everything worked everywhere. */
export async function showAllChannels(screen: Screen): Promise<boolean> {
  screen.print(screen.style("bold", "Remoting: one service and one client, unchanged, over every channel"));
  const rows: Row[] = [];
  for (const way of ways) {
    screen.progress(`${way.title} …`);
    rows.push(await run(way));
  }
  screen.progress("");
  new Table(rows).print(screen);
  return rows.every(({ right }) => right);
}
