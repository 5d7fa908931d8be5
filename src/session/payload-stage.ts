/**
 * The way of a payload through the formatter and the channel sinks. With no sinks, as by default, it is the
 * formatter alone, writing straight into the batch and reading straight from the connection's memory.
 */
import { ByteWriter } from "../channels/byte-writer.ts";
import type { ChannelSink } from "../channels/channel-sink.ts";
import type { FormatterSink } from "../channels/formatter-sink.ts";
import { noHeaders, type Payload } from "../channels/payload.ts";
import { RemotingError } from "../errors.ts";
import { maxHeaderText } from "./frame-fields.ts";

/** Formats and transforms in one direction each. */
export class PayloadStage {
  readonly formatter: FormatterSink;
  readonly #sinks: readonly ChannelSink[];

  constructor(formatter: FormatterSink, sinks: readonly ChannelSink[]) {
    this.formatter = formatter;
    this.#sinks = sinks;
  }

  /** Whether there are channel sinks: if not, {@link formatter} is used directly. */
  get hasSinks(): boolean {
    return this.#sinks.length > 0;
  }

  /** Formats a value at once, and lets the sinks transform it. */
  outgoing(value: unknown, root: string): Payload | Promise<Payload> {
    const writer = new ByteWriter();
    // A sink may take its time, and what the application does to its binaries meanwhile must not be seen.
    const attachments = this.formatter
      .format(value, root, writer)
      .map((attachment) => Buffer.from(attachment));
    const payload: Payload = { body: writer.written(), attachments, headers: noHeaders };
    const transformed = passThrough(this.#sinks, payload, (sink, passed) => sink.outgoing(passed));
    return transformed instanceof Promise ? transformed.then(checkHeaders) : checkHeaders(transformed);
  }

  /** Lets the sinks undo what the peer's have done. */
  incoming(payload: Payload): Payload | Promise<Payload> {
    return passThrough(this.#sinks.toReversed(), payload, (sink, passed) => sink.incoming(passed));
  }
}

/** Refuses, while it can still be said who is to blame, what the peer could not read. */
function checkHeaders(payload: Payload): Payload {
  let length = 0;
  for (const [name, value] of payload.headers) {
    if (name.includes("\n") || value.includes("\n")) {
      throw new RemotingError(
        `A channel sink has set the header ${JSON.stringify(name)} to ${JSON.stringify(value)}: a line feed cannot travel in one, encode it`,
      );
    }
    length += Buffer.byteLength(name) + Buffer.byteLength(value) + 2;
  }
  if (length <= maxHeaderText) return payload;
  throw new RemotingError(
    `Channel sinks have set ${length} bytes of headers: at most ${maxHeaderText} travel`,
  );
}

function passThrough(
  sinks: readonly ChannelSink[],
  payload: Payload,
  step: (sink: ChannelSink, payload: Payload) => Payload | Promise<Payload>,
): Payload | Promise<Payload> {
  let current: Payload | Promise<Payload> = payload;
  for (const sink of sinks) {
    current = current instanceof Promise ? current.then((passed) => step(sink, passed)) : step(sink, current);
  }
  return current;
}
