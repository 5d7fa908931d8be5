/**
 * What `remoting.json` says of a channel's security. The file holds no secret: it names environment variables and files,
 * which are looked up when the channel connects or begins to listen, so that each side needs only what is its own.
 *
 * ```json
 * {
 *   "url": "tcps://shop.example:6100",
 *   "credentials": { "name": "till-7", "secretVariable": "TILL_SECRET" },
 *   "authentication": { "till-7": { "secretVariable": "TILL_SECRET", "roles": ["clerk"] } },
 *   "tls": { "ca": "ca.pem", "server": { "cert": "shop.pem", "key": "shop.key" } }
 * }
 * ```
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import {
  type SharedSecret,
  type SharedSecrets,
  sharedSecret,
  sharedSecrets,
} from "../session/shared-secret.ts";
import type { TlsOptions } from "../transports/tcp/tls-options.ts";
import { expectKeys, expectObject } from "./expectations.ts";

/** The options of a channel that a configuration gives it. */
export interface ChannelSecurity {
  readonly credentials?: () => SharedSecret;
  readonly authentication?: () => SharedSecrets;
  readonly tls?: TlsOptions;
}

type Json = Readonly<Record<string, unknown>>;

type Environment = Readonly<Record<string, string | undefined>>;

/** Where something stands in a file, for messages, and where its names are looked up. */
interface Place {
  readonly source: string;
  readonly where: string;
  readonly environment: Environment;
}

/** The keys of a channel that are read here. */
export const securityKeys = ["credentials", "authentication", "tls"] as const;

/** Reads what a channel says of its security. Throws TypeError that says what is wrong and where. */
export function parseChannelSecurity(channel: Json, place: Place): ChannelSecurity {
  const { credentials, authentication, tls } = channel;
  return {
    ...(credentials === undefined
      ? {}
      : { credentials: parseCredentials(credentials, at(place, "credentials")) }),
    ...(authentication === undefined
      ? {}
      : { authentication: parseAuthentication(authentication, at(place, "authentication")) }),
    ...(tls === undefined ? {} : { tls: parseTls(tls, channel, at(place, "tls")) }),
  };
}

function at({ source, where, environment }: Place, key: string): Place {
  return { source, where: `${where}.${key}`, environment };
}

function parseCredentials(value: unknown, place: Place): () => SharedSecret {
  const { source, where } = place;
  const given = expectObject(value, source, where);
  expectKeys(given, ["name", "secretVariable", "roles"], source, `${where}.`);
  const name = expectText(given.name, at(place, "name"));
  const secretOf = secretFinder(given, place);
  const roles = parseRoles(given.roles, at(place, "roles"));
  return () => sharedSecret({ name, secret: secretOf(), roles });
}

function parseAuthentication(value: unknown, place: Place): () => SharedSecrets {
  const { source, where } = place;
  const entries = Object.entries(expectObject(value, source, where)).map(([name, entry]) => {
    const inner = at(place, name);
    const given = expectObject(entry, source, inner.where);
    expectKeys(given, ["secretVariable", "roles"], source, `${inner.where}.`);
    return { name, secretOf: secretFinder(given, inner), roles: parseRoles(given.roles, at(inner, "roles")) };
  });
  return () =>
    sharedSecrets(
      Object.fromEntries(entries.map(({ name, secretOf, roles }) => [name, { secret: secretOf(), roles }])),
    );
}

/** Where the secret is, which the file must not hold. */
function secretFinder({ secretVariable }: Json, place: Place): () => string {
  const variable = expectText(secretVariable, at(place, "secretVariable"));
  return () => {
    const secret = place.environment[variable];
    if (secret !== undefined && secret !== "") return secret;
    throw new TypeError(
      `The environment variable ${variable} is not set, which ${place.source} names in ${place.where}.secretVariable`,
    );
  };
}

function parseRoles(value: unknown, { source, where }: Place): readonly string[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((role) => typeof role === "string" && role !== "")) return value;
  throw new TypeError(`${source}: ${where} must be a list of names`);
}

function parseTls(value: unknown, channel: Json, place: Place): TlsOptions {
  const { source, where } = place;
  const tls = expectObject(value, source, where);
  expectKeys(tls, ["ca", "server", "client", "minVersion"], source, `${where}.`);
  // What was meant to be encrypted must not travel in the open because of a letter.
  if (typeof channel.url === "string" && !channel.url.startsWith("tcps:")) {
    throw new TypeError(`${source}: ${where} is only for tcps://, and the channel's URL is ${channel.url}`);
  }
  const { minVersion } = tls;
  if (minVersion !== undefined && minVersion !== "TLSv1.2" && minVersion !== "TLSv1.3") {
    throw new TypeError(`${source}: ${where}.minVersion must be "TLSv1.2" or "TLSv1.3"`);
  }
  const ca = fileReader(tls.ca, at(place, "ca"));
  return {
    minVersion,
    server: parseTlsServer(tls.server, at(place, "server")),
    client: parseTlsClient(tls.client, at(place, "client")),
    get ca() {
      return ca?.();
    },
  };
}

function parseTlsServer(value: unknown, place: Place): TlsOptions["server"] {
  if (value === undefined) return undefined;
  const { source, where } = place;
  const server = expectObject(value, source, where);
  expectKeys(server, ["cert", "key", "requireClientCertificate", "roles"], source, `${where}.`);
  const { requireClientCertificate = false } = server;
  if (typeof requireClientCertificate !== "boolean") {
    throw new TypeError(`${source}: ${where}.requireClientCertificate must be true or false`);
  }
  const roles = Object.entries(expectObject(server.roles ?? {}, source, `${where}.roles`)).map(
    ([name, list]): [string, readonly string[]] => [name, parseRoles(list, at(at(place, "roles"), name))],
  );
  return identity(server, place, { requireClientCertificate, roles: Object.fromEntries(roles) });
}

function parseTlsClient(value: unknown, place: Place): TlsOptions["client"] {
  if (value === undefined) return undefined;
  const { source, where } = place;
  const client = expectObject(value, source, where);
  expectKeys(client, ["cert", "key", "servername"], source, `${where}.`);
  const { servername } = client;
  return identity(client, place, {
    servername: servername === undefined ? undefined : expectText(servername, at(place, "servername")),
  });
}

/** Adds a certificate and its key, read when they are needed. */
function identity<Options extends object>(given: Json, place: Place, options: Options) {
  const cert = fileReader(given.cert, at(place, "cert"));
  const key = fileReader(given.key, at(place, "key"));
  return {
    ...options,
    get cert() {
      return cert?.();
    },
    get key() {
      return key?.();
    },
  };
}

/** Files are found from where the configuration is. */
function fileReader(value: unknown, place: Place): (() => Buffer) | undefined {
  if (value === undefined) return undefined;
  const file = resolve(dirname(place.source), expectText(value, place));
  return () => readFileSync(file);
}

function expectText(value: unknown, { source, where }: Place): string {
  if (typeof value === "string" && value !== "") return value;
  throw new TypeError(`${source}: ${where} must be a text that is not empty`);
}
