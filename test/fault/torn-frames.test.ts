/**
 * Frames in pieces: one message of 200 bytes, cut once and twice at every place there is, means the same as in one
 * piece; and one that ends too early is no call. The pieces are put into the connection one by one, so that no operating
 * system joins them again, each in memory that is overwritten as soon as it was taken.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import {
  ConnectError,
  ConnectionLostError,
  MarshalByRefObject,
  msgpackFormatter,
  RemotingDomain,
  Singleton,
  transportChannel,
} from "remoting";
import { type Connection, duplexCapabilities, type Transport, type TransportListener } from "remoting/spi";
import { afterAll, beforeAll, expect, test } from "vitest";
import { giveTo } from "../../src/transports/tcp/owned-socket.ts";
import { TcpConnection } from "../../src/transports/tcp/tcp-connection.ts";
import { printFigures } from "./figures.ts";
import {
  call,
  FrameReader,
  frame,
  hello,
  kind,
  message,
  packedArray,
  packedText,
  type ReceivedFrame,
  welcome,
} from "./frames.ts";
import { within } from "./within.ts";

const size = 200;
const patience = 60_000;

let executions = 0;

@Singleton("Echo")
class Echo extends MarshalByRefObject {
  echo(value: string): string {
    executions++;
    return value;
  }
}

/** A connection whose incoming bytes are those that a test puts into it. */
interface TornConnection {
  readonly connection: TcpConnection;
  /** The other end: what comes out there was sent. */
  readonly far: Socket;
}

/** Pairs of sockets, of which the near one is not read: what it receives is what it is given. */
class TornTransport implements Transport {
  readonly scheme = "torn";
  readonly capabilities = duplexCapabilities;
  readonly #server: Server = createServer({ noDelay: true, pauseOnConnect: true });
  #accept: ((connection: Connection) => void) | undefined;
  /** The connection that was made last by {@link connect}. */
  last: TornConnection | undefined;

