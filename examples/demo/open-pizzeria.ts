// What serves, whether in a process of its own or, for memory://, beside the client.
import { RemotingDomain } from "remoting";
import { Kitchen, Menu, Order } from "./contract.ts";

export interface Pizzeria {
  /** Where it is; a free port has been chosen if port 0 was asked for. */
  readonly url: string;
  readonly domain: RemotingDomain;
}

export async function openPizzeria(url: string): Promise<Pizzeria> {
  const domain = new RemotingDomain();
  const host = await domain.serve(url, [Menu, Kitchen, Order]);
  return { domain, url: host.urls[0] ?? url };
}
