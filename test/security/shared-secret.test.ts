/** Shared secrets: who knows one gets in, and nobody else, whatever is said, repeated, mirrored or changed on the way. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import {
  AccessDeniedError,
  type ChannelOptions,
  ConnectError,
  MarshalByRefObject,
  RemotingDomain,
  type SharedSecret,
  Singleton,
  sharedSecret,
  sharedSecrets,
  tcpChannel,
  transportChannel,
} from "remoting";
import { describe, expect, onTestFinished, test } from "vitest";
import { MemoryConnection } from "../../src/transports/memory/memory-connection.ts";
import { MemoryTransport } from "../../src/transports/memory/memory-transport.ts";
import {
  call,
  fault,
  frame,
  kind,
  message,
  type ReceivedFrame,
  readFault,
  welcome,
} from "../fault/frames.ts";
import { createRandom } from "../fault/random.ts";
import { RawPeer } from "../fault/raw-peer.ts";
import { authentication, challenge, claim, claimingHello, proof, proofOf, Record } from "./proof.ts";

const secret = "the secret of the till, 32 bytes";
const otherSecret = "another secret of another till..";
const till = () => sharedSecret({ name: "till", secret });

let ran = 0;

@Singleton("Safe")
class Safe extends MarshalByRefObject {
  open(): string {
    ran++;
    return "open";
  }
}

interface Server {
  readonly domain: RemotingDomain;
  readonly url: string;
  readonly port: number;
  readonly errors: unknown[];
}

/** A server that demands a secret, unless it is told otherwise. */
async function serve(
  options: ChannelOptions = { authentication: sharedSecrets({ till: { secret, roles: ["clerk"] } }) },
): Promise<Server> {
  ran = 0;
  const domain = new RemotingDomain({ closeGrace: 0 });
  onTestFinished(() => domain.close());
  const errors: unknown[] = [];
  domain.on("unobservedError", (error) => errors.push(error));
  domain.registerChannel(tcpChannel(options));
  const { urls } = await domain.serve("tcp://127.0.0.1:0", [Safe]);
  const [url = ""] = urls;
  return { domain, url, port: Number(new URL(url).port), errors };
}

function connect(credentials?: SharedSecret | ((url: string) => SharedSecret | undefined)): RemotingDomain {
  const client = new RemotingDomain({ closeGrace: 0 });
  onTestFinished(() => client.close());
  client.registerChannel(tcpChannel(credentials === undefined ? {} : { credentials }));
  return client;
}

const open = (client: RemotingDomain, url: string) => client.getObject(Safe, url).open();

/** The server still serves those who know the secret. */
async function expectAlive({ url }: Server): Promise<void> {
  expect(await open(connect(till()), url)).toBe("open");
}

/** The whole frame that was received. */
function whole({ kind: frameKind, flags, id, body }: ReceivedFrame): Buffer {
  return frame(frameKind, flags, id, body);
}

/** A client by hand. Returns what it has sent, for those who listen in. */
async function authenticate(
  peer: RawPeer,
  { name = "till", role = "client", key = secret, nonce = randomBytes(32) } = {},
): Promise<{ readonly record: Record; readonly sent: Buffer[] }> {
  const record = new Record();
  const sent = [record.add(claimingHello()), record.add(claim(name, nonce))];
  for (const said of sent) peer.send(said);
  record.add(whole(await peer.next(kind.authenticate)));
  const proved = record.add(proof(proofOf(role, key, record.digest())));
  peer.send(proved);
  return { record, sent: [...sent, proved] };
}

async function refusal(peer: RawPeer): Promise<string> {
  const refused = readFault(await peer.next(kind.refuse));
  expect(refused.code).toBe(fault.accessDenied);
  await peer.expectClosed();
  return refused.message;
}

const wrong = "the name or the secret is wrong";

