/** Options that make no sense are told where they are given, and not with the first call. */
import {
  callLog,
  compression,
  MarshalByRefObject,
  mailslotChannel,
  memoryChannel,
  pipeChannel,
  RemotingDomain,
  Singleton,
  sharedSecrets,
  shmChannel,
  tcpChannel,
  tcpsChannel,
  transportChannel,
} from "remoting";
import { describe, expect, onTestFinished, test } from "vitest";

@Singleton("Greeter")
class Greeter extends MarshalByRefObject {
  greet(name: string): string {
    return `Hello ${name}`;
  }
}

/** What plain JavaScript passes, which no type checks. */
function unchecked<T>(value: unknown): T {
  return value as T;
}

describe("a domain", () => {
  test.each<[unknown, string]>([
    [{ exposure: "Marked" }, 'RemotingDomain: exposure must be "public" or "marked", not "Marked"'],
    [{ defaultTimeout: -3 }, "defaultTimeout must be a number of milliseconds, or 0 for none, not -3"],
    [{ defaultTimeout: Number.NaN }, "defaultTimeout must be a number of milliseconds"],
    [{ defaultTimeout: null }, "defaultTimeout must be a number of milliseconds"],
    [{ defaultTimeout: "5" }, 'or 0 for none, not "5"'],
    [{ inheritDeadline: "no" }, 'inheritDeadline must be true or false, not "no"'],
    [{ dialable: "tcp://10.0.0.5:6100" }, "dialable must be a list of endpoints"],
    [{ dialable: [6100] }, "dialable must be a list of endpoints"],
    [{ authorizer: true }, "authorizer must be a function, not true"],
    [{ authoriser: () => false }, "RemotingDomain has no option named authoriser: expected defaultTimeout,"],
    [{ toString: () => "" }, "RemotingDomain has no option named toString"],
    [{ closeGrace: "x" }, "closeGrace must be a number of milliseconds"],
    [{ closeGrace: Number.POSITIVE_INFINITY }, "closeGrace must be a number of milliseconds from 0 to"],
    [{ limits: null }, "limits must be an object, not null"],
    [{ leases: 5 }, "leases must be an object, not 5"],
    [{ lifetime: "never" }, 'lifetime must be "held" or "dotnet"'],
    [{ customErrors: "of" }, 'customErrors must be "on", "off" or "remote-only", not "of"'],
    [null, "RemotingDomain takes an object with options, not null"],
    ["tcp://127.0.0.1:6100", 'an object with options, not "tcp://127.0.0.1:6100"'],
  ])("%j", (options, message) => {
    const create = () => new RemotingDomain(unchecked(options));
    expect(create).toThrow(TypeError);
    expect(create).toThrow(message);
  });

  test("takes the default for what is undefined", async () => {
    const options = {
      exposure: undefined,
      defaultTimeout: undefined,
      authorizer: undefined,
      limits: undefined,
    };
    const domain = new RemotingDomain(unchecked(options));
    onTestFinished(() => domain.close());
    await domain.serve("memory://undefined-options", [Greeter]);
    expect(await domain.getObject(Greeter, "memory://undefined-options").greet("Ada")).toBe("Hello Ada");
  });
});

describe("a channel", () => {
  test.each<[unknown, string]>([
    [{ formatter: "json" }, 'formatter must be a formatter, such as jsonFormatter(), not "json"'],
    [{ formatter: () => {} }, "formatter must be a formatter, such as jsonFormatter(), not a function"],
    [{ fromatter: {} }, "has no option named fromatter: expected name, priority, formatter,"],
    [{ messageSinks: [() => {}] }, "messageSinks must be a list of providers of message sinks"],
    [{ name: "" }, "name must be a text that is not empty"],
    [{ priority: Number.NaN }, "priority must be a number, not NaN"],
    [{ limits: 5 }, "limits must be an object, not 5"],
    ["tcp://127.0.0.1:6100", "takes an object with options"],
  ])("of any kind: %j", (options, message) => {
    const given = unchecked<object>(options);
    const channels = [tcpChannel, tcpsChannel, memoryChannel, shmChannel, pipeChannel, mailslotChannel];
    for (const create of channels) {
      expect(() => create(given), create.name).toThrow(TypeError);
      expect(() => create(given)).toThrow(message);
      expect(() => create(given)).toThrow(create.name);
    }
  });

  test.each<[unknown, string]>([
    [
      { channelSinks: [() => {}] },
      "channelSinks must be a list of providers of channel sinks, such as [compression()], not a list",
    ],
    [
      { credentials: { name: "till-7", secret: "x" } },
      "credentials must be sharedSecret({ name, secret }), or a function",
    ],
    [{ credentials: sharedSecrets(() => undefined) }, "credentials must be sharedSecret({ name, secret })"],
    [{ authentication: { "till-7": "secret" } }, "authentication must be sharedSecrets({ … })"],
    // It is not shown: it is the secret itself, perhaps.
    [
      { credentials: "open sesame" },
      "credentials must be sharedSecret({ name, secret }), or a function that finds one, not a text",
    ],
    [{ allowAnonymousRemote: "no" }, 'allowAnonymousRemote must be true or false, not "no"'],
    [{ tls: {} }, "tcpChannel has no option named tls"],
  ])("with sessions: %j", (options, message) => {
    expect(() => tcpChannel(unchecked(options))).toThrow(message);
  });

  test("is told which of its own options is wrong", () => {
    const given = (options: unknown) => unchecked<object>(options);
    for (const [create, message] of [
      [
        () => tcpsChannel(given({ tls: { cert: "x" } })),
        "tls has no option named cert: expected ca, server,",
      ],
      [() => tcpsChannel(given({ tls: { minVersion: "TLSv1.1" } })), 'tls: minVersion must be "TLSv1.2" or'],
      [
        () => tcpsChannel(given({ tls: { server: { requireClientCertificate: "yes" } } })),
        'tls.server: requireClientCertificate must be true or false, not "yes"',
      ],
      [() => pipeChannel(given({ security: { mod: 0o600 } })), "has no option named mod"],
      [() => mailslotChannel(given({ limits: { maxDeep: 5 } })), "There is no limit named maxDeep"],
      [() => mailslotChannel(given({ maxMessageSize: "5" })), "maxMessageSize must be a whole number"],
      [() => shmChannel(given({ ringbytes: 65_536 })), "shmChannel has no option named ringbytes"],
      [() => transportChannel(unchecked("tcp")), "transportChannel takes a transport"],
    ] as const) {
      expect(create).toThrow(TypeError);
      expect(create).toThrow(message);
    }
  });

  test.each<[unknown, string]>([
    [tcpChannel, "call it, registerChannel(tcpChannel())"],
    ["tcp://127.0.0.1:6100", 'not "tcp://127.0.0.1:6100": an address is for serve() or getObject()'],
    [undefined, "registerChannel takes a channel, such as tcpChannel() makes, not undefined"],
    [{ name: "x" }, "not an object"],
  ])("is none: %s", (channel, message) => {
    const domain = new RemotingDomain();
    expect(() => domain.registerChannel(unchecked(channel))).toThrow(TypeError);
    expect(() => domain.registerChannel(unchecked(channel))).toThrow(message);
  });
});

