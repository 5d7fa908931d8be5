/** Tells somebody who registers the wrong thing for a channel what is wrong with it. */
import { describeValue } from "./option-rules.ts";

/** Throws TypeError for what is no channel. */
export function checkChannel(channel: unknown): void {
  if (typeof channel === "function") {
    throw new TypeError(
      "registerChannel takes a channel, not what makes one: call it, registerChannel(tcpChannel())",
    );
  }
  if (typeof channel === "object" && channel !== null) {
    const members: Readonly<Record<string, unknown>> = Object(channel);
    const { name, scheme, priority, capabilities, createSender, listen } = members;
    if (
      typeof name === "string" &&
      typeof scheme === "string" &&
      typeof priority === "number" &&
      typeof capabilities === "object" &&
      typeof createSender === "function" &&
      typeof listen === "function"
    ) {
      return;
    }
  }
  throw new TypeError(
    `registerChannel takes a channel, such as tcpChannel() makes, not ${describeValue(channel)}: an address is for serve() or getObject()`,
  );
}
