/** The sides under test: a server and a client, each a domain of its own that has one conversation after the other. */
import { RemotingDomain, transportChannel } from "remoting";
import { type Connection, duplexCapabilities, type Transport } from "remoting/spi";
import { within } from "../within.ts";
import { Account, Bank, lent, Sum } from "./contract.ts";
import type { Conversation } from "./corpus.ts";
import { FuzzLink } from "./fuzz-socket.ts";
import { converse } from "./script.ts";

/** The way to a side under test. */
export interface Link {
  readonly isOpen: boolean;
  /** The ids that the side has made known, in their order. */
  readonly ids: readonly string[];
  /** How many messages it has sent. */
  readonly sent: number;
  /** Delivers bytes of the stream. Must not throw. */
  deliver(bytes: Uint8Array): void;
}

/** A side in a conversation. */
export interface Victim {
  /** Begins a conversation. */
  begin(): Promise<Link>;
  /** Ends it, and resolves when nothing of it is left to be waited for. */
  end(): Promise<void>;
  close(): Promise<void>;
}

/** A turn of the event loop's: what was put off until the end of the present one has happened. */
export function nextTick(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

function createDomain(transport: Transport, { formatter, sinks }: Conversation): RemotingDomain {
  const domain = new RemotingDomain({ closeGrace: 0 });
  domain.on("unobservedError", () => {});
  // No clock: a fuzzer's time says nothing, and what takes too long is measured by itself.
  const limits = { pingInterval: 0, writeTimeout: 0, progressTimeout: 0, messageTimeout: 0, idleTimeout: 0 };
  domain.registerChannel(transportChannel(transport, { formatter, channelSinks: sinks, limits }));
  return domain;
}

/** Takes back what was lent out and would otherwise stay for as long as its lease. */
function takeBack(domain: RemotingDomain): void {
  for (const object of lent.splice(0)) domain.disconnect(object);
}

/** A server whose clients are hostile. */
export async function createServerVictim(conversation: Conversation): Promise<Victim> {
  let accept: (connection: Connection) => void = () => {};
  const transport: Transport = {
    scheme: "fuzz",
    capabilities: duplexCapabilities,
    isLocal: () => true,
    connect: () => Promise.reject(new Error("nobody is dialled")),
    listen: async (address, accepting) => {
      accept = accepting;
      return { address, close: async () => {} };
    },
  };
  const domain = createDomain(transport, conversation);
  await domain.serve("fuzz://server", [Bank, Sum, Account]);
  let link: FuzzLink | undefined;
  return {
    async begin() {
      link = new FuzzLink();
      accept(link.connection);
      return link;
    },
    async end() {
      await link?.close();
      takeBack(domain);
    },
    close: () => domain.close(),
  };
}

/** A client whose server is hostile. */
export async function createClientVictim(conversation: Conversation): Promise<Victim> {
  let next: FuzzLink | undefined;
  const transport: Transport = {
    scheme: "fuzz",
    capabilities: duplexCapabilities,
    isLocal: () => true,
    async connect() {
      const link = next;
      next = undefined;
      if (link === undefined) throw new Error("the server is gone");
      return link.connection;
    },
    listen: () => Promise.reject(new Error("nobody listens")),
  };
  const domain = createDomain(transport, conversation);
  let done: Promise<void> = Promise.resolve();
  let link: FuzzLink | undefined;
  return {
    async begin() {
      link = new FuzzLink();
      next = link;
      done = converse(conversation.script, domain, "fuzz://server");
      await within(10_000, link.socket.whenWritten, "the beginning of a conversation");
      return link;
    },
    async end() {
      await link?.close();
      await done;
      takeBack(domain);
    },
    close: () => domain.close(),
  };
}
