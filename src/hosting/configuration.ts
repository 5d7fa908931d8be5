/**
 * `remoting.json`: names the channels and says which service is at which, so that a channel is changed
 * without touching code. The same file serves both sides. It names no module and no class path: the classes are
 * the program's, the file only refers to them by name.
 *
 * ```json
 * {
 *   "channels": {
 *     "main": { "url": "tcp://127.0.0.1:6100", "formatter": "msgpack", "sinks": ["compression"] }
 *   },
 *   "services": { "Counter": { "uri": "shop/Counter", "channel": "main" } },
 *   "lifetime": { "leaseTime": "10M", "renewOnCallTime": "5M" }
 * }
 * ```
 */
import { readFile } from "node:fs/promises";
import { parseChannelUrl } from "../channels/channel-url.ts";
import type { LeaseOptions } from "../lifetime/lifetime-options.ts";
import { type ChannelSecurity, parseChannelSecurity, securityKeys } from "./channel-security.ts";
import { expectKeys, expectObject } from "./expectations.ts";
import { lifetimeKeys, parseLifetime } from "./lifetime-configuration.ts";

/** One channel of a configuration. */
export interface ChannelConfiguration extends ChannelSecurity {
  /** Where servers listen and clients connect. The environment variable `REMOTING_CHANNEL_<NAME>` overrides it. */
  readonly url: string;
  /** The environment variable that the URL is from. Absent: it is the file's. */
  readonly variable?: string;
  /** `"msgpack"` (default) or `"json"`. */
  readonly formatter: "msgpack" | "json";
  /** Built-in sinks by name: `"compression"`, `"call-log"`. Default none. */
  readonly sinks: readonly SinkName[];
}

/** The sinks that a configuration can name. */
export type SinkName = "compression" | "call-log";

/** One service of a configuration. */
export interface ServiceConfiguration {
  /** Its URI. Default: what the class's decorator says. */
  readonly uri: string | undefined;
  /** The name of its channel. Default: the first. */
  readonly channel: string | undefined;
}

/** A configuration that was read and found to be in order. */
export interface RemotingConfiguration {
  readonly channels: ReadonlyMap<string, ChannelConfiguration>;
  /** By the name of the class. */
  readonly services: ReadonlyMap<string, ServiceConfiguration>;
  /** The times of leases that differ from .NET's. */
  readonly lifetime: LeaseOptions;
}

/** Overrides the URL of the first channel. */
export const channelVariable = "REMOTING_CHANNEL";

/**
 * Reads a configuration file.
 *
 * @param environment Where overrides are looked up: `REMOTING_CHANNEL` for the first channel's URL,
 *   `REMOTING_CHANNEL_MAIN` for that of the channel `main`.
 * @throws TypeError that says what is wrong and where: `remoting.json: channels.main.url …`.
 */
export async function readConfiguration(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<RemotingConfiguration> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw new TypeError(`${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  let content: unknown;
  try {
    // Editors of Windows write a byte order mark, which is no part of the text.
    content = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    throw new TypeError(`${file} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  return parseConfiguration(content, file, environment);
}

/** Checks a configuration that was read; see {@link readConfiguration}. */
export function parseConfiguration(
  content: unknown,
  source: string,
  environment: Readonly<Record<string, string | undefined>>,
): RemotingConfiguration {
  const root = expectObject(content, source, "the file");
  expectKeys(root, ["channels", "services", "lifetime", "$schema"], source, "");
  const channels = new Map<string, ChannelConfiguration>();
  for (const [name, value] of Object.entries(expectObject(root.channels, source, "channels"))) {
    channels.set(name, parseChannel(name, value, source, environment, channels.size === 0));
  }
  checkPlaces(channels, source);
  if (channels.size === 0) throw new TypeError(`${source}: channels must name at least one channel`);
  const services = new Map<string, ServiceConfiguration>();
  for (const [name, value] of Object.entries(expectObject(root.services ?? {}, source, "services"))) {
    services.set(name, parseService(name, value, source, channels));
  }
  const lifetime = expectObject(root.lifetime ?? {}, source, "lifetime");
  expectKeys(lifetime, lifetimeKeys, source, "lifetime.");
  return { channels, services, lifetime: parseLifetime(lifetime, source) };
}

/** Each channel has its own settings at its own address; with one address for two, those of one would be dropped. */
function checkPlaces(channels: ReadonlyMap<string, ChannelConfiguration>, source: string): void {
  const places = new Map<string, string>();
  for (const [name, { url, variable }] of channels) {
    const { endpoint } = parseChannelUrl(url);
    // Each of those that ask for any free port gets another one.
    if (endpoint.endsWith(":0")) continue;
    const other = places.get(endpoint);
    if (other !== undefined) {
      const variables = [variable, channels.get(other)?.variable].filter((given) => given !== undefined);
      const from = variables.map((given) => `, by ${given}`).join("");
      throw new TypeError(
        `${source}: channels.${other} and channels.${name} both have the URL ${endpoint}${from}: give each an address of its own`,
      );
    }
    places.set(endpoint, name);
  }
}

function parseChannel(
  name: string,
  value: unknown,
  source: string,
  environment: Readonly<Record<string, string | undefined>>,
  isFirst: boolean,
): ChannelConfiguration {
  const where = `channels.${name}`;
  const channel = expectObject(value, source, where);
  expectKeys(channel, ["url", "formatter", "sinks", ...securityKeys], source, `${where}.`);
  const variable = `${channelVariable}_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}`;
  const override = environment[variable] ?? (isFirst ? environment[channelVariable] : undefined);
  const overridden = environment[variable] === undefined ? channelVariable : variable;
  const url = override ?? channel.url;
  const origin =
    override === undefined ? `${source}: ${where}.url` : `the environment variable ${overridden}`;
  if (typeof url !== "string") throw new TypeError(`${origin} must be a URL such as "tcp://127.0.0.1:6100"`);
  let objectUri: string;
  try {
    ({ objectUri } = parseChannelUrl(url));
  } catch (cause) {
    throw new TypeError(`${origin}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  if (objectUri !== "") throw new TypeError(`${origin} names an object: expected the address only`);
  const { formatter = "msgpack", sinks = [] } = channel;
  if (formatter !== "msgpack" && formatter !== "json") {
    throw new TypeError(
      `${source}: ${where}.formatter must be "msgpack" or "json", not ${JSON.stringify(formatter)}`,
    );
  }
  if (!Array.isArray(sinks) || !sinks.every(isSinkName)) {
    throw new TypeError(`${source}: ${where}.sinks must be a list of "compression" and "call-log"`);
  }
  return {
    url,
    ...(override === undefined ? {} : { variable: overridden }),
    formatter,
    sinks,
    ...parseChannelSecurity(channel, { source, where, environment }),
  };
}

function isSinkName(value: unknown): value is SinkName {
  return value === "compression" || value === "call-log";
}

function parseService(
  name: string,
  value: unknown,
  source: string,
  channels: ReadonlyMap<string, ChannelConfiguration>,
): ServiceConfiguration {
  const where = `services.${name}`;
  const service = expectObject(value, source, where);
  expectKeys(service, ["uri", "channel"], source, `${where}.`);
  const { uri, channel } = service;
  if (uri !== undefined && typeof uri !== "string")
    throw new TypeError(`${source}: ${where}.uri must be a string`);
  if (channel !== undefined && (typeof channel !== "string" || !channels.has(channel))) {
    throw new TypeError(
      `${source}: ${where}.channel is ${JSON.stringify(channel)}, but the channels are ${[...channels.keys()].join(", ")}`,
    );
  }
  return { uri, channel };
}