describe("a registration", () => {
  test.each<[unknown, string]>([
    [{ url: "Welcome" }, "register has no option named url: expected uri, methods"],
    [{ method: { greet: { authorize: {} } } }, "register has no option named method"],
    [{ methods: [] }, "register: methods must be an object, not a list"],
    [
      { methods: { greet: { authorise: { roles: ["host"] } } } },
      "register, method greet has no option named authorise: expected oneWay, local, authorize",
    ],
    [{ methods: { greet: { oneWay: "no" } } }, 'oneWay must be true or false, not "no"'],
    [{ methods: { greet: true } }, "register, method greet takes an object with options, not true"],
    ["Welcome", 'register takes an object with options, not "Welcome"'],
  ])("%j", (options, message) => {
    const domain = new RemotingDomain();
    expect(() => domain.register(Greeter, unchecked<object>(options))).toThrow(TypeError);
    expect(() => domain.register(Greeter, unchecked<object>(options))).toThrow(message);
    expect(() => domain.register(Greeter, Greeter, unchecked<object>(options))).toThrow(message);
  });
});

describe("a sink", () => {
  test.each<[unknown, string]>([
    [{ treshold: 1 }, "compression has no option named treshold: expected threshold, maxUnpackedBytes,"],
    [{ threshold: -1 }, "compression: threshold must be a whole number from 0 to"],
    [{ maxUnpackedBytes: 0 }, "compression: maxUnpackedBytes must be a whole number from 1 to"],
    [{ maxUnpackedBytes: Number.POSITIVE_INFINITY }, "maxUnpackedBytes must be a whole number"],
    [{ level: 10 }, "compression: level must be a whole number from 1 to 9, not 10"],
    [{ level: "9" }, 'level must be a whole number from 1 to 9, not "9"'],
  ])("compression: %j", (options, message) => {
    expect(() => compression(unchecked<object>(options))).toThrow(TypeError);
    expect(() => compression(unchecked<object>(options))).toThrow(message);
  });

  test("the call log", () => {
    expect(() => callLog(unchecked({ write: console.log }))).toThrow(TypeError);
    expect(() => callLog(unchecked({ write: console.log }))).toThrow("callLog takes a function");
  });
});

describe("a call", () => {
  test.each<[unknown, string]>([
    [undefined, "withOptions takes an object with options, not undefined"],
    [{ signal: new AbortController() }, "signal must be an AbortSignal, such as controller.signal"],
    [{ timeOut: 1 }, "withOptions has no option named timeOut: expected timeout, signal"],
    [{ timeout: null }, "timeout must be a number of milliseconds, or 0 for none, not null"],
    [{ timeout: -1 }, "timeout must be a number of milliseconds, or 0 for none, not -1"],
  ])("%j", (options, message) => {
    const domain = new RemotingDomain();
    const greeter = domain.getObject(Greeter, "memory://options");
    expect(() => domain.withOptions(greeter, unchecked(options))).toThrow(TypeError);
    expect(() => domain.withOptions(greeter, unchecked(options))).toThrow(message);
  });
});

describe("unmarshal", () => {
  test.each<[unknown, string]>([
    [
      "memory://options/x",
      'unmarshal takes what marshal has returned, { uri, typeName, urls }, not "memory://options/x"',
    ],
    [undefined, "not undefined"],
    [{ uri: "x" }, "typeName must be a string, not undefined"],
    [{ uri: "x", typeName: "Greeter" }, "urls must be a list of URLs, not undefined"],
    [{ uri: "x", typeName: "Greeter", urls: "memory://options/x" }, "urls must be a list of URLs"],
  ])("%j", (reference, message) => {
    const domain = new RemotingDomain();
    expect(() => domain.unmarshal(unchecked(reference))).toThrow(TypeError);
    expect(() => domain.unmarshal(unchecked(reference))).toThrow(message);
  });
});
