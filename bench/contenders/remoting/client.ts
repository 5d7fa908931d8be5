// Sessions are shared inside a domain, so each connection is a domain of its own, as each contender's is a
// socket.

import type { ContenderClient } from "../../contender.ts";
import { Bench } from "./bench.ts";
import { createDomain } from "./channel.ts";

export const client: ContenderClient = {
  async connect(address, variant) {
    const domain = createDomain(variant);
    const bench = domain.getObject(Bench, `${address}/Bench`);
    return {
      add: (a, b) => bench.add(a, b),
      echo: (value) => bench.echo(value),
      echoBinary: (bytes) => bench.echoBinary(bytes),
      close: () => domain.close(),
    };
  },
};
