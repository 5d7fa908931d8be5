/** What the options of the built-in channels may be. */
import { defaultPayloadLimits } from "../channels/formatter.ts";
import { checkLimits } from "../session/channel-limits.ts";
import {
  aBoolean,
  aDelay,
  aFunction,
  anObject,
  anything,
  aText,
  checkOptions,
  type OptionRule,
  type OptionRules,
  oneOf,
} from "./option-rules.ts";

/** Whether a value has a method of each of these names. */
function hasMethods(value: unknown, ...names: readonly string[]): value is object {
  return (
    typeof value === "object" &&
    value !== null &&
    names.every((name) => aFunction.accepts(memberOf(value, name)))
  );
}

function memberOf(object: object, name: string): unknown {
  return Reflect.get(object, name);
}

const aSize: OptionRule = {
  expected: "a whole number of at least 1",
  accepts: (value) => Number.isSafeInteger(value) && typeof value === "number" && value >= 1,
};

const ofAnyChannel: OptionRules = {
  name: aText,
  priority: { expected: "a number", accepts: (value) => typeof value === "number" && !Number.isNaN(value) },
  formatter: {
    expected: "a formatter, such as jsonFormatter()",
    accepts: (value) => hasMethods(value, "createCodec") && aText.accepts(memberOf(value, "name")),
  },
  messageSinks: {
    expected: "a list of providers of message sinks, such as [callLog()]",
    accepts: (value) =>
      Array.isArray(value) &&
      value.every((sink) => hasMethods(sink, "createClientSink") || hasMethods(sink, "createServerSink")),
  },
  limits: anObject,
};

const ofSessions: OptionRules = {
  ...ofAnyChannel,
  channelSinks: {
    expected: "a list of providers of channel sinks, such as [compression()]",
    accepts: (value) =>
      Array.isArray(value) &&
      value.every((sink) => hasMethods(sink, "createSink") && aText.accepts(memberOf(sink, "name"))),
  },
  credentials: {
    expected: "sharedSecret({ name, secret }), or a function that finds one",
    accepts: (value) => aFunction.accepts(value) || hasMethods(value, "prove", "verifies"),
    isSecret: true,
  },
  authentication: {
    expected: "sharedSecrets({ … }), or a function that makes it",
    accepts: (value) => aFunction.accepts(value) || hasMethods(value, "find"),
    isSecret: true,
  },
  allowAnonymousRemote: aBoolean,
};

const ofTls: OptionRules = {
  ca: anything,
  server: anObject,
  client: anObject,
  minVersion: oneOf("TLSv1.2", "TLSv1.3"),
};

const ofIdentities: OptionRules = { cert: anything, key: anything, passphrase: aText };

const ofTlsServers: OptionRules = {
  ...ofIdentities,
  requireClientCertificate: aBoolean,
  roles: {
    expected: "an object with lists of roles, or a function",
    accepts: (value) => anObject.accepts(value) || aFunction.accepts(value),
  },
};

const ofTlsClients: OptionRules = { ...ofIdentities, servername: aText };

const ofPipeSecurity: OptionRules = {
  sddl: anything,
  trustedOwner: anything,
  mode: anything,
  folder: anything,
};

const ofMailslots: OptionRules = {
  ...ofAnyChannel,
  maxMessageSize: aSize,
  writeTimeout: aDelay,
  maxCallsInFlight: aSize,
  folder: aText,
  mode: { expected: "a number, such as 0o600", accepts: (value) => Number.isInteger(value) },
  security: aText,
};

/** Checks what a channel with sessions is given. Throws TypeError. */
export function checkChannelOptions(owner: string, options: object): void {
  checkOptions(owner, options, ofSessions);
}

/** Throws TypeError. */
export function checkTcpsOptions(options: { readonly tls?: unknown }): void {
  checkOptions("tcpsChannel", options, { ...ofSessions, tls: anObject });
  const { tls } = options;
  if (tls === undefined) return;
  checkOptions("tls", tls, ofTls);
  const { server, client }: { readonly server?: unknown; readonly client?: unknown } = Object(tls);
  if (server !== undefined) checkOptions("tls.server", server, ofTlsServers);
  if (client !== undefined) checkOptions("tls.client", client, ofTlsClients);
}

/** Throws TypeError. */
export function checkShmOptions(options: object): void {
  // The transport knows what its own can be.
  checkOptions("shmChannel", options, { ...ofSessions, spinMicroseconds: anything, ringBytes: anything });
}

/** Throws TypeError. */
export function checkPipeOptions(options: { readonly security?: unknown }): void {
  checkOptions("pipeChannel", options, { ...ofSessions, security: anObject });
  if (options.security !== undefined)
    checkOptions("pipeChannel's security", options.security, ofPipeSecurity);
}

/** Throws TypeError. */
export function checkMailslotOptions(options: { readonly limits?: object }): void {
  checkOptions("mailslotChannel", options, ofMailslots);
  checkLimits(options.limits ?? {}, defaultPayloadLimits);
}

/** Checks a transport of an application's own. Throws TypeError. */
export function checkTransport(transport: unknown): void {
  if (hasMethods(transport, "connect", "listen", "isLocal") && aText.accepts(memberOf(transport, "scheme")))
    return;
  throw new TypeError(
    "transportChannel takes a transport: an object with scheme, capabilities, connect, listen and isLocal",
  );
}
