/** Compresses payloads with Node's zlib, and unpacks no more than it may. */
import { kMaxLength } from "node:buffer";
import { promisify } from "node:util";
import { deflateRaw, inflateRaw } from "node:zlib";
import {
  type ChannelSink,
  type ChannelSinkProvider,
  LimitExceededError,
  type Payload,
  SerializationError,
} from "../../spi.ts";

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** The header that tells how the body is encoded, and its only value. */
const header = "content-encoding";
const encoding = "deflate";

/** What {@link compression} can be told. */
export interface CompressionOptions {
  /** Payloads below this many bytes are sent as they are. Default 1,024: less would gain a packet's worth of nothing. */
  readonly threshold?: number;
  /**
   * The most bytes that a payload may have unpacked. Default 16 MiB, as `maxPayloadBytes`: a few kilobytes can
   * unpack to gigabytes, and a peer that sends such is refused as soon as this is reached.
   */
  readonly maxUnpackedBytes?: number;
  /** zlib's level, 1 (fast) to 9 (small). Default 1: on fast links more effort costs more than it saves. */
  readonly level?: number;
}

/**
 * A channel sink that compresses bodies; attachments, which are mostly compressed already, are left alone.
 * Both ends of a channel must have it.
 *
 * @throws TypeError for an option that does not exist or cannot be.
 *
 * @example
 * ```ts
 * registerChannel(tcpChannel({ channelSinks: [compression()] }));
 * ```
 */
export function compression(options: CompressionOptions = {}): ChannelSinkProvider {
  const { threshold = 1024, maxUnpackedBytes = 16 * 1024 * 1024, level = 1, ...others } = options;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new TypeError(
      `compression has no option named ${unknown}: expected threshold, maxUnpackedBytes, level`,
    );
  }
  expectWholeNumber("threshold", threshold, 0, Number.MAX_SAFE_INTEGER);
  expectWholeNumber("maxUnpackedBytes", maxUnpackedBytes, 1, kMaxLength);
  expectWholeNumber("level", level, 1, 9);
  const sink: ChannelSink = {
    outgoing: (payload) => (payload.body.length < threshold ? payload : compress(payload, level)),
    incoming: (payload) => (payload.headers.has(header) ? unpack(payload, maxUnpackedBytes) : payload),
  };
  return { name: "compression", createSink: () => sink };
}

function expectWholeNumber(name: string, value: unknown, least: number, most: number): void {
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return;
  const given = typeof value === "string" ? JSON.stringify(value) : String(value);
  throw new TypeError(`compression: ${name} must be a whole number from ${least} to ${most}, not ${given}`);
}

async function compress(payload: Payload, level: number): Promise<Payload> {
  const body = await deflate(payload.body, { level });
  if (body.length >= payload.body.length) return payload;
  return { ...payload, body, headers: new Map([...payload.headers, [header, encoding]]) };
}

async function unpack(payload: Payload, maxOutputLength: number): Promise<Payload> {
  const found = payload.headers.get(header);
  if (found !== encoding)
    throw new SerializationError(`The payload is encoded as "${found}", which is not known`);
  const headers = new Map(payload.headers);
  headers.delete(header);
  try {
    return { ...payload, body: await inflate(payload.body, { maxOutputLength }), headers };
  } catch (cause) {
    if (cause instanceof RangeError) {
      throw new LimitExceededError(
        "maxUnpackedBytes",
        `The payload unpacks to more than ${maxOutputLength} bytes`,
        { cause },
      );
    }
    throw new SerializationError(`The payload cannot be unpacked: ${String(cause)}`, { cause });
  }
}
