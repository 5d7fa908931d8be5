/** `tcps://`: who has the right certificate gets in; everybody else gets an error that says why, and the server lives. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer } from "node:net";
import tls, { connect as connectTls, createServer as createTlsServer } from "node:tls";
import {
  AccessDeniedError,
  ConnectError,
  MarshalByRefObject,
  type Principal,
  RemotingDomain,
  RemotingError,
  Singleton,
  sharedSecret,
  sharedSecrets,
  type TcpsChannelOptions,
  type TlsOptions,
  tcpChannel,
  tcpsChannel,
} from "remoting";
import { describe, expect, onTestFinished, test } from "vitest";
import { nameOfCertificate } from "../../src/transports/tcp/tls-identity.ts";
import { hello, message } from "../fault/frames.ts";
import { Authority } from "./certificates.ts";

const shop = new Authority("shop");
const stranger = new Authority("stranger");
const serverIdentity = shop.issue({ names: ["dns:localhost", "ip:127.0.0.1"] });
const hour = 60 * 60 * 1000;

let ran = 0;

@Singleton("Safe")
class Safe extends MarshalByRefObject {
  open(size = 0): number {
    ran++;
    return size;
  }

  echo(value: unknown): unknown {
    return value;
  }
}

interface Server {
  readonly domain: RemotingDomain;
  readonly url: string;
  readonly port: number;
  readonly errors: unknown[];
  readonly principals: (Principal | undefined)[];
}

async function serve(tls: TlsOptions = {}, options: TcpsChannelOptions = {}): Promise<Server> {
  ran = 0;
  const domain = new RemotingDomain({ closeGrace: 0 });
  onTestFinished(() => domain.close());
  const errors: unknown[] = [];
  const principals: (Principal | undefined)[] = [];
  domain.on("unobservedError", (error) => errors.push(error));
  domain.on("connected", ({ principal }) => principals.push(principal));
  domain.registerChannel(
    tcpsChannel({ ...options, tls: { ca: shop.cert, ...tls, server: { ...serverIdentity, ...tls.server } } }),
  );
  const { urls } = await domain.serve("tcps://127.0.0.1:0", [Safe]);
  const [url = ""] = urls;
  return { domain, url, port: Number(new URL(url).port), errors, principals };
}

const mutual: TlsOptions = { server: { requireClientCertificate: true, roles: { till: ["clerk"] } } };

function connect(tls: TlsOptions = {}, options: TcpsChannelOptions = {}): RemotingDomain {
  const client = new RemotingDomain({ closeGrace: 0 });
  onTestFinished(() => client.close());
  client.registerChannel(tcpsChannel({ ...options, tls: { ca: shop.cert, ...tls } }));
  return client;
}

const open = (client: RemotingDomain, url: string) => client.getObject(Safe, url).open();

async function failureOf(promise: Promise<unknown>): Promise<RemotingError> {
  const error = await promise.then(
    () => assert.fail("it succeeded"),
    (reason: unknown) => reason,
  );
  assert(error instanceof RemotingError, String(error));
  expect(error.mayHaveExecuted).toBe(false);
  return error;
}

/** A good client still gets in. */
async function expectAlive(server: Server, client: TlsOptions = {}): Promise<void> {
  ran = 0;
  expect(await open(connect(client), server.url)).toBe(0);
  expect(ran).toBe(1);
}

const versions = ["TLSv1.3", "TLSv1.2"] as const;

/** For both sides, for the time of one test. */
function speakNothingNewerThan(version: (typeof versions)[number]): void {
  const before = tls.DEFAULT_MAX_VERSION;
  tls.DEFAULT_MAX_VERSION = version;
  onTestFinished(() => {
    tls.DEFAULT_MAX_VERSION = before;
  });
}

const goodClient: TlsOptions = { client: shop.issue({ names: ["dns:till"] }) };

