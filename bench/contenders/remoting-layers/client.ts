// Remoting over tcp:// with one layer changed on the client's side.

import type { ContenderClient } from "../../contender.ts";
import { Bench } from "../remoting/bench.ts";
import { createDomain } from "./layer.ts";

export const client: ContenderClient = {
  async connect(address, variant) {
    const domain = createDomain(variant);
    const url = `${address}/Bench`;
    const bench = variant === "dynamic" ? domain.getObject<Bench>(url) : domain.getObject(Bench, url);
    return {
      add: (a, b) => bench.add(a, b),
      echo: (value) => bench.echo(value),
      echoBinary: (bytes) => bench.echoBinary(bytes),
      close: () => domain.close(),
    };
  },
};
