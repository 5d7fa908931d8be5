/**
 * A process at one end of a mailslot. `write name writer count`: writes so many messages and ends. `serve name`: makes
 * the slot, says so, and reads nothing, until it is killed. `hold name`: exits with a slot and a writer open, and a
 * message waiting.
 */
import { MailslotClient, MailslotServer } from "../../../src/ipc.ts";
import { endWithParent } from "./end-with-parent.ts";

endWithParent();

const [mode = "", name = "", writer = "", count = "0"] = process.argv.slice(2);

if (mode === "write") {
  await using slot = new MailslotClient(name, { writeTimeout: 60_000 });
  for (let index = 0; index < Number(count); index++) {
    await slot.write(`${writer}:${index}:${"x".repeat(index % 500)}`);
  }
  process.stdout.write("done\n");
} else if (mode === "serve") {
  const slot = new MailslotServer(name, { maxQueuedMessages: 1 });
  process.stdout.write(`${slot.name}\n`);
} else if (mode === "hold") {
  const slot = new MailslotServer(name, { maxQueuedMessages: 1 });
  const client = new MailslotClient(name);
  void slot.read();
  for (let index = 0; index < 100; index++) void client.write(`${index}`).catch(() => {});
  process.stdout.write("holding\n", () => process.exit(0));
}
