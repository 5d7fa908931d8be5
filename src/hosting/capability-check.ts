/** Refuses, when a type and a channel are brought together, what would fail with every call. */
import type { Channel } from "../channels/channel.ts";
import type { ServiceType } from "../contract/service-type.ts";

/**
 * Throws TypeError if calls may need a reply, as far as is known, and the channel carries none: only a class says which
 * methods are one-way.
 */
export function checkWithoutClass(url: string, channel: Channel): void {
  if (channel.capabilities.reply) return;
  throw new TypeError(
    `${url} needs its class, with methods that exist at run time: ${channel.scheme}:// carries no replies, so it has to be known which methods are marked @OneWay(): getObject(Type, url)`,
  );
}

/** Throws TypeError if the type needs something that the channel cannot do. */
export function checkCapabilities(type: ServiceType, channel: Channel): void {
  const { reply } = channel.capabilities;
  if (reply) return;
  if (type.mode === "ClientActivated") {
    throw new TypeError(
      `${type.name} is client-activated, which needs a reply, and ${channel.scheme}:// has none`,
    );
  }
  for (const { name, oneWay } of type.methods.values()) {
    if (!oneWay) {
      throw new TypeError(
        `${type.name}.${name} returns something, and ${channel.scheme}:// carries no replies: mark it @OneWay(), or use another channel`,
      );
    }
  }
}
