/** Looks into a mailslot every few seconds, counts what is there, and retrieves it one by one. */
import { setTimeout as pause } from "node:timers/promises";
import { MailslotClient, MailslotServer } from "remoting/ipc";
import { answerName, slotName } from "./names.ts";

// A read that finds nothing fails at once (readTimeout: 0), as in the classic sample.
await using slot = new MailslotServer(slotName, { maxMessageSize: 424, readTimeout: 0 });
console.log(`${slot.name} is open`);

let read = 0;
for (let isOver = false; !isOver; await pause(2_000)) {
  const { messageCount } = slot.getInfo();
  for (let left = messageCount; left > 0; left--) {
    const { nextSize } = slot.getInfo();
    const message = (await slot.read()).toString();
    console.log(`message ${++read}, ${nextSize} bytes: ${message}`);
    isOver = message === "Goodbye";
  }
}

// A mailslot goes one way. Whoever wants an answer has one of its own.
await using answer = new MailslotClient(answerName);
await answer.write(String(read));