describe("a server with a certificate", () => {
  test("is believed by clients that trust its authority, by address and by name", async () => {
    const server = await serve();
    await expectAlive(server);
    expect(await open(connect(), server.url.replace("127.0.0.1", "localhost"))).toBe(0);
    expect(server.principals).toEqual([undefined, undefined]);
  });

  test.each(versions)("carries what is large, both ways, over %s", async (version) => {
    speakNothingNewerThan(version);
    const server = await serve();
    const large = Buffer.alloc(3_000_000, "remoting");
    const echoed = await connect().getObject(Safe, server.url).echo(large);
    expect(Buffer.isBuffer(echoed) && echoed.equals(large)).toBe(true);
  });

  test.each([
    ["of an authority that is not trusted", stranger.issue({ names: ["ip:127.0.0.1"] }), /not trusted here/],
    [
      "that has expired",
      shop.issue({ names: ["ip:127.0.0.1"], validTo: new Date(Date.now() - hour) }),
      /expired/,
    ],
    [
      "that is not valid yet",
      shop.issue({ names: ["ip:127.0.0.1"], validFrom: new Date(Date.now() + hour) }),
      /not yet valid/,
    ],
    ["of another host", shop.issue({ names: ["dns:elsewhere", "ip:127.0.0.2"] }), /altnames|127\.0\.0\.1/i],
    ["with its name in the subject only", shop.issue({ commonName: "127.0.0.1" }), /altnames|127\.0\.0\.1/i],
  ])("%s is refused by the client", async (_what, identity, message) => {
    const server = await serve({ server: identity });
    const error = await failureOf(open(connect(), server.url));
    expect(error).toBeInstanceOf(ConnectError);
    expect(error.message).toMatch(message);
    expect(error.message).toContain(server.url);
    expect(ran).toBe(0);
    await expectAlive(await serve());
  });

  test("a client that expects another name than that of the URL says so", async () => {
    const server = await serve({ server: shop.issue({ names: ["dns:safe.example"] }) });
    expect(await open(connect({ client: { servername: "safe.example" } }), server.url)).toBe(0);
    await failureOf(open(connect({ client: { servername: "other.example" } }), server.url));
  });

  test("NODE_TLS_REJECT_UNAUTHORIZED changes nothing", async () => {
    const server = await serve({ server: stranger.issue({ names: ["ip:127.0.0.1"] }) });
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    try {
      await failureOf(open(connect(), server.url));
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
  });
});

describe("a server that demands certificates of its clients", () => {
  test("knows its callers by them", async () => {
    const server = await serve(mutual);
    await expectAlive(server, goodClient);
    await expectAlive(server, { client: shop.issue({ names: ["uri:spiffe://shop/office", "dns:till"] }) });
    await expectAlive(server, { client: shop.issue({ commonName: "Ada Lovelace" }) });
    expect(server.principals).toEqual([
      { name: "till", roles: ["clerk"], authenticatedBy: "certificate" },
      { name: "spiffe://shop/office", roles: [], authenticatedBy: "certificate" },
      { name: "Ada Lovelace", roles: [], authenticatedBy: "certificate" },
    ]);
  });

  test.each<[string, TlsOptions, RegExp]>([
    ["none", {}, /wants a certificate of the client: give .*client: \{ cert, key \}/],
    [
      "one of another authority",
      { client: stranger.issue({ names: ["dns:till"] }) },
      /is not good: UNABLE_TO_VERIFY_LEAF_SIGNATURE/,
    ],
    [
      "one that has expired",
      { client: shop.issue({ names: ["dns:till"], validTo: new Date(Date.now() - hour) }) },
      /CERT_HAS_EXPIRED/,
    ],
    ["one without a name", { client: shop.issue({}) }, /has no name/],
    [
      "one for an address only",
      { client: shop.issue({ commonName: "till", names: ["ip:127.0.0.1"] }) },
      /has no name/,
    ],
  ])("refuses a client with %s, and tells it why", async (_what, presented, message) => {
    for (const version of versions) {
      speakNothingNewerThan(version);
      const server = await serve(mutual);
      const error = await failureOf(open(connect(presented), server.url));
      expect(error).toBeInstanceOf(AccessDeniedError);
      expect(error.message).toMatch(message);
      expect(ran).toBe(0);
      expect(server.principals).toEqual([]);
      await expectAlive(server, goodClient);
    }
  });

  test("refuses a client whose roles cannot be found", async () => {
    const roles = () => {
      throw new Error("the directory is down");
    };
    const server = await serve({ server: { requireClientCertificate: true, roles } });
    const error = await failureOf(open(connect(goodClient), server.url));
    expect(error).toBeInstanceOf(AccessDeniedError);
    expect(error.message).not.toContain("directory");
  });

  test("roles are not found in Object.prototype", async () => {
    const server = await serve(mutual);
    await expectAlive(server, { client: shop.issue({ names: ["dns:constructor"] }) });
    expect(server.principals[0]?.roles).toEqual([]);
  });
});

describe("the wrong protocol", () => {
  /** What a client by hand is told by a server of this package, and what the server makes of it. */
  async function oldClient(server: Server): Promise<string> {
    const socket = connectTls({
      port: server.port,
      host: "127.0.0.1",
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
      ca: shop.cert,
    });
    const [error] = await once(socket, "error");
    return String(error);
  }

  test("TLS 1.1 is refused by the server", async () => {
    const server = await serve();
    const failed = once(server.domain, "unobservedError");
    expect(await oldClient(server)).toMatch(/protocol version|ECONNRESET|hang up/i);
    const [error] = await failed;
    expect(error).toBeInstanceOf(ConnectError);
    expect(error.message).toContain("no version of TLS that is new enough");
    await expectAlive(server);
  });

  test("TLS 1.1 is refused by the client", async () => {
    const old = createTlsServer({
      ...serverIdentity,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    old.on("tlsClientError", () => {});
    old.listen(0, "127.0.0.1");
    await once(old, "listening");
    onTestFinished(() => void old.close());
    const { port } = old.address() as AddressInfo;
    const error = await failureOf(open(connect(), `tcps://127.0.0.1:${port}`));
    expect(error).toBeInstanceOf(ConnectError);
    expect(error.message).toMatch(/no version of TLS that is new enough/);
  });

  test("a channel may demand TLS 1.3", async () => {
    const server = await serve({ minVersion: "TLSv1.3" });
    await expectAlive(server);
    const socket = connectTls({ port: server.port, host: "127.0.0.1", maxVersion: "TLSv1.2", ca: shop.cert });
    await once(socket, "error");
  });

  test("a plain client at a TLS port", async () => {
    const server = await serve();
    const client = new RemotingDomain({ closeGrace: 0 });
    onTestFinished(() => client.close());
    client.registerChannel(tcpChannel());
    const failed = once(server.domain, "unobservedError");
    const error = await failureOf(open(client, server.url.replace("tcps:", "tcp:")));
    expect(error).toBeInstanceOf(ConnectError);
    expect(error.message).toContain("does it speak something else there, such as TLS?");
    const [told] = await failed;
    expect(told).toBeInstanceOf(ConnectError);
    expect(told.message).toContain("it does not speak TLS: is it tcp://?");
    expect(ran).toBe(0);
    await expectAlive(server);
  });

  test("a TLS client at a plain port", async () => {
    const plain = new RemotingDomain({ closeGrace: 0 });
    onTestFinished(() => plain.close());
    plain.registerChannel(tcpChannel());
    const failed = once(plain, "unobservedError");
    const { urls } = await plain.serve("tcp://127.0.0.1:0", [Safe]);
    const [url = ""] = urls;
    const error = await failureOf(open(connect(), url.replace("tcp:", "tcps:")));
    expect(error).toBeInstanceOf(ConnectError);
    expect(error.message).toContain("it ended the connection before TLS had begun: is it tcp://?");
    const [told, { peer }] = await failed;
    expect(String(told)).toContain("it speaks TLS: is it tcps://?");
    expect(peer).toMatchObject({ url, peerName: expect.stringMatching(/^127\.0\.0\.1:\d+$/) });
  });

  test("a server that answers in plain text", async () => {
    const chatty = createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    chatty.listen(0, "127.0.0.1");
    await once(chatty, "listening");
    onTestFinished(() => void chatty.close());
    const { port } = chatty.address() as AddressInfo;
    const error = await failureOf(open(connect(), `tcps://127.0.0.1:${port}`));
    expect(error.message).toContain("it does not speak TLS: is it tcp://?");
  });

  test("strangers inside TLS are strangers still", async () => {
    const server = await serve();
    const socket = connectTls({
      port: server.port,
      host: "127.0.0.1",
      ca: shop.cert,
      servername: "localhost",
    });
    socket.on("error", () => {});
    await once(socket, "secureConnect");
    socket.write("GET / HTTP/1.1\r\n\r\n");
    await once(socket, "close");
    expect(String(server.errors[0])).toContain("HTTP");
    await expectAlive(server);
  });

  test("300 silent connections keep nobody out, and closing ends them", async () => {
    const server = await serve();
    const silent = [];
    for (let index = 0; index < 300; index++) {
      const socket = connectTcp(server.port, "127.0.0.1");
      socket.on("error", () => {});
      silent.push({ socket, closed: once(socket, "close") });
      await once(socket, "connect");
    }
    await expectAlive(server);
    // Those that came first have made room.
    await Promise.all(silent.slice(0, 40).map(({ closed }) => closed));
    expect(silent.filter(({ socket }) => !socket.closed).length).toBeGreaterThan(200);
    await server.domain.close();
    await Promise.all(silent.map(({ closed }) => closed));
  });
});

describe("together with a shared secret", () => {
  const secret = "the secret of the till, 32 bytes";
  const credentials = sharedSecret({ name: "till", secret });
  const authentication = sharedSecrets({ till: secret });

  test.each(versions)("both prove it, each at its end, over %s", async (version) => {
    speakNothingNewerThan(version);
    const server = await serve({}, { authentication });
    const client = connect({}, { credentials });
    expect(await open(client, server.url)).toBe(0);
    expect(server.principals).toEqual([{ name: "till", roles: [], authenticatedBy: "shared-secret" }]);
  });

  /**
   * Somebody in the middle, with a good certificate of its own: speaks TLS to both sides and passes on what they say.
   * Without the binding, the two would prove their secret to each other through it.
   */
  async function terminate(server: Server, maxVersion: "TLSv1.2" | "TLSv1.3"): Promise<string> {
    const middle = createTlsServer({ ...shop.issue({ names: ["ip:127.0.0.1"] }), maxVersion }, (front) => {
      const back = connectTls({ port: server.port, host: "127.0.0.1", ca: shop.cert, maxVersion });
      front.on("error", () => back.destroy());
      back.on("error", () => front.destroy());
      front.pipe(back).pipe(front);
    });
    middle.listen(0, "127.0.0.1");
    await once(middle, "listening");
    onTestFinished(() => void middle.close());
    return `tcps://127.0.0.1:${(middle.address() as AddressInfo).port}`;
  }

  test.each(versions)("who ends %s in the middle is found out", async (version) => {
    const server = await serve({}, { authentication });
    const middle = await terminate(server, version);
    const error = await failureOf(open(connect({}, { credentials }), middle));
    expect(error).toBeInstanceOf(AccessDeniedError);
    expect(ran).toBe(0);
    // Without a secret nobody notices: that is what the binding is for.
    const careless = await serve();
    expect(await open(connect(), await terminate(careless, version))).toBe(0);
  });
});

describe("listening", () => {
  const listen = async (url: string, options: TcpsChannelOptions) => {
    const domain = new RemotingDomain();
    onTestFinished(() => domain.close());
    domain.registerChannel(tcpsChannel(options));
    return domain.serve(url, [Safe]);
  };

  test("needs a certificate, and says where it goes", async () => {
    await expect(listen("tcps://127.0.0.1:0", {})).rejects.toThrow(/tls: \{ server: \{ cert, key \} \}/);
    await expect(listen("tcps://127.0.0.1:0", {})).rejects.toBeInstanceOf(TypeError);
    const noAuthority = { server: { ...serverIdentity, requireClientCertificate: true } };
    await expect(listen("tcps://127.0.0.1:0", { tls: noAuthority })).rejects.toThrow(/tls: \{ ca \}/);
  });

  test("the name of a file where PEM is wanted is told", async () => {
    const { cert, key } = serverIdentity;
    for (const [tls, message] of [
      [
        { server: { cert: "server.pem", key } },
        'tls.server.cert must be PEM, not the name of a file: readFileSync("server.pem")',
      ],
      [
        { server: { cert, key: Buffer.from("/etc/server.key") } },
        "tls.server.key must be PEM, not the bytes of a file's name",
      ],
      [
        { server: { cert, key: "MIIEvQIBADANBgkqhkiG9w0BAQ" } },
        'tls.server.key must be PEM, which has a line that begins with "-----BEGIN"',
      ],
      [
        { ca: ["./ca.pem"], server: serverIdentity },
        'tls.ca must be PEM, not the name of a file: readFileSync("./ca.pem")',
      ],
    ] as const) {
      await expect(listen("tcps://127.0.0.1:0", { tls })).rejects.toThrow(message);
      await expect(listen("tcps://127.0.0.1:0", { tls })).rejects.toBeInstanceOf(TypeError);
    }
    expect(() => connect({ ca: "ca.pem" })).toThrow(
      'tls.ca must be PEM, not the name of a file: readFileSync("ca.pem")',
    );
  });

  test("a key that does not fit its certificate is told at once", async () => {
    const { key } = shop.issue({ names: ["dns:other"] });
    const tls = { server: { cert: serverIdentity.cert, key } };
    await expect(listen("tcps://127.0.0.1:0", { tls })).rejects.toThrow(
      /key values mismatch|KEY_VALUES_MISMATCH/i,
    );
  });

  test("beyond loopback is refused without client certificates: TLS alone does not tell who calls", async () => {
    const error = await listen("tcps://0.0.0.0:0", { tls: { server: serverIdentity } }).catch(
      (e: unknown) => e,
    );
    assert(error instanceof AccessDeniedError, String(error));
    for (const hint of [
      "127.0.0.1",
      "sharedSecrets",
      "requireClientCertificate: true",
      "allowAnonymousRemote",
    ]) {
      expect(error.message).toContain(hint);
    }
  });
});

describe("the name of a certificate", () => {
  const nameOf = (subjectAltName: string | undefined, subject = "CN=subject") =>
    nameOfCertificate({ subjectAltName, subject });

  test.each([
    ["DNS:till", "till"],
    ["IP Address:10.0.0.1, DNS:till", "till"],
    ["URI:spiffe://shop/till, DNS:other", "spiffe://shop/till"],
    ["email:ada@example.org", "ada@example.org"],
    ['DNS:"a, DNS:admin", DNS:b', "a, DNS:admin"],
    ['othername:"x, DNS:admin", DNS:b', "b"],
    ['DNS:"quo\\"te"', 'quo"te'],
  ])("%s is %s", (names, expected) => {
    expect(nameOf(names)).toBe(expected);
  });

  test.each(["", "IP Address:10.0.0.1", "othername:<unsupported>", 'DNS:"unfinished', "DNS:"])(
    "%s is nobody's, whatever the subject says",
    (names) => {
      expect(nameOf(names)).toBeUndefined();
    },
  );

  test("without alternative names it is the common name, if there is one", () => {
    expect(nameOf(undefined, "O=shop\nCN=till")).toBe("till");
    expect(nameOf(undefined, "O=shop")).toBeUndefined();
    expect(nameOf(undefined, "CN=till\nCN=admin")).toBeUndefined();
    expect(nameOf(undefined, "CN=")).toBeUndefined();
  });
});

test("what is sent before the handshake is bounded inside TLS too", async () => {
  const server = await serve();
  const socket = connectTls({ port: server.port, host: "127.0.0.1", ca: shop.cert, servername: "localhost" });
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  socket.write(message([hello(), Buffer.alloc(4096)]));
  await once(socket, "close");
  expect(String(server.errors[0])).toContain("4096 are allowed");
});
