/**
 * A server or a client of `shm://` that does everything that shared memory makes possible: sleeps and wakes, fills
 * rings, streams what is larger than one. It goes on until it is killed, or its test ends.
 */
import { RemotingDomain, shmChannel } from "remoting";
import { exercise, ShmEcho } from "../shm-echo.ts";
import { exitOnUnhandled } from "./exit-on-unhandled.ts";

/** What it is told when it is started, as JSON. */
export interface ShmPeerOptions {
  readonly role: "server" | "client";
  readonly url: string;
  readonly ringBytes: number;
}

exitOnUnhandled();
process.on("disconnect", () => process.exit());

const { role, url, ringBytes } = JSON.parse(process.argv[2] ?? "") as ShmPeerOptions;
const domain = new RemotingDomain({ defaultTimeout: 0 });
// Without the spin everybody sleeps all the time, so all of that is reached.
domain.registerChannel(shmChannel({ spinMicroseconds: 0, ringBytes }));
if (role === "server") {
  await domain.serve(url, [ShmEcho]);
  process.send?.("listening");
} else {
  const echo = domain.getObject(ShmEcho, url);
  for (;;) await exercise(echo, ringBytes);
}
