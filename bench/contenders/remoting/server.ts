// Remoting as the README shows it, with default settings. The variant is the URL to serve.

import type { ContenderServer } from "../../contender.ts";
import { Bench } from "./bench.ts";
import { createDomain, urlOf } from "./channel.ts";

export const server: ContenderServer = {
  async start(variant) {
    const domain = createDomain(variant);
    const host = await domain.serve(urlOf(variant), [Bench]);
    const [address] = host.urls;
    if (address === undefined) throw new Error(`serving ${variant} gave no URL`);
    return { address, close: () => domain.close() };
  },
};
