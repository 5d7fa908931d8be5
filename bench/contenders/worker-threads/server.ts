// Nothing: threads share a process, so the client starts its own.

import type { ContenderServer } from "../../contender.ts";

export const server: ContenderServer = {
  async start() {
    return { address: "", async close() {} };
  },
};