describe("a client and a server that know the same secret", () => {
  test("call each other, and know who the other is", async () => {
    const server = await serve();
    const connected = once(server.domain, "connected");
    const client = connect(sharedSecret({ name: "till", secret, roles: ["bank"] }));
    const clientConnected = once(client, "connected");
    expect(await open(client, server.url)).toBe("open");
    const [peer] = await connected;
    expect(peer.principal).toEqual({ name: "till", roles: ["clerk"], authenticatedBy: "shared-secret" });
    const [bank] = await clientConnected;
    expect(bank.principal).toEqual({ name: "till", roles: ["bank"], authenticatedBy: "shared-secret" });
  });

  test("the handshake is the one that the wire protocol describes, seen from the client", async () => {
    const server = await serve();
    const peer = await RawPeer.connect(server.port);
    const { record } = await authenticate(peer);
    const welcomed = await peer.next(kind.welcome);
    expect(welcomed.body.readUInt32BE(6) & authentication).toBe(authentication);
    record.add(whole(welcomed));
    const { body } = await peer.next(kind.authenticate);
    expect(body).toEqual(Buffer.concat([Buffer.from([3]), proofOf("server", secret, record.digest())]));
    peer.send(call(1, "Safe", "open"));
    await peer.next(kind.result, 1);
    await peer.close();
  });

  test("a secret of bytes, a function that finds secrets, credentials by URL", async () => {
    const bytes = randomBytes(32);
    const asked: string[] = [];
    const server = await serve({
      authentication: sharedSecrets((name) => {
        asked.push(name);
        return name === "till" ? bytes : undefined;
      }),
    });
    const urls: string[] = [];
    const client = connect((url) => {
      urls.push(url);
      return sharedSecret({ name: "till", secret: bytes });
    });
    expect(await open(client, server.url)).toBe("open");
    expect([asked, urls]).toEqual([["till"], [server.url]]);
    await expect(open(connect(sharedSecret({ name: "nobody", secret })), server.url)).rejects.toThrow(wrong);
  });

  test("a listing of secrets that throws, or answers nonsense, refuses, and the server's side is told why", async () => {
    const server = await serve({
      authentication: sharedSecrets((name) => {
        if (name === "short") return "short";
        throw new Error("the vault is closed");
      }),
    });
    for (const name of ["till", "short"]) {
      const error = await open(connect(sharedSecret({ name, secret })), server.url).catch((e: unknown) => e);
      assert(error instanceof AccessDeniedError);
      expect(error.message).toBe(`${server.url} refused the connection: ${wrong}`);
    }
    expect(String((server.errors[0] as Error).cause)).toContain("the vault is closed");
    expect(String((server.errors[1] as Error).cause)).toContain("needs 16 at least");
  });
});