  async start(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  async stop(): Promise<void> {
    this.#server.close();
    await once(this.#server, "close");
  }

  async #pair(): Promise<TornConnection> {
    const address = this.#server.address();
    assert(typeof address === "object" && address !== null);
    const accepted = once(this.#server, "connection") as Promise<[Socket]>;
    const far = connect({ port: address.port, host: "127.0.0.1", noDelay: true });
    const [near] = await accepted;
    far.on("error", () => {});
    // Nothing is sent to it but its end, which it would not see unread.
    near.resume();
    return { connection: new TcpConnection("torn", (owner) => giveTo(near, owner)), far };
  }

  /** A connection as if somebody had made it. */
  async accept(): Promise<TornConnection> {
    const pair = await this.#pair();
    this.#accept?.(pair.connection);
    return pair;
  }

  async connect(): Promise<Connection> {
    this.last = await this.#pair();
    return this.last.connection;
  }

  isLocal(): boolean {
    return true;
  }

  async listen(address: string, accept: (connection: Connection) => void): Promise<TransportListener> {
    this.#accept = accept;
    return { address, close: async () => {} };
  }
}

const scratch = Buffer.alloc(64 * 1024);

/** Puts bytes into a connection, cut at some places. */
function feed({ connection }: TornConnection, bytes: Buffer, cuts: readonly number[] = []): void {
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    bytes.copy(scratch, 0, from, to);
    connection.receive(scratch, to - from);
    scratch.fill(0xee, 0, to - from);
    from = to;
  }
}

/** Fills a text so that the whole message has 200 bytes. */
function ofSize(build: (text: string) => Buffer): Buffer {
  const built = build("x".repeat(size - build("").length));
  assert.equal(built.length, size);
  return built;
}

const callOf = (id: number) =>
  ofSize((text) => message([call(id, "Echo", "echo", packedArray(packedText(text)))]));

/** Every way to cut 200 bytes once, and twice. */
function* everyCut(): Generator<readonly number[]> {
  for (let first = 1; first < size; first++) {
    yield [first];
    for (let second = first + 1; second < size; second++) yield [first, second];
  }
}

let transport: TornTransport;
let server: RemotingDomain;
let lastLoss: Error | undefined;
let losses = 0;

beforeAll(async () => {
  transport = new TornTransport();
  await transport.start();
  server = new RemotingDomain({ limits: { maxCallsInFlight: 100_000 } });
  server.on("unobservedError", () => {});
  server.on("disconnected", (_peer, error) => {
    lastLoss = error;
    losses++;
  });
  server.registerChannel(transportChannel(transport, { formatter: msgpackFormatter() }));
  await server.serve("torn://here", [Echo]);
});

afterAll(async () => {
  await server.close();
  await transport.stop();
});

/** A connection whose handshake is over, and what comes out of it. */
async function open(): Promise<{ readonly torn: TornConnection; readonly received: ReceivedFrame[] }> {
  const torn = await transport.accept();
  const received: ReceivedFrame[] = [];
  const reader = new FrameReader();
  torn.far.on("data", (chunk: Buffer) => received.push(...reader.read(chunk)));
  feed(torn, message([hello()]));
  await until(() => received.length > 0, "the welcome");
  received.length = 0;
  return { torn, received };
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  const waiting = async () => {
    while (!isSo()) await new Promise(setImmediate);
  };
  await within(patience, waiting(), what);
}

test("a call, cut once and twice at every place: 19,900 calls, each run once", {
  timeout: 120_000,
}, async () => {
  const started = performance.now();
  const { torn, received } = await open();
  executions = 0;
  let cases = 0;
  let cutsMade = 0;
  for (const cuts of everyCut()) {
    feed(torn, callOf(++cases), cuts);
    cutsMade += cuts.length;
    // Answers are read now and then, or they would wait in memory.
    if (cases % 500 === 0) await until(() => received.length === cases, "the answers");
  }
  await until(() => received.length === cases, "the answers");
  expect(cases).toBe(19_900);
  expect(executions).toBe(cases);
  const ids = new Set(received.map(({ id }) => id));
  expect(ids.size).toBe(cases);
  const [first] = received;
  assert(first !== undefined);
  for (const { kind: answered, body } of received) {
    assert.equal(answered, kind.result);
    assert(body.equals(first.body));
  }
  expect(losses).toBe(0);
  torn.far.destroy();
  await until(() => losses === 1, "the end of the connection");
  losses = 0;
  printFigures("torn call", { cases, cuts: cutsMade, seconds: (performance.now() - started) / 1000 });
});

test("an answer, cut once and twice at every place: 19,900 calls, each settled once", {
  timeout: 120_000,
}, async () => {
  const started = performance.now();
  const client = new RemotingDomain();
  client.registerChannel(transportChannel(transport, { formatter: msgpackFormatter() }));
  const echo = client.getObject(Echo, "torn://there");
  const reader = new FrameReader();
  const calls: ReceivedFrame[] = [];
  let isWelcome = false;
  const first = echo.echo("?");
  await until(() => transport.last !== undefined, "the connection");
  const torn = transport.last;
  assert(torn !== undefined);
  torn.far.on("data", (chunk: Buffer) => {
    for (const came of reader.read(chunk)) {
      if (came.kind === kind.hello) isWelcome = true;
      else if (came.kind === kind.call) calls.push(came);
    }
  });
  await until(() => isWelcome, "the hello");
  feed(torn, message([welcome()]));
  let expected = "";
  const answer = (id: number) =>
    ofSize((text) => {
      expected = text;
      return message([frame(kind.result, 0, id, packedText(text))]);
    });
  await until(() => calls.length === 1, "the first call");
  feed(torn, answer(calls[0]?.id ?? 0));
  assert.equal(await first, expected);
  let cases = 0;
  let batch: (readonly number[])[] = [];
  const run = async () => {
    calls.length = 0;
    const results = batch.map(() => echo.echo("?"));
    await until(() => calls.length === batch.length, "the calls");
    for (const [index, cuts] of batch.entries()) feed(torn, answer(calls[index]?.id ?? 0), cuts);
    for (const result of await within(patience, Promise.all(results), "the results")) {
      assert.equal(result, expected);
      cases++;
    }
    batch = [];
  };
  for (const cuts of everyCut()) {
    batch.push(cuts);
    if (batch.length === 500) await run();
  }
  await run();
  expect(cases).toBe(19_900);
  expect(client.statistics).toMatchObject({ connections: 1, outgoingCalls: 0 });
  await client.close();
  printFigures("torn answer", { cases, seconds: (performance.now() - started) / 1000 });
});

test("a call that ends after any of its bytes is none, and its connection says why", {
  timeout: 120_000,
}, async () => {
  for (let bytes = 0; bytes < size; bytes++) {
    const { torn } = await open();
    executions = 0;
    losses = 0;
    lastLoss = undefined;
    feed(torn, callOf(1).subarray(0, bytes));
    torn.far.end();
    await until(() => losses === 1, `the end after ${bytes} bytes`);
    assert.equal(executions, 0);
    const lost: unknown = lastLoss;
    assert(lost instanceof ConnectionLostError);
    expect(lost.reason).toBe("closed");
    if (bytes > 0 && bytes !== 4) expect(lost.message).toContain("in the middle of a message");
    torn.far.destroy();
  }
  expect(server.statistics).toMatchObject({ connections: 0, incomingCalls: 0 });
});

test("an answer that ends after any of its bytes is a lost connection, and the call may have run", {
  timeout: 120_000,
}, async () => {
  for (let bytes = 0; bytes < size; bytes++) {
    const client = new RemotingDomain();
    const own = new TornTransport();
    await own.start();
    client.registerChannel(transportChannel(own, { formatter: msgpackFormatter() }));
    const result = client
      .getObject(Echo, "torn://there")
      .echo("?")
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    await until(() => own.last !== undefined, "the connection");
    const torn = own.last;
    assert(torn !== undefined);
    const reader = new FrameReader();
    let id: number | undefined;
    let greeted = false;
    torn.far.on("data", (chunk: Buffer) => {
      for (const came of reader.read(chunk)) {
        if (came.kind === kind.hello) greeted = true;
        else if (came.kind === kind.call) id = came.id;
      }
    });
    await until(() => greeted, "the hello");
    feed(torn, message([welcome()]));
    await until(() => id !== undefined, "the call");
    const whole = ofSize((text) => message([frame(kind.result, 0, id ?? 0, packedText(text))]));
    feed(torn, whole.subarray(0, bytes));
    torn.far.end();
    const error = await within(patience, result, "the end of the call");
    assert(error instanceof ConnectionLostError && !(error instanceof ConnectError));
    expect(error).toMatchObject({ reason: "closed", mayHaveExecuted: true });
    await client.close();
    torn.far.destroy();
    await own.stop();
  }
});
