// Remoting as the README shows it, with default settings. The variant is the URL to serve.

import { serve } from "remoting";
import type { ContenderServer } from "../../contender.ts";
import { Bench } from "./bench.ts";

export const server: ContenderServer = {
  async start(variant) {
    const host = await serve([variant], [Bench]);
    const [address] = host.urls;
    if (address === undefined) throw new Error(`serving ${variant} gave no URL`);
    return { address, close: () => host.close() };
  },
};