describe("the server refuses", () => {
  test("a wrong secret and an unknown name, with the same bytes", async () => {
    const server = await serve();
    const answers = [];
    for (const claimed of [{ key: otherSecret }, { name: "nobody" }, { name: "" }, { name: "__proto__" }]) {
      const peer = await RawPeer.connect(server.port);
      await authenticate(peer, claimed);
      answers.push(whole(await peer.next(kind.refuse)).toString("hex"));
      await peer.expectClosed();
    }
    expect(new Set(answers).size).toBe(1);
    expect(server.errors.map((error) => String((error as Error).cause))).toEqual([
      'Error: the secret of "till" is another one here',
      'Error: there is no secret of the name "nobody"',
      'Error: there is no secret of the name ""',
      'Error: there is no secret of the name "__proto__"',
    ]);
    const error = await open(connect(sharedSecret({ name: "till", secret: otherSecret })), server.url).catch(
      (e: unknown) => e,
    );
    assert(error instanceof AccessDeniedError);
    expect(error).toMatchObject({
      message: `${server.url} refused the connection: ${wrong}`,
      mayHaveExecuted: false,
    });
    expect(ran).toBe(0);
    await expectAlive(server);
  });

  test("a recorded conversation that is played again", async () => {
    const server = await serve();
    const good = await RawPeer.connect(server.port);
    const { sent } = await authenticate(good);
    await good.next(kind.welcome);
    const replaying = await RawPeer.connect(server.port);
    for (const said of sent) replaying.send(said);
    replaying.send(call(1, "Safe", "open"));
    expect(await refusal(replaying)).toBe(wrong);
    expect(ran).toBe(0);
    await good.close();
    await expectAlive(server);
  });

  test("the proof of the other role", async () => {
    const server = await serve();
    const peer = await RawPeer.connect(server.port);
    await authenticate(peer, { role: "server" });
    expect(await refusal(peer)).toBe(wrong);
  });

  test("a client that does not say who it is", async () => {
    const server = await serve();
    const error = await open(connect(), server.url).catch((e: unknown) => e);
    assert(error instanceof AccessDeniedError);
    expect(error.message).toContain("credentials: sharedSecret({ name, secret })");
    expect(error.mayHaveExecuted).toBe(false);
    expect(ran).toBe(0);
  });

  test("calls before the proof", async () => {
    const server = await serve();
    for (const early of [
      [call(1, "Safe", "open")],
      [claim("till", randomBytes(32)), call(1, "Safe", "open")],
      [claim("till", randomBytes(32)), claim("till", randomBytes(32))],
      [proof(randomBytes(32))],
      [claimingHello()],
    ]) {
      const peer = await RawPeer.connect(server.port);
      peer.send(claimingHello(), ...early);
      await peer.expectClosed();
      expect(peer.received.filter((received) => received.kind !== kind.authenticate)).toEqual([]);
    }
    expect(ran).toBe(0);
    await expectAlive(server);
  });

  test("a way to prove that it does not know", async () => {
    const server = await serve();
    const peer = await RawPeer.connect(server.port);
    peer.send(claimingHello(), claim("till", randomBytes(32), 2));
    expect(await refusal(peer)).toContain("does not know the way");
  });

  test("names, nonces and proofs of another length, and frames with flags or an id", async () => {
    const server = await serve();
    const nonce = randomBytes(32);
    for (const bad of [
      claim("n".repeat(256), nonce),
      claim("till", nonce.subarray(1)),
      claim("till", randomBytes(33)),
      frame(kind.authenticate, 1, 0, claim("till", nonce).subarray(10)),
      frame(kind.authenticate, 0, 1, claim("till", nonce).subarray(10)),
      frame(kind.authenticate, 0, 0),
    ]) {
      const peer = await RawPeer.connect(server.port);
      peer.send(claimingHello(), bad);
      await peer.expectClosed();
      expect(peer.received).toEqual([]);
    }
    for (const bytes of [randomBytes(31), randomBytes(33), Buffer.alloc(0)]) {
      const peer = await RawPeer.connect(server.port);
      peer.send(claimingHello(), claim("till", nonce));
      await peer.next(kind.authenticate);
      peer.send(proof(bytes));
      await peer.expectClosed();
      expect(peer.received).toEqual([]);
    }
    await expectAlive(server);
  });

  test("more than 4 KiB at a time from those who have not proved anything", async () => {
    const server = await serve();
    const tooMuch = (size: number) => message([frame(kind.authenticate, 0, 0, Buffer.alloc(size - 10))]);
    for (const [size, reason] of [
      [4096, "step 0"],
      [4097, "4097 bytes"],
    ] as const) {
      const peer = await RawPeer.connect(server.port);
      peer.send(claimingHello());
      await peer.write(tooMuch(size));
      await peer.expectClosed();
      expect(String(server.errors.at(-1))).toContain(reason);
    }
  });
});

/** A server by hand, which answers each connection by a script. */
async function impostor(script: (peer: Impostor) => Promise<void>): Promise<string> {
  const server = createServer((socket) => {
    const peer = new Impostor(socket);
    script(peer).catch((error: unknown) => {
      socket.destroy();
      failures.push(error);
    });
  });
  const failures: unknown[] = [];
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    expect(failures).toEqual([]);
  });
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

class Impostor extends RawPeer {
  readonly record = new Record();

  async hear(frameKind: number): Promise<ReceivedFrame> {
    const heard = await this.next(frameKind);
    this.record.add(whole(heard));
    return heard;
  }

  say(said: Buffer): void {
    this.send(this.record.add(said));
  }

  /** Everything until the client's proof, which is returned. */
  async takeProof(): Promise<Buffer> {
    await this.hear(kind.hello);
    await this.hear(kind.authenticate);
    this.say(challenge(randomBytes(32)));
    const { body } = await this.hear(kind.authenticate);
    return body.subarray(1);
  }
}

