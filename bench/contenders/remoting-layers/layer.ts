// What each layer that is priced changes about a domain. A row here and one in `bench/layers.ts` add a layer.

import { RemotingDomain } from "remoting";

const domains = new Map<string, () => RemotingDomain>([["default", () => new RemotingDomain()]]);

export const createDomain = (layer: string): RemotingDomain => {
  const create = domains.get(layer);
  if (create === undefined) throw new Error(`no layer is called ${layer}`);
  return create();
};
