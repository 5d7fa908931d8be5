// What each layer that is priced changes about a domain. A row here and one in `bench/layers.ts` add a layer.

import { type ChannelOptions, jsonFormatter, RemotingDomain, tcpChannel } from "remoting";
import type { MessageSink } from "remoting/spi";

const passing: MessageSink = { processMessage: (call, next) => next(call) };

const withChannel = (options: ChannelOptions) => () => {
  const domain = new RemotingDomain();
  domain.registerChannel(tcpChannel(options));
  return domain;
};

const domains = new Map<string, () => RemotingDomain>([
  ["default", () => new RemotingDomain()],
  ["dynamic", () => new RemotingDomain()],
  ["json", withChannel({ formatter: jsonFormatter() })],
  [
    "message-sink",
    withChannel({
      messageSinks: [{ name: "passing", createClientSink: () => passing, createServerSink: () => passing }],
    }),
  ],
  [
    "channel-sink",
    withChannel({
      channelSinks: [
        {
          name: "passing",
          createSink: () => ({ outgoing: (payload) => payload, incoming: (payload) => payload }),
        },
      ],
    }),
  ],
]);

export const createDomain = (layer: string): RemotingDomain => {
  const create = domains.get(layer);
  if (create === undefined) throw new Error(`no layer is called ${layer}`);
  return create();
};