describe("the client refuses", () => {
  const scripts: Readonly<{ [what: string]: (peer: Impostor) => Promise<void> }> = {
    "a server that welcomes without a word about the secret": async (peer) => {
      await peer.hear(kind.hello);
      peer.say(welcome());
    },
    "a server that welcomes instead of proving": async (peer) => {
      await peer.takeProof();
      peer.say(welcome());
      peer.say(proof(randomBytes(32)));
    },
    "a server that sends the client's proof back": async (peer) => {
      const mirrored = await peer.takeProof();
      peer.say(welcome());
      peer.say(proof(mirrored));
    },
    "a server that proves as a client does": async (peer) => {
      await peer.takeProof();
      peer.say(welcome());
      peer.say(proof(proofOf("client", secret, peer.record.digest())));
    },
    "a server that knows another secret": async (peer) => {
      await peer.takeProof();
      peer.say(welcome());
      peer.say(proof(proofOf("server", otherSecret, peer.record.digest())));
    },
    "a server whose proof is not about its welcome": async (peer) => {
      await peer.takeProof();
      const proved = proofOf("server", secret, peer.record.digest());
      peer.say(welcome());
      peer.say(proof(proved));
    },
  };

  test.each(Object.entries(scripts))("%s", async (_what, script) => {
    const url = await impostor(script);
    const error = await open(connect(till()), url).catch((e: unknown) => e);
    assert(error instanceof AccessDeniedError, String(error));
    expect(error.message).toContain('the shared secret "till"');
    expect(error.mayHaveExecuted).toBe(false);
  });

  test("a server without secrets, and is told so", async () => {
    const server = await serve({});
    const error = await open(connect(till()), server.url).catch((e: unknown) => e);
    assert(error instanceof AccessDeniedError, String(error));
    expect(error.message).toContain("authentication: sharedSecrets");
    expect(ran).toBe(0);
  });

  test("the answers of another conversation", async () => {
    const recorded: Buffer[] = [];
    const server = await serve();
    const good = await RawPeer.connect(server.port);
    good.socket.on("data", (chunk: Buffer) => recorded.push(chunk));
    await authenticate(good);
    await good.next(kind.welcome);
    await good.next(kind.authenticate);
    await good.close();
    const url = await impostor(async (peer) => {
      await peer.hear(kind.hello);
      await peer.write(Buffer.concat(recorded));
    });
    const error = await open(connect(till()), url).catch((e: unknown) => e);
    assert(error instanceof AccessDeniedError || error instanceof ConnectError, String(error));
  });

  test("to begin at all when its credentials cannot be found", async () => {
    const server = await serve();
    const client = connect(() => {
      throw new TypeError("TILL_SECRET is not set");
    });
    await expect(open(client, server.url)).rejects.toThrow("TILL_SECRET is not set");
    await expect(open(client, server.url)).rejects.toBeInstanceOf(ConnectError);
  });
});

/** Changes one bit of one message that passes through it, and lets everything else through. */
class BitFlip {
  /** How many bits have passed. */
  passed = 0;
  readonly #target: number;

  constructor(target: number) {
    this.#target = target;
  }

  spoil(bytes: Buffer): Buffer {
    const bits = bytes.length * 8;
    const bit = this.#target - this.passed;
    this.passed += bits;
    if (bit < 0 || bit >= bits) return bytes;
    const spoilt = Buffer.from(bytes);
    spoilt.writeUInt8(spoilt.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    return spoilt;
  }
}

/** `memory://` with somebody on the way. */
class TamperedTransport extends MemoryTransport {
  flip = new BitFlip(-1);
  binding: readonly [client: Buffer, server: Buffer] | undefined;
  #accept: (connection: MemoryConnection) => void = () => {};

  override async connect(address: string): Promise<MemoryConnection> {
    const [client, server] = MemoryConnection.pair(address);
    const { flip, binding } = this;
    for (const [index, end] of [client, server].entries()) {
      const start = end.start.bind(end);
      end.start = (handler) =>
        start({
          get messageLimit() {
            return handler.messageLimit;
          },
          onMessage: (bytes) => handler.onMessage(flip.spoil(bytes), 0, bytes.length, 0),
          onInvalid: (reason) => handler.onInvalid(reason),
          onDrain: () => handler.onDrain(),
          onClose: (error) => handler.onClose(error),
        });
      if (binding !== undefined) Object.assign(end, { channelBinding: binding[index] });
    }
    this.#accept(server);
    return client;
  }

