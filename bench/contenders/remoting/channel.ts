// What a variant says beside its URL: default settings, unless it asks for something else.

import { RemotingDomain, shmChannel } from "remoting";

/** A domain with the channels of a variant. */
export const createDomain = (variant: string): RemotingDomain => {
  const domain = new RemotingDomain();
  if (variant.endsWith("without the spin")) domain.registerChannel(shmChannel({ spinMicroseconds: 0 }));
  return domain;
};

/** The URL that a server listens at: names are of one process, ports are found by the system. */
export const urlOf = (variant: string): string =>
  (variant.split(",")[0] ?? "").replace("<pid>", String(process.pid));
