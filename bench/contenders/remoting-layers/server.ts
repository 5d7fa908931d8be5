// Remoting over tcp:// with one layer changed on the server's side.

import type { ContenderServer } from "../../contender.ts";
import { Bench } from "../remoting/bench.ts";
import { createDomain } from "./layer.ts";

export const server: ContenderServer = {
  async start(variant) {
    const host = await createDomain(variant).serve(["tcp://127.0.0.1:0"], [Bench]);
    const [address] = host.urls;
    if (address === undefined) throw new Error("serving gave no URL");
    return { address, close: () => host.close() };
  },
};