  override async listen(address: string, accept: (connection: MemoryConnection) => void) {
    this.#accept = accept;
    return { address, close: async () => {} };
  }
}

describe("between two that know the secret", () => {
  async function tampered() {
    ran = 0;
    const transport = new TamperedTransport();
    const domain = new RemotingDomain({ closeGrace: 0 });
    onTestFinished(() => domain.close());
    domain.on("unobservedError", () => {});
    domain.registerChannel(
      transportChannel(transport, {
        authentication: sharedSecrets({ till: secret }),
        credentials: till(),
      }),
    );
    await domain.serve("memory://tampered", [Safe]);
    const attempt = async (flip: BitFlip): Promise<unknown> => {
      transport.flip = flip;
      const client = new RemotingDomain({ closeGrace: 0 });
      client.registerChannel(transportChannel(transport, { credentials: till() }));
      try {
        return await open(client, "memory://tampered");
      } catch (error) {
        return error;
      } finally {
        await client.close();
      }
    };
    return { transport, attempt };
  }

  test("any of 10,000 changed bits of the handshake is noticed, and no call is made", {
    timeout: 120_000,
  }, async () => {
    const { attempt } = await tampered();
    // What is said afterwards passes too: only the handshake, which comes first, is spoilt.
    const handshakeKinds: readonly number[] = [kind.hello, kind.authenticate, kind.welcome];
    const handshake = new BitFlip(-1);
    let bits = 0;
    const counting = Object.assign(handshake, {
      spoil(bytes: Buffer) {
        if (handshakeKinds.includes(bytes.readUInt8(4))) bits += bytes.length * 8;
        return bytes;
      },
    });
    expect(await attempt(counting)).toBe("open");
    expect(ran).toBe(1);
    expect(bits).toBeGreaterThan(1500);
    const random = createRandom(0x5ec);
    const outcomes = new Map<string, number>();
    for (let round = 0; round < 10_000; round++) {
      const bit = round < bits ? round : random(bits);
      const error = await attempt(new BitFlip(bit));
      assert(
        error instanceof AccessDeniedError || error instanceof ConnectError,
        `bit ${bit}: ${String(error)}`,
      );
      outcomes.set(error.name, (outcomes.get(error.name) ?? 0) + 1);
    }
    expect(ran).toBe(1);
    expect([...outcomes.keys()].sort()).toEqual(["AccessDeniedError", "ConnectError"]);
    expect(await attempt(new BitFlip(-1))).toBe("open");
  });

  test("what binds the channel has to be the same at both ends", async () => {
    const { transport, attempt } = await tampered();
    const binding = randomBytes(32);
    transport.binding = [binding, binding];
    expect(await attempt(new BitFlip(-1))).toBe("open");
    transport.binding = [binding, randomBytes(32)];
    expect(await attempt(new BitFlip(-1))).toBeInstanceOf(AccessDeniedError);
    transport.binding = [binding, Buffer.alloc(0)];
    expect(await attempt(new BitFlip(-1))).toBeInstanceOf(AccessDeniedError);
    expect(ran).toBe(1);
  });
});

describe("secrets themselves", () => {
  test.each([
    ["15 bytes", "fifteen letters"],
    ["nothing", ""],
  ])("%s are refused", (_what, short) => {
    expect(() => sharedSecret({ name: "till", secret: short })).toThrow(TypeError);
    expect(() => sharedSecret({ name: "till", secret: short })).toThrow(/needs 16 at least.*randomBytes/);
    expect(() => sharedSecrets({ till: short })).toThrow(TypeError);
  });

  test("16 bytes are enough; an undefined one is a mistake that is told", () => {
    sharedSecret({ name: "till", secret: "sixteen letters." });
    expect(() => sharedSecrets({ till: undefined })).toThrow(
      'The secret "till" is undefined: is the environment',
    );
  });

  test("names are bounded, at N and N+1", () => {
    sharedSecret({ name: "n".repeat(255), secret });
    expect(() => sharedSecret({ name: "n".repeat(256), secret })).toThrow(TypeError);
    expect(() => sharedSecret({ name: "", secret })).toThrow(TypeError);
  });

  test("are not shown", async () => {
    const { inspect } = await import("node:util");
    const hex = Buffer.from(secret).toString("hex").slice(0, 20);
    const shown = inspect(till(), { depth: 9, showHidden: true }) + JSON.stringify(till());
    expect(shown).not.toContain(secret.slice(0, 10));
    expect(shown.replaceAll(" ", "")).not.toContain(hex);
  });
});
