// The process that reads: a server of the kind that it is told, which answers when the last message has come, and in
// round trips each one.

import { MailslotClient, MailslotServer, NamedPipeServer } from "remoting/ipc";
import { answersOf, type Measurement, nameOf } from "./measurement.ts";

const { kind, mode, messages } = JSON.parse(process.argv[2] ?? "") as Measurement;
const name = nameOf(process.ppid);
const answer = Buffer.alloc(1);

if (kind === "pipe") {
  await using pipe = new NamedPipeServer(name);
  process.send?.("ready");
  await pipe.waitForConnection();
  let left = messages;
  for await (const message of pipe) {
    if (mode === "round-trips") await pipe.write(message);
    if (--left === 0) break;
  }
  await pipe.write(answer);
  await pipe.waitForPipeDrain();
} else {
  await using slot = new MailslotServer(name);
  await using answers = new MailslotClient(answersOf(process.ppid));
  process.send?.("ready");
  let left = messages;
  for await (const _ of slot) if (--left === 0) break;
  await answers.write(answer);
}
process.disconnect();
