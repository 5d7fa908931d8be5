/** Writes three messages into the server's mailslot, and waits in its own for how many were read. */
import { MailslotClient, MailslotServer } from "remoting/ipc";
import { answerName, slotName } from "./names.ts";

await using answers = new MailslotServer(answerName);
await using slot = new MailslotClient(slotName);

await slot.write("Message one");
await slot.write("Message two, in two parts".repeat(2));
await slot.write("Goodbye");
console.log(`the server has read ${await answers.read()} messages`);
