/** The limits that are part of the protocol, and those of the formatters, each at N-1, N and N+1. */
import {
  type Formatter,
  jsonFormatter,
  LimitExceededError,
  MarshalByRefObject,
  memoryChannel,
  msgpackFormatter,
  type Remote,
  RemotingDomain,
  Singleton,
  transportChannel,
} from "remoting";
import type { ByteWriter } from "remoting/spi";
import { describe, expect, onTestFinished, test } from "vitest";
import { fault, flag, kind, magic, readFault } from "../fault/frames.ts";
import { frame, ScriptedConnection, ScriptedTransport } from "../unit/session/scripted-connection.ts";

@Singleton("Target")
class Target extends MarshalByRefObject {
  echo(value: unknown): unknown {
    return value;
  }

  nested(levels: number): unknown {
    return nest(levels);
  }
}

function nest(levels: number): unknown {
  let value: unknown = 0;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

interface HelloOptions {
  readonly formatter?: string;
  readonly sinks?: readonly string[];
}

function hello({ formatter = "json", sinks = [] }: HelloOptions = {}): Buffer {
  return frame(kind.hello, 0, 0, (writer) => {
    writer.writeUint32(magic);
    writer.writeUint8(1);
    writer.writeUint8(0);
    writer.writeUint32(0);
    writer.writeUint32(16 * 1024 * 1024);
    writer.writeString(formatter);
    writer.writeVarUint(sinks.length);
    for (const sink of sinks) writer.writeString(sink);
  });
}

function callFrame(
  flags: number,
  id: number,
  target: string,
  method: string,
  rest: (writer: ByteWriter) => void,
) {
  return frame(kind.call, flags, id, (writer) => {
    writer.writeVarUint(0);
    writer.writeString(target);
    writer.writeString(method);
    rest(writer);
  });
}

const noArguments = (writer: ByteWriter) => writer.writeBytes(Buffer.from("[]"));

/** A frame that says nothing, of so many bytes in all. */
function empty(bytes: number): Buffer {
  return frame(kind.pong, 0, 0, (writer) => writer.writeBytes(Buffer.alloc(bytes - 10)));
}

async function stranger(): Promise<ScriptedConnection> {
  const transport = new ScriptedTransport();
  const domain = new RemotingDomain({ closeGrace: 0 });
  onTestFinished(() => domain.close());
  domain.on("unobservedError", () => {});
  domain.registerChannel(transportChannel(transport, { formatter: jsonFormatter() }));
  await domain.serve("scripted://here", [Target]);
  return transport.accept();
}

async function peer(): Promise<ScriptedConnection> {
  const connection = await stranger();
  connection.deliver(hello());
  await connection.next(kind.welcome);
  return connection;
}

/** Demands that the connection goes on: a call is answered. */
async function expectOpen(connection: ScriptedConnection): Promise<void> {
  connection.deliver(callFrame(0, 77, "Target", "echo", (writer) => writer.writeBytes(Buffer.from("[1]"))));
  await connection.next(kind.result, 77);
}

describe.each([
  ["at N-1", -1],
  ["at N", 0],
])("%s", (_name, more) => {
  test("a message before the handshake", async () => {
    const connection = await stranger();
    const first = hello();
    connection.deliver(first, empty(4096 + more - first.length));
    await connection.next(kind.welcome);
    await expectOpen(connection);
  });

  test("a message", async () => {
    const connection = await peer();
    connection.deliver(empty(91_136 + more));
    await expectOpen(connection);
  });

  test("a message that is a fragment", async () => {
    const connection = await peer();
    for (const message of fragmentOf(262_144 + more)) connection.deliver(message);
    // It is taken, and no JSON.
    expect(readFault(await connection.next(kind.fault, 9)).code).toBe(fault.serialization);
  });

  test.each<[string, HelloOptions]>([
    ["the name of a formatter", { formatter: "f".repeat(64 + more) }],
    ["sinks", { sinks: Array.from({ length: 32 + more }, () => "s") }],
    ["the name of a sink", { sinks: ["s".repeat(64 + more)] }],
  ])("%s: it is read, and refused with the reason", async (_what, options) => {
    const connection = await stranger();
    connection.deliver(hello(options));
    expect(readFault(await connection.next(kind.refuse)).code).toBe(fault.connect);
  });

  test("a target and a method", async () => {
    const connection = await peer();
    connection.deliver(callFrame(0, 1, "t".repeat(3072 + more), "m", noArguments));
    expect(readFault(await connection.next(kind.fault, 1)).code).toBe(fault.serviceNotFound);
    connection.deliver(callFrame(0, 2, "Target", "m".repeat(765 + more), noArguments));
    expect(readFault(await connection.next(kind.fault, 2)).code).toBe(fault.methodNotFound);
  });

  test("what channel sinks tell each other", async () => {
    const connection = await peer();
    connection.deliver(withHeaders(4096 + more));
    await connection.next(kind.result, 3);
  });

  test("the frame of a payload that follows", async () => {
    const connection = await peer();
    connection.deliver(heldCall(32_768 + more));
    await expectOpen(connection);
  });

  test("segments", async () => {
    const connection = await peer();
    connection.deliver(heldCall(100), segmentsFrame(65_536 + more));
    // All of them are empty: so it is complete, and no JSON.
    expect(readFault(await connection.next(kind.fault, 9)).code).toBe(fault.serialization);
  });

  test("routes", async () => {
    const connection = await peer();
    for (let id = 1; id <= 4096 + more; id++) connection.deliver(routeFrame(id));
    await expectOpen(connection);
  });

  test("an id in a release", async () => {
    const connection = await peer();
    connection.deliver(releaseFrame(256 + more));
    await expectOpen(connection);
  });
});

describe("at N+1 the connection ends", () => {
  test.each<[string, () => readonly Buffer[]]>([
    ["a message before the handshake", () => [hello(), empty(4097 - hello().length)]],
    ["the name of a formatter", () => [hello({ formatter: "f".repeat(65) })]],
    ["sinks", () => [hello({ sinks: Array.from({ length: 33 }, () => "s") })]],
    ["the name of a sink", () => [hello({ sinks: ["s".repeat(65)] })]],
  ])("%s", async (_what, frames) => {
    const connection = await stranger();
    connection.deliver(...frames());
    if (connection.ended === undefined) connection.destroy();
    expect(connection.sent).toEqual([]);
  });

  test.each<[string, () => readonly Buffer[]]>([
    ["a message", () => [empty(91_137)]],
    ["a target", () => [callFrame(0, 1, "t".repeat(3073), "m", noArguments)]],
    ["a method", () => [callFrame(0, 1, "Target", "m".repeat(766), noArguments)]],
    ["what channel sinks tell each other", () => [withHeaders(4097)]],
    ["the frame of a payload that follows", () => [heldCall(32_769)]],
    ["segments", () => [heldCall(100), segmentsFrame(65_537)]],
    ["an id in a release", () => [releaseFrame(257)]],
  ])("%s", async (_what, frames) => {
    const connection = await peer();
    connection.deliver(...frames());
    expect(await connection.whenEnded()).toBe("destroyed");
    expect(connection.sent.filter((one) => one.kind === kind.result)).toEqual([]);
  });

  test("a message that is a fragment", async () => {
    const connection = await peer();
    for (const message of fragmentOf(262_145)) {
      expect(connection.ended).toBeUndefined();
      connection.deliver(message);
    }
    expect(await connection.whenEnded()).toBe("destroyed");
  });

  test("routes", async () => {
    const connection = await peer();
    for (let id = 1; id <= 4097; id++) connection.deliver(routeFrame(id));
    expect(await connection.whenEnded()).toBe("destroyed");
  });
});

function withHeaders(bytes: number): Buffer {
  const text = `n\n${"v".repeat(bytes - 3)}\n`;
  return callFrame(flag.fields, 3, "Target", "echo", (writer) => {
    writer.writeVarUint(1 + 2 + bytes);
    writer.writeUint8(1);
    writer.writeString(text);
    writer.writeBytes(Buffer.from("[1]"));
  });
}

/** A call whose payload follows, with a body of so many bytes of its own. */
function heldCall(bytes: number): Buffer {
  const names = 1 + 1 + "Target".length + 1 + "echo".length;
  return callFrame(flag.segments, 9, "Target", "echo", (writer) =>
    writer.writeBytes(Buffer.alloc(bytes - names)),
  );
}

function segmentsFrame(count: number): Buffer {
  return frame(kind.segments, 0, 9, (writer) => {
    writer.writeVarUint(count);
    writer.writeBytes(Buffer.alloc(count));
  });
}

/** The messages of a call whose only segment comes in one fragment; that one has so many bytes. */
function fragmentOf(message: number): Buffer[] {
  const data = message - 10;
  const segments = frame(kind.segments, 0, 9, (writer) => {
    writer.writeVarUint(1);
    writer.writeVarUint(data);
  });
  const fragment = frame(kind.fragment, 0, 9, (writer) => writer.writeBytes(Buffer.alloc(data)));
  return [heldCall(100), segments, fragment];
}

function routeFrame(id: number): Buffer {
  return callFrame(flag.defineRoute | flag.oneWay, id, `Nobody${id}`, "m", noArguments);
}

function releaseFrame(length: number): Buffer {
  return frame(kind.release, 0, 0, (writer) => {
    writer.writeString("~".repeat(length));
    writer.writeVarUint(1);
  });
}

describe("a client", () => {
  async function connect() {
    const connection = new ScriptedConnection();
    const domain = new RemotingDomain({ closeGrace: 0 });
    onTestFinished(() => domain.close());
    const transport = new ScriptedTransport(async () => connection);
    domain.registerChannel(transportChannel(transport, { formatter: jsonFormatter() }));
    const target = domain.getObject(Target, "scripted://there/Target");
    const first = target.echo(0);
    first.catch(() => {});
    await connection.next(kind.hello);
    connection.deliver(
      frame(kind.welcome, 0, 0, (writer) => {
        writer.writeUint32(magic);
        writer.writeUint8(1);
        writer.writeUint8(0);
        writer.writeUint32(0);
        writer.writeUint32(16 * 1024 * 1024);
      }),
    );
    const { id } = await connection.next(kind.call);
    return { domain, connection, target, first, id };
  }

  test.each([4095, 4096, 4097])("the text of a fault: %i bytes", async (length) => {
    const { connection, first, id } = await connect();
    connection.deliver(
      frame(kind.fault, 0, id, (writer) => {
        writer.writeUint8(0);
        writer.writeUint8(0);
        writer.writeString("m".repeat(length));
        writer.writeString("d".repeat(Math.min(length, 4096)));
      }),
    );
    const error: unknown = await first.catch((reason: unknown) => reason);
    if (length <= 4096) expect(error).toMatchObject({ message: "m".repeat(length) });
    else expect(error).toMatchObject({ code: "ERR_CONNECTION_LOST", reason: "protocol" });
  });

  test("65,535 calls wait for their answers, and one more is refused", async () => {
    const { connection, target } = await connect();
    const outcomes: Promise<unknown>[] = [];
    for (let count = 1; count < 65_535; count++)
      outcomes.push(target.echo(0).catch((error: unknown) => error));
    const refused: unknown = await target.echo(0).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(LimitExceededError);
    expect(refused).toMatchObject({ limit: "pendingCalls", mayHaveExecuted: false });
    const { id } = await connection.next(kind.call);
    connection.deliver(frame(kind.result, 0, id, (writer) => writer.writeBytes(Buffer.from("1"))));
    expect(await outcomes[0]).toBe(1);
    const again = target.echo(0).catch((error: unknown) => error);
    connection.destroy();
    for (const outcome of [...outcomes.slice(1), again]) {
      expect(await outcome).toMatchObject({ code: "ERR_CONNECTION_LOST" });
    }
  });
});

describe.each<readonly [name: string, formatter: () => Formatter, levels: (maxDepth: number) => number]>([
  ["msgpack", msgpackFormatter, (maxDepth) => maxDepth],
  // Two levels for a tagged value, and the innermost may be one.
  ["json", jsonFormatter, (maxDepth) => (maxDepth + 1) * 2],
])("maxDepth, %s", (name, formatter, levels) => {
  const maxDepth = 10;
  /** The list of arguments is a level itself. */
  const most = levels(maxDepth) - 1;

  async function open(limits: { server?: number; client?: number }): Promise<Remote<Target>> {
    const [server, client] = [new RemotingDomain({ closeGrace: 0 }), new RemotingDomain({ closeGrace: 0 })];
    onTestFinished(async () => {
      await client.close();
      await server.close();
    });
    const options = (depth = 200) => ({ formatter: formatter(), limits: { maxDepth: depth } });
    server.registerChannel(memoryChannel(options(limits.server)));
    client.registerChannel(memoryChannel(options(limits.client)));
    const url = `memory://depth-${name}-${limits.server}-${limits.client}-${Math.random()}`;
    await server.serve(url, [Target]);
    return client.getObject(Target, `${url}/Target`);
  }

  test("of what is received as arguments: N-1, N, N+1, and 150", async () => {
    const target = await open({ server: maxDepth });
    for (const count of [most - 1, most, most + 1, 150]) {
      const outcome: unknown = await target.echo(nest(count)).catch((error: unknown) => error);
      // The result is bounded as what is sent, to which tagged values do not count twice.
      if (count > most) expect(outcome).toMatchObject({ limit: "maxDepth", mayHaveExecuted: false });
      else if (count <= maxDepth) expect(outcome).toEqual(nest(count));
      else expect(outcome).toMatchObject({ code: "ERR_SERIALIZATION", mayHaveExecuted: true });
    }
    expect(await target.echo("still there")).toBe("still there");
  });

  test("of what is received as a result: N-1, N, N+1, and 150", async () => {
    const target = await open({ client: maxDepth });
    const mostOfResult = levels(maxDepth);
    for (const count of [mostOfResult - 1, mostOfResult, mostOfResult + 1, 150]) {
      const outcome: unknown = await target.nested(count).catch((error: unknown) => error);
      if (count <= mostOfResult) expect(outcome).toEqual(nest(count));
      else expect(outcome).toMatchObject({ limit: "maxDepth", mayHaveExecuted: true });
    }
    expect(await target.echo("still there")).toBe("still there");
  });

  test("of what is sent: N is sent and N+1 is refused here, with the path to it", async () => {
    const target = await open({ client: maxDepth });
    expect(await target.echo(nest(maxDepth - 1))).toEqual(nest(maxDepth - 1));
    const error: unknown = await target.echo(nest(maxDepth)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "ERR_SERIALIZATION", mayHaveExecuted: false });
    expect(String(error)).toContain(`args[0]${"[0]".repeat(maxDepth - 1)} is nested deeper than 10 levels`);
  });
});
