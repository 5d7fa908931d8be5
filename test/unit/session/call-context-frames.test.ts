/** The call context on the wire: what is written, byte by byte, and what a peer may not send. */
import { describe, expect, onTestFinished, test } from "vitest";
import { CallContext } from "../../../src/call-context.ts";
import { jsonFormatter, MarshalByRefObject, RemotingDomain, Singleton } from "../../../src/index.ts";
import { SessionChannel } from "../../../src/session/session-channel.ts";
import { ByteWriter } from "../../../src/spi.ts";
import { kind } from "../../protocol-numbers.ts";
import { frame, ScriptedConnection, ScriptedTransport } from "./scripted-connection.ts";

const withFields = 0x08;
const contextField = 2;

const faults = { serialization: 4, limit: 6 } as const;

@Singleton("Target")
class Target extends MarshalByRefObject {
  seen(): Record<string, unknown> {
    return Object.fromEntries(CallContext.logicalData);
  }

  set(): void {
    CallContext.logicalSetData("b", [true]);
    CallContext.freeNamedDataSlot("a");
  }
}

function entry(name: string, text: string): Buffer {
  const writer = new ByteWriter();
  writer.writeString(name);
  writer.writeString(text);
  return Buffer.from(writer.written());
}

function fields(context: Uint8Array): Buffer {
  const field = new ByteWriter();
  field.writeUint8(contextField);
  field.writeVarUint(context.length);
  field.writeBytes(context);
  const writer = new ByteWriter();
  writer.writeVarUint(field.position);
  writer.writeBytes(field.written());
  return Buffer.from(writer.written());
}

function handshake(write: (writer: ByteWriter) => void = () => {}): (writer: ByteWriter) => void {
  return (writer) => {
    writer.writeUint32(0x524d5447);
    writer.writeUint8(1);
    writer.writeUint8(0);
    writer.writeUint32(0);
    writer.writeUint32(16 * 1024 * 1024);
    write(writer);
  };
}

function call(id: number, method: string, context: Uint8Array): Buffer {
  return frame(kind.call, withFields, id, (writer) => {
    writer.writeVarUint(0);
    writer.writeString("Target");
    writer.writeString(method);
    writer.writeBytes(fields(context));
    writer.writeBytes(Buffer.from("[]"));
  });
}

/** What a peer may not send, and what it is told. */
const refused: readonly (readonly [what: string, context: Uint8Array, fault: number])[] = [
  ["4,097 bytes", entry("a", JSON.stringify("x".repeat(4_091))), faults.limit],
  [
    "65 values",
    Buffer.concat(Array.from({ length: 65 }, (_, index) => entry(`n${index}`, "1"))),
    faults.limit,
  ],
  ["text that is no JSON", entry("a", "{"), faults.serialization],
  ["a key __proto__", entry("a", '{"b":[{"__proto__":{"polluted":1}}]}'), faults.serialization],
  ["a name __proto__", entry("__proto__", "1"), faults.serialization],
  ["a name with a line feed", entry("a\nb", "1"), faults.serialization],
  ["an empty name", entry("", "1"), faults.serialization],
  ["a name of 129 characters", entry("n".repeat(129), "1"), faults.serialization],
  ["nesting of nine levels", entry("a", `${"[".repeat(9)}${"]".repeat(9)}`), faults.serialization],
  ["the same name twice", Buffer.concat([entry("a", "1"), entry("a", "2")]), faults.serialization],
  ["a value that was removed", entry("a", ""), faults.serialization],
  ["a value that is cut off", entry("abc", '"text"').subarray(0, 8), faults.serialization],
  ["a name that is cut off", Buffer.from([0xff, 0xff]), faults.serialization],
];

