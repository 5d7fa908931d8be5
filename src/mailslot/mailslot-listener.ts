/** The reading end of the channel. */
import { MailslotServer } from "../ipc.ts";
import {
  type CallTarget,
  type ChannelHost,
  type ChannelListener,
  ContextDecoder,
  chainMessageSinks,
  defaultPayloadLimits,
  FormatterSink,
  flowOfCall,
  type MessageSink,
  type MethodCall,
  type PeerHost,
  type PeerInfo,
  RemotingError,
  SerializationError,
  serveCall,
} from "../spi.ts";
import { MailslotCall } from "./mailslot-call.ts";
import type { MailslotSettings } from "./mailslot-channel-options.ts";
import { type Datagram, readDatagram } from "./mailslot-datagram.ts";

/** Runs the calls that come into one slot, and tells the domain of everything else that comes. */
export class MailslotListener implements ChannelListener {
  readonly url: string;
  readonly #slot: MailslotServer;
  readonly #host: ChannelHost;
  readonly #peerInfo: PeerInfo;
  readonly #peer: PeerHost;
  readonly #formatters: ReadonlyMap<string, FormatterSink>;
  readonly #context = new ContextDecoder();
  readonly #sinks: readonly MessageSink[];
  readonly #maxCallsInFlight: number;
  readonly #running = new Set<Promise<void>>();
  readonly #reading: Promise<void>;

  constructor(address: string, settings: MailslotSettings, host: ChannelHost) {
    const { formatters, messageSinks, maxMessageSize, maxCallsInFlight, limits, folder, mode, security } =
      settings;
    this.url = `mailslot://${address}`;
    this.#host = host;
    this.#maxCallsInFlight = maxCallsInFlight;
    this.#sinks = messageSinks
      .map((provider) => provider.createServerSink?.())
      .filter((sink): sink is MessageSink => sink !== undefined);
    this.#slot = new MailslotServer(address, {
      maxMessageSize,
      ...(folder === undefined ? {} : { folder }),
      ...(mode === undefined ? {} : { mode }),
      ...(security === undefined ? {} : { security }),
    });
    this.#slot.on("oversized", (count) => {
      this.#report(`${count} messages with more than ${maxMessageSize} bytes were thrown away`);
    });
    this.#peerInfo = {
      url: this.url,
      peerName: "a writer",
      direction: "incoming",
      principal: undefined,
      isLocal: false,
    };
    // Nobody that writes can be told from anybody else: all writers are one peer, to which nothing can be passed.
    this.#peer = host.openPeer({ peer: this.#peerInfo });
    this.#formatters = new Map(
      formatters.map((formatter) => [
        formatter.name,
        new FormatterSink(
          formatter.createCodec({ limits: { ...defaultPayloadLimits, ...host.limits, ...limits } }),
          this.#peer.marshaler,
        ),
      ]),
    );
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    try {
      for await (const message of this.#slot) {
        await this.#receive(message);
        while (this.#running.size >= this.#maxCallsInFlight) await Promise.race(this.#running);
      }
    } catch (error) {
      this.#report("Nothing can be read from it any more", error);
    }
  }

  /** Begins a call. Resolves when the next one may begin: the order is kept while an authorizer thinks. */
  async #receive(message: Buffer): Promise<void> {
    try {
      const datagram = readDatagram(message);
      const call = new MailslotCall(datagram.target, datagram.method, this.#peerInfo);
      const target = this.#resolve(datagram);
      const { inheritsDeadline } = this.#host;
      if (datagram.context.length > 0) {
        const context = Buffer.from(datagram.context);
        call.flow = flowOfCall(call, this.#context.decode(context), inheritsDeadline);
      }
      await target.authorize?.(call);
      const args = this.#parse(datagram);
      const running = this.#run(target, args, call).finally(() => this.#running.delete(running));
      this.#running.add(running);
    } catch (error) {
      this.#report("A message was thrown away", error);
    }
  }

  #resolve({ target, method }: Datagram): CallTarget {
    if (target.startsWith("~")) {
      throw new RemotingError(
        "It calls an object that was passed by reference, which nothing can be over a mailslot",
      );
    }
    const found = this.#peer.dispatcher.resolve("call", target, method);
    if (!found.oneWay) {
      throw new RemotingError(
        `It calls ${target}.${method}, which returns something: over a mailslot only methods that are marked @OneWay() can be called`,
      );
    }
    return found;
  }

  #parse({ formatter, body, attachments }: Datagram): readonly unknown[] {
    const sink = this.#formatters.get(formatter);
    if (sink === undefined) {
      throw new SerializationError(
        `It is formatted with ${JSON.stringify(formatter)}, and the server understands ${[...this.#formatters.keys()].join(", ")}`,
      );
    }
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    const args = sink.parse(bytes, 0, bytes.length, { attachments });
    if (!Array.isArray(args)) throw new SerializationError("The arguments of a call must be an array");
    return args;
  }

  async #run(target: CallTarget, args: readonly unknown[], call: MailslotCall): Promise<void> {
    try {
      await this.#throughSinks(target, args, call);
    } catch (error) {
      const { peer, target: uri, method } = call;
      this.#host.events.unobservedError(error, { peer, target: uri, method });
    } finally {
      call.onCompleted?.();
    }
  }

  #throughSinks(target: CallTarget, args: readonly unknown[], call: MailslotCall): unknown {
    const { inheritsDeadline } = this.#host;
    if (this.#sinks.length === 0) return serveCall(target, args, call, inheritsDeadline);
    const context = call.flow?.data;
    call.methodReached = false;
    const chain = chainMessageSinks(this.#sinks, async (message) => {
      call.methodReached = true;
      if (message.context !== undefined && message.context !== context) {
        call.flow = flowOfCall(call, message.context, inheritsDeadline);
      }
      return { value: await serveCall(target, message.args, call, inheritsDeadline) };
    });
    const { kind, target: uri, method, oneWay } = call;
    const message: MethodCall = { kind, target: uri, method, args, oneWay, options: {}, context };
    return chain(message);
  }

  #report(what: string, cause?: unknown): void {
    const reason = cause === undefined ? "" : `: ${cause instanceof Error ? cause.message : String(cause)}`;
    this.#host.events.unobservedError(new RemotingError(`${this.url}: ${what}${reason}`, { cause }));
  }

  async close(grace: number): Promise<void> {
    this.#slot.close();
    await this.#reading;
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, grace);
    });
    await Promise.race([Promise.all(this.#running), over]);
    clearTimeout(timer);
    this.#peer.closed(undefined);
  }
}
