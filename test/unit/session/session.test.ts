/** A session against a peer that says anything: what it makes of good, bad and unknown frames. */
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import {
  ConnectError,
  ConnectionLostError,
  jsonFormatter,
  MarshalByRefObject,
  RemotingDomain,
  RemotingTimeoutError,
  type SessionLimits,
  Singleton,
} from "../../../src/index.ts";
import { SessionChannel } from "../../../src/session/session-channel.ts";
import type { ByteWriter } from "../../../src/spi.ts";
import { fakeTimers } from "../../fake-timers.ts";
import { kind } from "../../protocol-numbers.ts";
import { frame, ScriptedConnection, ScriptedTransport } from "./scripted-connection.ts";

const defineRoute = 0x10;
const withFields = 0x08;
const inSegments = 0x20;
const withAttachments = 0x40;

let released: () => void = () => {};
const ran: string[] = [];

@Singleton("Target")
class Target extends MarshalByRefObject {
  echo(value: unknown): unknown {
    ran.push(`echo ${JSON.stringify(value)}`);
    return value;
  }

  block(): Promise<string> {
    return new Promise((resolve) => {
      released = () => resolve("released");
    });
  }
}

function hello({ major = 1, minor = 0, magic = 0x524d5447, formatter = "json", sinks = 0 } = {}): Buffer {
  return frame(kind.hello, 0, 0, (writer) => {
    writer.writeUint32(magic);
    writer.writeUint8(major);
    writer.writeUint8(minor);
    writer.writeUint32(0);
    writer.writeUint32(1024 * 1024);
    writer.writeString(formatter);
    writer.writeVarUint(sinks);
    for (let index = 0; index < sinks; index++) writer.writeString(`sink-${index}`);
  });
}

function welcome(): Buffer {
  return frame(kind.welcome, 0, 0, (writer) => {
    writer.writeUint32(0x524d5447);
    writer.writeUint8(1);
    writer.writeUint8(0);
    writer.writeUint32(0);
    writer.writeUint32(1024 * 1024);
  });
}

function named(target: string, method: string, args: string) {
  return (writer: ByteWriter): void => {
    writer.writeVarUint(0);
    writer.writeString(target);
    writer.writeString(method);
    writer.writeBytes(Buffer.from(args));
  };
}

function echo(id: number, value: string, flags = 0): Buffer {
  return frame(kind.call, flags, id, named("Target", "echo", `[${value}]`));
}

