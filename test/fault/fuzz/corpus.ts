/** Real conversations, recorded frame by frame in both directions. */
import { compression, jsonFormatter, msgpackFormatter, RemotingDomain, transportChannel } from "remoting";
import type { ChannelSinkProvider, Connection, Formatter, Transport } from "remoting/spi";
import { MemoryTransport } from "../../../src/transports/memory/memory-transport.ts";
import { overheard } from "../overheard.ts";
import { Account, Bank, lent, Sum } from "./contract.ts";
import { converse, type ScriptName } from "./script.ts";

/** A frame as it was sent, and where in it ids of the receiver's objects stand. */
export interface RecordedFrame {
  readonly bytes: Buffer;
  /** Where, and the how manieth id that the receiver had made known. */
  readonly ids: readonly (readonly [offset: number, index: number])[];
}

/** One conversation. */
export interface Conversation {
  readonly name: string;
  readonly script: ScriptName;
  readonly formatter: Formatter;
  readonly sinks: readonly ChannelSinkProvider[];
  readonly toServer: readonly RecordedFrame[];
  readonly toClient: readonly RecordedFrame[];
}

const idPattern = /~[\w-]{22}/g;

/** The ids in a text that are not known yet, added to those that are. */
export function collectIds(text: string, known: string[]): void {
  for (const [id] of text.matchAll(idPattern)) if (!known.includes(id)) known.push(id);
}

/** Takes messages apart into frames. */
function framesOf(messages: readonly Buffer[]): Buffer[] {
  const frames: Buffer[] = [];
  for (const message of messages) {
    for (let at = 0; at < message.length; ) {
      const next = at + 4 + message.readUInt32BE(at);
      frames.push(Buffer.from(message.subarray(at, next)));
      at = next;
    }
  }
  return frames;
}

/** Finds the ids that were the receiver's own, which will be others when it is not the same receiver any more. */
function withIds(frames: readonly Buffer[], own: readonly string[]): RecordedFrame[] {
  return frames.map((bytes) => {
    const ids: [number, number][] = [];
    for (const match of bytes.toString("latin1").matchAll(idPattern)) {
      const index = own.indexOf(match[0]);
      if (index >= 0) ids.push([match.index, index]);
    }
    return { bytes, ids };
  });
}

/** Passes everything on, and keeps what comes: in memory a message comes in one piece. */
function recording(connection: Connection, received: Buffer[]): Connection {
  return overheard(connection, { received: (bytes) => received.push(Buffer.from(bytes)) });
}

async function record(
  name: string,
  script: ScriptName,
  formatter: Formatter,
  sinks: readonly ChannelSinkProvider[],
): Promise<Conversation> {
  const toServer: Buffer[] = [];
  const toClient: Buffer[] = [];
  const inner = new MemoryTransport();
  const transport: Transport = {
    scheme: "memory",
    capabilities: inner.capabilities,
    isLocal: () => true,
    connect: async (address, signal) => recording(await inner.connect(address, signal), toClient),
    listen: (address, accept) =>
      inner.listen(address, (connection) => accept(recording(connection, toServer))),
  };
  const options = { formatter, channelSinks: sinks };
  await using server = new RemotingDomain();
  server.registerChannel(transportChannel(transport, options));
  const url = `memory://fuzz-${name}`;
  await server.serve(url, [Bank, Sum, Account]);
  await using client = new RemotingDomain();
  client.registerChannel(transportChannel(transport, options));
  await converse(script, client, url);
  lent.length = 0;
  const [fromClient, fromServer] = [framesOf(toServer), framesOf(toClient)];
  const clientIds: string[] = [];
  const serverIds: string[] = [];
  for (const bytes of fromClient) collectIds(bytes.toString("latin1"), clientIds);
  for (const bytes of fromServer) collectIds(bytes.toString("latin1"), serverIds);
  return {
    name,
    script,
    formatter,
    sinks,
    toServer: withIds(fromClient, serverIds),
    toClient: withIds(fromServer, clientIds),
  };
}

/** All conversations: those that are quick to repeat come more often. */
export async function recordCorpus(): Promise<readonly Conversation[]> {
  const conversations: Conversation[] = [];
  for (const [format, formatter] of [
    ["msgpack", msgpackFormatter()],
    ["json", jsonFormatter()],
  ] as const) {
    for (const script of ["small", "references", "large"] as const) {
      conversations.push(await record(`${format}-${script}`, script, formatter, []));
    }
  }
  conversations.push(
    await record("compressed", "small", msgpackFormatter(), [compression({ threshold: 10 })]),
  );
  return conversations;
}
