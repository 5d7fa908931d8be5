// `npm run demo` starts a server process and calls it from this one.
// `npm run demo -- --channel URL` does the same over another channel; for memory:// all is in this process.
// `npm run demo -- --all` goes through all channels and compares them.
import { parseArgs } from "node:util";
import { RemotingDomain } from "remoting";
import { showAllChannels } from "./all-channels.ts";
import { Screen } from "./screen.ts";
import { CannotServeError, startServer } from "./servers.ts";
import { tour } from "./tour.ts";

/** The command line makes the demo impossible. */
class UsageError extends Error {}

interface CommandLine {
  readonly channel: string;
  readonly all: boolean;
}

function readCommandLine(): CommandLine {
  try {
    const { values } = parseArgs({
      options: {
        channel: { type: "string", default: "tcp://127.0.0.1:0" },
        all: { type: "boolean", default: false },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function showOneChannel(screen: Screen, channel: string): Promise<boolean> {
  const started = performance.now();
  const server = await startServer(channel);
  const [url = channel] = server.urls;
  const domain = new RemotingDomain({ defaultTimeout: 5_000 });
  try {
    screen.print(screen.style("bold", "Remoting: a pizzeria, served elsewhere and used from here"));
    screen.print(screen.style("dim", `client process ${process.pid} → ${url} → ${server.place}`));
    await tour(domain, url, screen);
  } finally {
    await domain.close();
    await server.close();
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (screen.mistakes === 0) {
    screen.print(`\n${screen.style("green", "✓")} All ${screen.lines} results were right, in ${seconds} s`);
  } else {
    screen.print(`\n${screen.style("red", "✗")} ${screen.mistakes} of ${screen.lines} results were wrong`);
  }
  return screen.mistakes === 0;
}

try {
  const { channel, all } = readCommandLine();
  const screen = new Screen();
  const right = await (all ? showAllChannels(screen) : showOneChannel(screen, channel));
  if (!right) process.exitCode = 1;
} catch (error) {
  if (!(error instanceof UsageError || error instanceof CannotServeError)) throw error;
  console.error(`The demo cannot run: ${error.message}`);
  console.error("Usage: npm run demo -- --channel URL, for example tcp://127.0.0.1:6100 or memory://demo");
  console.error("       npm run demo -- --all");
  process.exitCode = 2;
}