describe("the server's end", () => {
  const transport = new ScriptedTransport();
  const errors: unknown[] = [];

  async function serve(limits: Partial<SessionLimits> = {}): Promise<RemotingDomain> {
    const domain = new RemotingDomain({ closeGrace: 0 });
    onTestFinished(() => domain.close());
    errors.length = 0;
    ran.length = 0;
    domain.on("unobservedError", (error) => errors.push(error));
    domain.registerChannel(new SessionChannel(transport, { formatters: [jsonFormatter()], limits }));
    await domain.serve("scripted://here", [Target]);
    return domain;
  }

  async function open(limits?: Partial<SessionLimits>): Promise<ScriptedConnection> {
    await serve(limits);
    const connection = transport.accept();
    connection.deliver(hello());
    await connection.next(kind.welcome);
    return connection;
  }

  async function expectAlive(connection: ScriptedConnection, id = 900): Promise<void> {
    connection.deliver(echo(id, '"alive"'));
    expect((await connection.next(kind.result, id)).body.toString()).toBe('"alive"');
    expect(connection.ended).toBeUndefined();
  }

  async function expectGivenUp(connection: ScriptedConnection): Promise<void> {
    expect(await connection.whenEnded()).toBe("destroyed");
    // Others never notice.
    const other = transport.accept();
    other.deliver(hello());
    await other.next(kind.welcome);
    await expectAlive(other);
  }

  test("answers a call that is spelt out by hand", async () => {
    const connection = await open();
    await expectAlive(connection);
    expect(ran).toEqual(['echo "alive"']);
  });

  test("several frames of one message are taken in order", async () => {
    const connection = await open();
    connection.deliver(echo(1, "1"), echo(2, "2"), frame(kind.ping, 0, 3), echo(4, "4"));
    await connection.next(kind.result, 4);
    expect(ran).toEqual(["echo 1", "echo 2", "echo 4"]);
  });

  test("answers leave with the end of the turn, or where sending is cheap with the message that asked for them", async () => {
    const connection = await open();
    connection.deliver(echo(1, "1"), echo(2, "2"));
    expect(connection.sent).toEqual([]);
    await connection.next(kind.result, 2);

    connection.sendsCheaply = true;
    connection.sent.length = 0;
    connection.deliver(echo(3, "3"), frame(kind.ping, 0, 4), echo(5, "5"));
    expect(connection.sent.map(({ kind, id }) => ({ kind, id }))).toEqual([
      { kind: kind.result, id: 3 },
      { kind: kind.result, id: 5 },
      { kind: kind.pong, id: 4 },
    ]);
    await expectAlive(connection);
  });

  test("a route that is defined is called by its number from then on", async () => {
    const connection = await open();
    connection.deliver(echo(1, "1", defineRoute));
    const byNumber = (number: number, id: number) =>
      frame(kind.call, 0, id, (writer) => {
        writer.writeVarUint(number);
        writer.writeBytes(Buffer.from("[2]"));
      });
    connection.deliver(byNumber(1, 2));
    expect((await connection.next(kind.result, 2)).body.toString()).toBe("2");
    connection.deliver(byNumber(2, 3));
    await expectGivenUp(connection);
  });

  test("a withdrawn call is not run, but its route counts", async () => {
    const connection = await open();
    connection.deliver(frame(kind.withdrawn, defineRoute, 1, named("Target", "echo", "[1]")));
    connection.deliver(
      frame(kind.call, 0, 2, (writer) => {
        writer.writeVarUint(1);
        writer.writeBytes(Buffer.from("[2]"));
      }),
    );
    await connection.next(kind.result, 2);
    expect(ran).toEqual(["echo 2"]);
  });

  test("a route counts even if its call is refused", async () => {
    const connection = await open();
    connection.deliver(
      frame(kind.call, defineRoute, 1, named("Target", "missing", "[]")),
      frame(kind.call, defineRoute, 2, named("Target", "echo", "not JSON")),
      frame(kind.call, defineRoute, 3, named("Nobody", "echo", "[]")),
    );
    for (const id of [1, 2, 3]) await connection.next(kind.fault, id);
    connection.deliver(
      frame(kind.call, 0, 4, (writer) => {
        writer.writeVarUint(2);
        writer.writeBytes(Buffer.from("[4]"));
      }),
    );
    expect((await connection.next(kind.result, 4)).body.toString()).toBe("4");
  });

  test("kinds that are unknown or reserved are skipped", async () => {
    const connection = await open();
    for (const unknown of [0, 19, 20, 21, 23, 24, 100, 255]) {
      connection.deliver(frame(unknown, 0xff, 7, (writer) => writer.writeBytes(Buffer.from("whatever"))));
    }
    await expectAlive(connection);
  });

  test("optional fields that are unknown are skipped", async () => {
    const connection = await open();
    const field = (writer: ByteWriter) => {
      writer.writeVarUint(0);
      writer.writeString("Target");
      writer.writeString("echo");
      writer.writeVarUint(9);
      for (const number of [2, 200]) {
        writer.writeUint8(number);
        writer.writeVarUint(number === 2 ? 0 : 5);
      }
      writer.writeBytes(Buffer.from("12345"));
      writer.writeBytes(Buffer.from("[5]"));
    };
    connection.deliver(frame(kind.call, withFields, 1, field));
    expect((await connection.next(kind.result, 1)).body.toString()).toBe("5");
  });

  test("ping is answered with its id", async () => {
    const connection = await open();
    connection.deliver(frame(kind.ping, 0, 77));
    expect((await connection.next(kind.pong)).id).toBe(77);
  });

  test("what names nothing is passed over: late cancels, releases, signals, results", async () => {
    const connection = await open();
    const release = (writer: ByteWriter) => {
      writer.writeString("~AAAAAAAAAAAAAAAAAAAAAA");
      writer.writeVarUint(5);
    };
    connection.deliver(
      frame(kind.cancel, 0, 5),
      frame(kind.release, 0, 0, release),
      frame(kind.signal, 1, 9),
      frame(kind.signal, 0, 9),
      frame(kind.pong, 0, 0),
    );
    await expectAlive(connection);
  });

  test("fragments are put together: body, then attachments", async () => {
    const connection = await open();
    connection.deliver(frame(kind.call, inSegments, 1, named("Target", "echo", "")));
    connection.deliver(
      frame(kind.segments, 0, 1, (writer) => {
        writer.writeVarUint(1);
        writer.writeVarUint(9);
      }),
    );
    connection.deliver(frame(kind.fragment, 0, 1, (writer) => writer.writeBytes(Buffer.from('["part'))));
    await expectAlive(connection);
    connection.deliver(frame(kind.fragment, 0, 1, (writer) => writer.writeBytes(Buffer.from('s"]'))));
    expect((await connection.next(kind.result, 1)).body.toString()).toBe('"parts"');
  });

  test("maxReassemblyBytes: arguments beyond it are refused, the call did not run, and its route counts", async () => {
    const connection = await open({ maxReassemblyBytes: 100 });
    const announce = (id: number, length: number, flags: number) => [
      frame(kind.call, inSegments | flags, id, named("Target", "echo", "")),
      frame(kind.segments, 0, id, (writer) => {
        writer.writeVarUint(1);
        writer.writeVarUint(length);
      }),
    ];
    const fragment = (id: number, text: string) =>
      frame(kind.fragment, 0, id, (writer) => writer.writeBytes(Buffer.from(text)));
    connection.deliver(...announce(1, 100, 0), ...announce(2, 5, defineRoute));
    connection.deliver(fragment(2, '["b"]'));
    const { body } = await connection.next(kind.fault, 2);
    expect(body.toString()).toContain("maxReassemblyBytes");
    // The second byte says whether the call may have run.
    expect(body[1]).toBe(0);
    connection.deliver(fragment(1, `["${"a".repeat(96)}"]`));
    await connection.next(kind.result, 1);
    connection.deliver(
      frame(kind.call, 0, 3, (writer) => {
        writer.writeVarUint(1);
        writer.writeBytes(Buffer.from("[3]"));
      }),
    );
    await connection.next(kind.result, 3);
    expect(ran).toEqual([`echo "${"a".repeat(96)}"`, "echo 3"]);
  });

  const broken: readonly (readonly [string, (connection: ScriptedConnection) => void])[] = [
    ["a second handshake", (connection) => connection.deliver(hello())],
    ["a welcome", (connection) => connection.deliver(welcome())],
    ["a refusal", (connection) => connection.deliver(frame(kind.refuse))],
    ["a fragment for no frame", (connection) => connection.deliver(frame(kind.fragment, 0, 5))],
    [
      "segments for no frame",
      (connection) => connection.deliver(frame(kind.segments, 0, 5, (writer) => writer.writeVarUint(1))),
    ],
    [
      "two frames of one id that wait for segments",
      (connection) => {
        connection.deliver(frame(kind.call, inSegments, 1, named("Target", "echo", "")));
        connection.deliver(frame(kind.call, inSegments, 1, named("Target", "echo", "")));
      },
    ],
    [
      "a call that ends in its target",
      (connection) => connection.deliver(frame(kind.call, 0, 1, (writer) => writer.writeUint8(0))),
    ],
    [
      "an undefined route",
      (connection) => connection.deliver(frame(kind.call, 0, 1, (writer) => writer.writeVarUint(4097))),
    ],
    ["pipelining, which was not agreed", (connection) => connection.deliver(echo(1, "1", 0x80))],
    [
      "a target that is too long",
      (connection) => connection.deliver(frame(kind.call, 0, 1, named("t".repeat(3073), "echo", "[]"))),
    ],
    [
      "a method that is too long",
      (connection) => connection.deliver(frame(kind.call, 0, 1, named("Target", "m".repeat(766), "[]"))),
    ],
    ["attachments without a table", (connection) => connection.deliver(echo(1, "1", withAttachments))],
    [
      "more attachments than bytes",
      (connection) =>
        connection.deliver(
          frame(kind.call, withAttachments, 1, named("Target", "echo", "\0\0\0\x01\0\0\0\x64[]")),
        ),
    ],
    [
      "fields that are longer than the frame",
      (connection) => connection.deliver(frame(kind.call, withFields, 1, named("Target", "echo", "\x7f"))),
    ],
    ["a definition, which JSON does not have", (connection) => connection.deliver(frame(kind.definition))],
    ["a frame without header", (connection) => connection.deliver(Buffer.from([0, 0, 0, 1, 4]))],
    [
      "a frame that is longer than its message",
      (connection) => connection.deliver(Buffer.concat([Buffer.from([0, 0, 1, 0, 4, 0]), Buffer.alloc(20)])),
    ],
    [
      "a message above the limit",
      (connection) =>
        connection.deliver(frame(200, 0, 0, (writer) => writer.writeBytes(Buffer.alloc(200_000)))),
    ],
    ["an unknown flag of a result", (connection) => connection.deliver(frame(kind.result, 0x01, 1))],
  ];

  test.each(broken)("%s is a breach: the connection is given up, others go on", async (_name, act) => {
    const connection = await open();
    act(connection);
    await expectGivenUp(connection);
  });

  test("an id that is in use already is a breach", async () => {
    const connection = await open();
    const block = frame(kind.call, 0, 1, named("Target", "block", "[]"));
    connection.deliver(block);
    connection.deliver(block);
    await expectGivenUp(connection);
    released();
  });

  test("an id can be used again as soon as it was answered", async () => {
    const connection = await open();
    for (let round = 0; round < 3; round++) {
      connection.deliver(echo(1, String(round)));
      expect((await connection.next(kind.result, 1)).body.toString()).toBe(String(round));
    }
  });

  test("a call cut short anywhere, in a message of its own, breaks the connection or is refused, and runs nothing wrong", async () => {
    await serve();
    const whole = echo(1, '{"a":1}');
    for (let length = 10; length < whole.length; length++) {
      const connection = transport.accept();
      connection.deliver(hello());
      const cut = Buffer.from(whole.subarray(0, length));
      cut.writeUInt32BE(length - 4, 0);
      connection.deliver(cut);
      if (connection.ended === undefined) expect((await connection.next(kind.fault)).id).toBe(1);
      else expect(connection.ended).toBe("destroyed");
    }
    expect(ran).toEqual([]);
  });

  test("arguments that are no list are refused, and the connection goes on", async () => {
    const connection = await open();
    for (const [index, args] of ["{}", "1", "null", '"text"', "", "[1", '{"$":"undefined"}'].entries()) {
      connection.deliver(frame(kind.call, 0, index, named("Target", "echo", args)));
      await connection.next(kind.fault, index);
    }
    expect(ran).toEqual([]);
    await expectAlive(connection);
  });

  describe("handshake", () => {
    test.each([
      ["another major version", hello({ major: 2 }), /version 2\.0/],
      ["an unknown formatter", hello({ formatter: "morse" }), /"morse".*json/],
      ["sinks that the server does not have", hello({ sinks: 2 }), /sink-0, sink-1/],
    ])("%s is refused with the reason", async (_name, message, reason) => {
      await serve();
      const connection = transport.accept();
      connection.deliver(message);
      const { body } = await connection.next(kind.refuse);
      expect(body.toString()).toMatch(reason);
      expect(await connection.whenEnded()).toBe("closed");
      expect(errors[0]).toBeInstanceOf(ConnectError);
    });

    test.each([
      ["a stranger", hello({ magic: 0x48545450 })],
      ["a call", echo(1, "1")],
      ["a fragment", frame(kind.fragment, 0, 1, (writer) => writer.writeUint8(1))],
      ["a welcome", welcome()],
      ["an unknown kind", frame(99)],
      [
        "a hello that is cut",
        Buffer.concat([Buffer.from([0, 0, 0, 8, 1, 0, 0, 0, 0, 0]), Buffer.from([1, 2])]),
      ],
      ["more than a stranger may send", Buffer.concat([hello(), Buffer.alloc(4096)])],
    ])("%s at first ends the connection, and the domain hears of it", async (_name, message) => {
      await serve();
      const connection = transport.accept();
      connection.deliver(message);
      await expectGivenUp(connection);
      expect(errors[0]).toBeInstanceOf(ConnectionLostError);
      expect(errors[0]).toMatchObject({ reason: "protocol" });
      expect(ran).toEqual(['echo "alive"']);
    });

    test("a later minor version is welcome", async () => {
      await serve();
      const connection = transport.accept();
      connection.deliver(hello({ minor: 9 }));
      await connection.next(kind.welcome);
      await expectAlive(connection);
    });

    test("a call in the message of the hello is served after it", async () => {
      await serve();
      const connection = transport.accept();
      connection.deliver(hello(), echo(1, "1"));
      expect((await connection.next(kind.result, 1)).body.toString()).toBe("1");
    });
  });
});

