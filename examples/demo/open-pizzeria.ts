// What serves, wherever that is.
import { RemotingDomain } from "remoting";
import { Bell, Kitchen, Menu, Order } from "./contract.ts";

export interface Pizzeria {
  /** Where it is, in the order of the channels; a free port has been chosen if port 0 was asked for. */
  readonly urls: readonly string[];
  readonly domain: RemotingDomain;
  close(): Promise<void>;
}

/**
 * Serves everything at every channel, but only the bell at a mailslot: it carries no replies, so the rest is refused
 * there when it is published. Such a channel gets a domain of its own.
 */
export async function openPizzeria(channels: readonly string[]): Promise<Pizzeria> {
  const domain = new RemotingDomain();
  const oneWayDomain = new RemotingDomain();
  const urls: string[] = [];
  const close = async () => {
    await domain.close();
    await oneWayDomain.close();
  };
  try {
    for (const channel of channels) {
      const host = channel.startsWith("mailslot:")
        ? await oneWayDomain.serve(channel, [Bell])
        : await domain.serve(channel, [Menu, Kitchen, Order, Bell]);
      urls.push(...host.urls);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { urls, domain, close };
}