describe("a server", () => {
  async function open(): Promise<ScriptedConnection> {
    const transport = new ScriptedTransport();
    const domain = new RemotingDomain({ closeGrace: 0 });
    onTestFinished(() => domain.close());
    domain.registerChannel(new SessionChannel(transport, { formatters: [jsonFormatter()] }));
    await domain.serve("scripted://here", [Target]);
    const connection = transport.accept();
    connection.deliver(
      frame(
        kind.hello,
        0,
        0,
        handshake((writer) => {
          writer.writeString("json");
          writer.writeVarUint(0);
        }),
      ),
    );
    await connection.next(kind.welcome);
    return connection;
  }

  test("reads what flows in, without the formatter, and writes what was changed", async () => {
    const connection = await open();
    const context = Buffer.concat([entry("a", '{"b":[1,null]}'), entry("c", '"ü"')]);
    connection.deliver(call(1, "seen", context));
    const seen = await connection.next(kind.result, 1);
    expect(seen.flags).toBe(0);
    expect(JSON.parse(seen.body.toString())).toEqual({ a: { b: [1, null] }, c: "ü" });
    connection.deliver(call(2, "set", context));
    const changed = await connection.next(kind.result, 2);
    expect(changed.flags).toBe(withFields);
    // b = [true], a removed; then the result: undefined.
    expect(changed.body.toString("hex")).toBe(
      `0e020c0162065b747275655d016100${Buffer.from('{"$":"undefined"}').toString("hex")}`,
    );
  });

  test.each(refused)("refuses %s, runs nothing, and goes on", async (_what, context, fault) => {
    const connection = await open();
    connection.deliver(call(1, "set", context));
    const { body } = await connection.next(kind.fault, 1);
    expect([...body.subarray(0, 2)]).toEqual([fault, 0]);
    connection.deliver(call(2, "seen", entry("a", "1")));
    expect((await connection.next(kind.result, 2)).body.toString()).toBe('{"a":1}');
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });
});

describe("a client", () => {
  async function connect() {
    const connection = new ScriptedConnection();
    const transport = new ScriptedTransport(async () => connection);
    const domain = new RemotingDomain({ closeGrace: 0 });
    onTestFinished(() => domain.close());
    domain.registerChannel(new SessionChannel(transport, { formatters: [jsonFormatter()] }));
    const target = domain.getObject(Target, "scripted://there/Target");
    return { connection, target };
  }

  /** Answers the call of a client with a context. */
  async function answer(connection: ScriptedConnection, context: Uint8Array, json = "1"): Promise<void> {
    const { id } = await connection.next(kind.call);
    connection.deliver(
      frame(kind.result, withFields, id, (writer) => {
        writer.writeBytes(fields(context));
        writer.writeBytes(Buffer.from(json));
      }),
    );
  }

  test.each(refused.filter(([what]) => what !== "a value that was removed"))(
    "refuses %s in an answer, keeps what it had, and goes on",
    async (_what, context) => {
      const { connection, target } = await connect();
      await CallContext.run(async () => {
        CallContext.logicalSetData("mine", 1);
        const first = target.seen();
        await connection.next(kind.hello);
        connection.deliver(frame(kind.welcome, 0, 0, handshake()));
        await answer(connection, context);
        await expect(first).rejects.toMatchObject({ mayHaveExecuted: true });
        expect([...CallContext.logicalData]).toEqual([["mine", 1]]);
        const second = target.seen();
        await answer(connection, entry("mine", ""));
        expect(await second).toBe(1);
        expect([...CallContext.logicalData]).toEqual([]);
      });
    },
  );

  test("a reference in an answer that is refused for its context is released with its proxy, not twice", async () => {
    const { connection, target } = await connect();
    await CallContext.run(async () => {
      const call = target.seen();
      await connection.next(kind.hello);
      connection.deliver(frame(kind.welcome, 0, 0, handshake()));
      await answer(connection, entry("a", "{"), '{"$":[9,"~function"]}');
      await expect(call).rejects.toMatchObject({ mayHaveExecuted: true });
    });
    connection.deliver(frame(kind.ping, 0, 3));
    await connection.next(kind.pong, 3);
    // Its proxy is still counted, and may even be used if the same function comes again.
    expect(connection.sent.filter((sent) => sent.kind === kind.release || sent.kind === kind.unread)).toEqual(
      [],
    );
  });

  test("an answer that would bring more than fits beside what is there is refused whole", async () => {
    const { connection, target } = await connect();
    await CallContext.run(async () => {
      CallContext.logicalSetData("mine", "x".repeat(3_000));
      const call = target.seen();
      await connection.next(kind.hello);
      connection.deliver(frame(kind.welcome, 0, 0, handshake()));
      await answer(connection, entry("more", JSON.stringify("y".repeat(2_000))));
      await expect(call).rejects.toMatchObject({ limit: "maxContextBytes", mayHaveExecuted: true });
      expect([...CallContext.logicalData.keys()]).toEqual(["mine"]);
    });
  });

  test("where nobody would see it, what comes back is not looked at", async () => {
    const { connection, target } = await connect();
    const call = target.seen();
    await connection.next(kind.hello);
    connection.deliver(frame(kind.welcome, 0, 0, handshake()));
    await answer(connection, Buffer.from([0xff]));
    expect(await call).toBe(1);
  });
});