describe("the client's end", () => {
  function connect(limits: Partial<SessionLimits> = {}) {
    const connection = new ScriptedConnection();
    const domain = new RemotingDomain({ closeGrace: 0 });
    onTestFinished(() => domain.close());
    const channel = new SessionChannel(new ScriptedTransport(async () => connection), {
      formatters: [jsonFormatter()],
      limits,
    });
    domain.registerChannel(channel);
    return { domain, connection, target: domain.getObject(Target, "scripted://there") };
  }

  const result = (id: number, value: string) =>
    frame(kind.result, 0, id, (writer) => writer.writeBytes(Buffer.from(value)));

  test("says hello, and holds calls back until it is welcome", async () => {
    const { connection, target } = connect();
    const call = target.echo(1);
    const { body } = await connection.next(kind.hello);
    expect(body.toString("latin1", 0, 4)).toBe("RMTG");
    expect(body.toString()).toContain("json");
    expect(connection.sent).toEqual([]);
    connection.deliver(welcome());
    const { id } = await connection.next(kind.call);
    connection.deliver(result(id, "5"));
    expect(await call).toBe(5);
  });

  test("half of the calls that are under way leave at once, the others at the end of the turn", async () => {
    const { connection, target } = connect();
    const call = target.echo(0);
    await connection.next(kind.hello);
    connection.deliver(welcome());
    connection.deliver(result((await connection.next(kind.call)).id, "0"));
    await call;

    const calls: Promise<unknown>[] = [];
    const left = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((value) => {
      calls.push(target.echo(value));
      return connection.sent.length;
    });
    expect(left).toEqual([0, 0, 0, 4, 4, 4, 4, 8, 8]);
    for (const call of calls) {
      connection.deliver(result((await connection.next(kind.call)).id, '"done"'));
      expect(await call).toBe("done");
    }
  });

  test("where sending is cheap one call leaves at once, unless it may be taken back in this turn", async () => {
    const { connection, domain, target } = connect();
    const call = target.echo(0);
    await connection.next(kind.hello);
    connection.deliver(welcome());
    connection.deliver(result((await connection.next(kind.call)).id, "0"));
    await call;
    connection.sendsCheaply = true;

    const { signal } = new AbortController();
    const revocable = domain.withOptions(target, { signal }).echo("revocable");
    expect(connection.sent).toEqual([]);
    connection.deliver(result((await connection.next(kind.call)).id, '"done"'));
    expect(await revocable).toBe("done");

    const calls: Promise<unknown>[] = [];
    const left = [1, 2, 3, 4, 5].map((value) => {
      calls.push(target.echo(value));
      return connection.sent.length;
    });
    expect(left).toEqual([1, 2, 2, 2, 2]);
    for (const call of calls) {
      connection.deliver(result((await connection.next(kind.call)).id, '"done"'));
      expect(await call).toBe("done");
    }
  });

  /** So many calls under way that one more is far from being half of them; with the numbers that they have. */
  async function connectBusy(sendsCheaply = false) {
    const { connection, target } = connect();
    connection.sendsCheaply = sendsCheaply;
    const calls = Array.from({ length: 16 }, (_, value) => target.echo(value));
    await connection.next(kind.hello);
    connection.deliver(welcome());
    const ids: number[] = [];
    for (const _ of calls) ids.push((await connection.next(kind.call)).id);
    return { connection, target, calls, ids };
  }

  test("what was gathered leaves, once, when the transport is about to wait before the turn is over", async () => {
    const { connection, target, calls, ids } = await connectBusy();
    const flush = vi.spyOn(connection, "flush");
    connection.handler?.onWait?.();
    expect(flush).not.toHaveBeenCalled();
    calls.push(target.echo("gathered"));
    expect(connection.sent).toEqual([]);
    connection.handler?.onWait?.();
    ids.push((await connection.next(kind.call)).id);
    await new Promise((resolve) => setImmediate(resolve));
    expect(flush).toHaveBeenCalledTimes(1);
    for (const id of ids) connection.deliver(result(id, '"done"'));
    expect(await Promise.all(calls)).toEqual(calls.map(() => "done"));
  });

  test.each([
    { sendsCheaply: false, left: [0, 0, 0, 0, 0, 6] },
    { sendsCheaply: true, left: [0, 0, 3, 3, 3, 6] },
  ])(
    "a full batch leaves at once, sooner where sending is cheap: $sendsCheaply",
    async ({ sendsCheaply, left }) => {
      const { connection, target, calls, ids } = await connectBusy(sendsCheaply);
      const kilobytes = "x".repeat(1400);
      for (const expected of left) {
        calls.push(target.echo(kilobytes));
        expect(connection.sent.length).toBe(expected);
      }
      for (const _ of left) ids.push((await connection.next(kind.call)).id);
      for (const id of ids) connection.deliver(result(id, '"done"'));
      expect(await Promise.all(calls)).toEqual(calls.map(() => "done"));
    },
  );

  test("late, unknown and repeated answers are passed over", async () => {
    const { domain, connection, target } = connect();
    const controller = new AbortController();
    const cancelled = domain.withOptions(target, { signal: controller.signal }).echo(1);
    await connection.next(kind.hello);
    connection.deliver(welcome());
    const { id } = await connection.next(kind.call);
    controller.abort();
    await expect(cancelled).rejects.toMatchObject({ name: "AbortError", mayHaveExecuted: true });
    expect((await connection.next(kind.cancel)).id).toBe(id);

    const call = target.echo(2);
    const { id: second } = await connection.next(kind.call);
    expect(second).not.toBe(id);
    const fault = (writer: ByteWriter) => {
      writer.writeUint8(0);
      writer.writeUint8(0);
      writer.writeString("late");
      writer.writeString("");
    };
    connection.deliver(
      result(id, '"late"'),
      result(12_345, "1"),
      result(0, "1"),
      frame(kind.fault, 0, id, fault),
    );
    connection.deliver(result(second, "2"), result(second, "3"));
    expect(await call).toBe(2);
    expect(connection.ended).toBeUndefined();
  });

  test("an answer that cannot be understood fails its call, which has run, and no other", async () => {
    const { connection, target } = connect();
    const calls = [target.echo(1), target.echo(2)];
    await connection.next(kind.hello);
    connection.deliver(welcome());
    const ids = [(await connection.next(kind.call)).id, (await connection.next(kind.call)).id] as const;
    connection.deliver(result(ids[0], "{"), result(ids[1], "2"));
    await expect(calls[0]).rejects.toMatchObject({ code: "ERR_SERIALIZATION", mayHaveExecuted: true });
    expect(await calls[1]).toBe(2);
  });

  test.each([0, 1, 5, 9, 200])(
    "a fault of number %i is an error of ours, whatever the number",
    async (number) => {
      const { connection, target } = connect();
      const call = target.echo(1);
      await connection.next(kind.hello);
      connection.deliver(welcome());
      const { id } = await connection.next(kind.call);
      connection.deliver(
        frame(kind.fault, 0, id, (writer) => {
          writer.writeUint8(number);
          writer.writeUint8(0);
          writer.writeString("the reason");
          writer.writeString("");
        }),
      );
      await expect(call).rejects.toMatchObject({ message: "the reason", mayHaveExecuted: false });
    },
  );

  test.each([
    ["another answer than welcome", frame(kind.result, 0, 1)],
    [
      "a welcome of another version",
      (() => {
        const bytes = welcome();
        bytes[14] = 7;
        return bytes;
      })(),
    ],
    [
      "a stranger's",
      (() => {
        const bytes = welcome();
        bytes.write("HTTP", 10);
        return bytes;
      })(),
    ],
  ])("%s fails the calls with ConnectError: they were not sent", async (_name, answer) => {
    const { connection, target } = connect();
    const call = target.echo(1);
    await connection.next(kind.hello);
    connection.deliver(answer);
    await expect(call).rejects.toThrow(ConnectError);
    await expect(call).rejects.toMatchObject({ mayHaveExecuted: false });
    expect(connection.sent).toEqual([]);
  });

  test("when the peer breaks the protocol, all calls fail at once and may have run", async () => {
    const { connection, target } = connect();
    const calls = [target.echo(1), target.echo(2)];
    await connection.next(kind.hello);
    connection.deliver(welcome());
    await connection.next(kind.call);
    connection.deliver(frame(kind.fragment, 1, 5));
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toMatchObject({
        status: "rejected",
        reason: { code: "ERR_CONNECTION_LOST", reason: "protocol", mayHaveExecuted: true },
      });
    }
    expect(connection.ended).toBe("destroyed");
  });

  test("a peer that reads too slowly is given up", async () => {
    const { connection, target } = connect({ maxQueuedBytes: 1000, writeTimeout: 200 });
    const call = target.echo(1);
    await connection.next(kind.hello);
    connection.deliver(welcome());
    await connection.next(kind.call);
    connection.queuedBytes = 1001;
    const late = target.echo(2);
    for (const outcome of await Promise.allSettled([call, late])) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { reason: "slow-reader" } });
    }
  });

  describe("with a clock that the test moves", () => {
    beforeEach(() => {
      fakeTimers(["setTimeout", "clearTimeout", "setInterval", "clearInterval"]);
    });
    afterEach(() => {
      vi.useRealTimers();
      vi.restoreAllMocks();
    });

    test("a peer that does not answer the hello in time", async () => {
      const { connection, target } = connect({ handshakeTimeout: 500 });
      const call = target.echo(1);
      const failed = expect(call).rejects.toThrow(ConnectError);
      await connection.next(kind.hello);
      vi.advanceTimersByTime(499);
      expect(connection.ended).toBeUndefined();
      vi.advanceTimersByTime(1);
      await failed;
      expect(connection.ended).toBe("destroyed");
    });

    test("a peer that falls silent is asked, then given up; any byte shows that it lives", async () => {
      const { connection, target } = connect({ pingInterval: 1000, pingTimeout: 400 });
      const call = target.echo(1);
      const failed = expect(call).rejects.toMatchObject({ reason: "unresponsive", mayHaveExecuted: true });
      await connection.next(kind.hello);
      connection.deliver(welcome());
      await connection.next(kind.call);
      for (let round = 0; round < 3; round++) {
        vi.advanceTimersByTime(1100);
        await connection.next(kind.ping);
        connection.deliver(round === 1 ? frame(kind.pong) : frame(250));
      }
      expect(connection.ended).toBeUndefined();
      vi.advanceTimersByTime(1800);
      await failed;
      expect(connection.ended).toBe("destroyed");
    });

    test("a call that is not answered in time, and the peer is told", async () => {
      const { domain, connection, target } = connect();
      const call = domain.withOptions(target, { timeout: 300 }).echo(1);
      const failed = expect(call).rejects.toThrow(RemotingTimeoutError);
      await connection.next(kind.hello);
      connection.deliver(welcome());
      const { id } = await connection.next(kind.call);
      vi.advanceTimersByTime(299);
      expect(connection.sent).toEqual([]);
      vi.advanceTimersByTime(2);
      await failed;
      expect((await connection.next(kind.cancel)).id).toBe(id);
    });

    test("30 seconds if nobody says otherwise", async () => {
      const { connection, target } = connect();
      const call = target.echo(1);
      let settled = false;
      const failed = call.catch((error: unknown) => {
        settled = true;
        return error;
      });
      await connection.next(kind.hello);
      connection.deliver(welcome());
      await connection.next(kind.call);
      vi.advanceTimersByTime(29_999);
      await Promise.resolve();
      expect(settled).toBe(false);
      vi.advanceTimersByTime(2);
      expect(await failed).toBeInstanceOf(RemotingTimeoutError);
    });
  });
});
