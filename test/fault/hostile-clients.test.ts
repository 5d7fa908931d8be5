/**
 * Strangers and enemies at a real server, beside a client that behaves: each gets a typed answer or loses its
 * connection, and nobody else notices.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { printFigures } from "./figures.ts";
import {
  call,
  emptyArguments,
  fault,
  flag,
  fragment,
  frame,
  hello,
  kind,
  message,
  packedArray,
  packedNumber,
  packedTagged,
  packedText,
  readFault,
  segmentedCall,
  segments,
  text,
  uint32,
  varUint,
  welcome,
} from "./frames.ts";
import { GoodClient } from "./good-client.ts";
import { createRandom } from "./random.ts";
import { RawPeer } from "./raw-peer.ts";
import { Journal, ServerProcess } from "./server-process.ts";

const mebibyte = 1024 * 1024;
/** What the server may have in use after an attack that it had not before. */
const allowedGrowth = 8 * mebibyte;
/** Long enough for those who mean to shake hands, on a busy machine too. */
const handshakeTimeout = 3_000;

let journal: Journal;
let server: ServerProcess;
let good: GoodClient;
let prototypes: string;
let attacks = 0;
let worstGrowth = 0;

beforeAll(async () => {
  journal = await Journal.create();
  server = await ServerProcess.start({ journal: journal.path, limits: { handshakeTimeout } });
  await server.listen();
  good = await GoodClient.start(server.url);
  ({ prototypes } = await good.vitals());
});

afterAll(async () => {
  await good?.expectUnaffected();
  printFigures("hostile clients", {
    attacks,
    "worst growth MiB": worstGrowth / mebibyte,
    "good client's calls": good.calls,
    "its slowest ms": good.slowest,
  });
  await good?.close();
  await server?.stop();
  await journal?.remove();
});

/** Runs an attack, and sees whether the server and the good client are as they were. */
async function attack(run: () => Promise<void>): Promise<void> {
  const before = await good.vitals();
  await run();
  await good.expectUnaffected();
  const { after } = await good.returnsTo(before, allowedGrowth);
  worstGrowth = Math.max(worstGrowth, after.usedBytes - before.usedBytes);
  attacks++;
  expect(after.prototypes).toBe(prototypes);
}

/** An attack with bytes, after which the server has to end the connection. */
function endsConnection(name: string, bytes: () => Uint8Array, afterHandshake = true): void {
  test(name, async () => {
    await attack(async () => {
      const peer = afterHandshake ? await RawPeer.open(server.port) : await RawPeer.connect(server.port);
      try {
        await peer.write(bytes());
        await peer.expectClosed();
      } finally {
        await peer.close();
      }
    });
  });
}

/** An attack with frames, after which the connection has to go on. */
function leavesConnection(name: string, run: (peer: RawPeer) => Promise<void>, formatter = "msgpack"): void {
  test(name, async () => {
    await attack(async () => {
      const peer = await RawPeer.open(server.port, { formatter });
      try {
        await run(peer);
        await peer.expectOpen();
      } finally {
        await peer.close();
      }
    });
  });
}

/** Demands that the call is refused: the answer is a fault with this code, and the method did not run. */
async function expectRefused(peer: RawPeer, id: number, ...codes: readonly number[]): Promise<void> {
  const refusal = readFault(await peer.next(kind.fault, id));
  expect(codes, refusal.message).toContain(refusal.code);
  expect(refusal.mayHaveExecuted, refusal.message).toBe(false);
}

describe("strangers", () => {
  endsConnection("HTTP GET", () => Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), false);
  endsConnection(
    "HTTP POST",
    () => Buffer.from(`POST /Target HTTP/1.1\r\nContent-Length: 5000\r\n\r\n${"x".repeat(5000)}`),
    false,
  );
  endsConnection(
    "TLS hello",
    () => Buffer.concat([Buffer.from("16030100c8010000c40303", "hex"), Buffer.alloc(192, 0x5a)]),
    false,
  );
  endsConnection("a message longer than a handshake may be", () => uint32(4097), false);
  endsConnection("a length of zero", () => uint32(0), false);
  endsConnection("the largest length", () => uint32(0xffff_ffff), false);
  endsConnection("another magic number", () => message([hello({ magic: 0x12345678 })]), false);
  endsConnection(
    "a call before the handshake",
    () => message([call(1, "Target", "echo", emptyArguments)]),
    false,
  );
  endsConnection("an unknown kind before the handshake", () => message([frame(200, 0, 0)]), false);
  endsConnection("a fragment before the handshake", () => message([fragment(1, Buffer.alloc(8))]), false);
  endsConnection("a server's welcome", () => message([welcome()]), false);
  endsConnection("a handshake that ends too early", () => message([hello().subarray(0, 20)]), false);
  endsConnection(
    "a handshake with a hundred sinks",
    () => message([hello({ sinks: Array.from({ length: 100 }, () => "x") })]),
    false,
  );

  test("nothing at all, and a byte now and then: the handshake's time is over", async () => {
    await attack(async () => {
      const started = performance.now();
      const silent = await Promise.all(Array.from({ length: 100 }, () => RawPeer.connect(server.port)));
      const slow = await RawPeer.connect(server.port);
      const bytes = message([hello()]);
      const trickle = setInterval(() => slow.socket.write(bytes.subarray(0, 1)), handshakeTimeout / 10);
      try {
        await Promise.all([...silent, slow].map((peer) => peer.expectClosed()));
      } finally {
        clearInterval(trickle);
      }
      expect(performance.now() - started).toBeGreaterThan(handshakeTimeout / 2);
    });
  });

  test("random bytes, 300 times", async () => {
    const random = createRandom(99);
    await attack(async () => {
      for (let index = 0; index < 300; index++) {
        const peer = await RawPeer.connect(server.port);
        const bytes = Buffer.from(Array.from({ length: 1 + random(2_000) }, () => random(256)));
        // Every other one with a length that can be believed.
        if (index % 2 === 0 && bytes.length > 4) bytes.writeUInt32BE(bytes.length - 4);
        peer.socket.end(bytes);
        await peer.expectClosed();
      }
    });
  });

  test.each([
    ["another version", { major: 7, minor: 3 }, [/7\.3/, /1\.0/]],
    ["an unknown formatter", { formatter: "constructor" }, [/"constructor"/, /msgpack/]],
    ["sinks that the server does not have", { sinks: ["compression"] }, [/\[compression\]/]],
  ] as const)("%s: refused with the reason", async (_name, options, reasons) => {
    await attack(async () => {
      const peer = await RawPeer.connect(server.port);
      peer.send(hello(options));
      const refusal = readFault(await peer.next(kind.refuse));
      expect(refusal.code).toBe(fault.connect);
      for (const reason of reasons) expect(refusal.message).toMatch(reason);
      await peer.expectClosed();
    });
  });
});

describe("frames that cannot be trusted end the connection", () => {
  endsConnection("a length of zero", () => uint32(0));
  endsConnection("the largest length", () => uint32(0xffff_ffff));
  endsConnection("a second handshake", () => message([hello()]));
  endsConnection("a welcome", () => message([welcome()]));
  endsConnection("a refusal", () => message([frame(kind.refuse, 0, 0, Buffer.from([0, 0, 0, 0]))]));
  endsConnection("a frame longer than its message", () =>
    message([frame(kind.ping, 0, 1, Buffer.alloc(0), 7)]),
  );
  endsConnection("a frame shorter than its header", () =>
    message([frame(kind.ping, 0, 1, Buffer.alloc(0), 5)]),
  );
  endsConnection("a frame of length zero", () => message([frame(kind.ping, 0, 1, Buffer.alloc(0), 0)]));
  endsConnection("a frame of the largest length", () =>
    message([frame(kind.ping, 0, 1, Buffer.alloc(0), 0xffff_ffff)]),
  );
  endsConnection("a message that ends in a frame's header", () =>
    message([frame(kind.ping, 0, 1), Buffer.alloc(9)]),
  );
  endsConnection("a call without a target", () => message([frame(kind.call, 0, 1)]));
  endsConnection("a target longer than it is", () =>
    message([frame(kind.call, 0, 1, Buffer.concat([varUint(0), varUint(500), Buffer.from("Target")]))]),
  );
  endsConnection("a target of 4,000 bytes", () => message([call(1, "x".repeat(4000), "echo")]));
  endsConnection("a method of 4,000 bytes", () => message([call(1, "Target", "x".repeat(4000))]));
  endsConnection("an integer that does not end", () =>
    message([frame(kind.call, 0, 1, Buffer.alloc(12, 0xff))]),
  );
  endsConnection("a route that was never defined", () =>
    message([frame(kind.call, 0, 1, Buffer.concat([varUint(1), emptyArguments]))]),
  );
  endsConnection("more routes than can be remembered", () =>
    Buffer.concat(
      Array.from({ length: 4097 }, (_, index) =>
        message([call(index + 1, `Nobody${index}`, "echo", emptyArguments, flag.defineRoute | flag.oneWay)]),
      ),
    ),
  );
  endsConnection("pipelining", () => message([call(1, "Target", "echo", emptyArguments, flag.pipelined)]));
  endsConnection("fields longer than the frame", () =>
    message([call(1, "Target", "echo", varUint(1000), flag.fields)]),
  );
  endsConnection("fields longer than they say", () =>
    message([
      call(1, "Target", "echo", Buffer.concat([varUint(2), Buffer.from([9, 5, 1, 2, 3, 4, 5])]), flag.fields),
    ]),
  );
  endsConnection("a million attachments in a small frame", () =>
    message([
      call(1, "Target", "echo", Buffer.concat([uint32(1_000_000), emptyArguments]), flag.attachments),
    ]),
  );
  endsConnection("attachments longer than the frame", () =>
    message([
      call(
        1,
        "Target",
        "echo",
        Buffer.concat([uint32(1), uint32(0xffff_ffff), emptyArguments]),
        flag.attachments,
      ),
    ]),
  );
  endsConnection("two running calls with one id", () =>
    message([
      call(7, "Target", "block", packedArray(packedNumber(1))),
      call(7, "Target", "block", packedArray(packedNumber(2))),
    ]),
  );
  endsConnection("two frames of one id that wait for their segments", () =>
    message([segmentedCall(7, "Target", "echo"), segmentedCall(7, "Target", "echo")]),
  );
  endsConnection("a fragment that was not announced", () => message([fragment(7, Buffer.alloc(10))]));
  endsConnection("a fragment of a frame that did not announce it yet", () =>
    message([segmentedCall(7, "Target", "echo"), fragment(7, Buffer.alloc(10))]),
  );
  endsConnection("segments of no frame", () => message([segments(7, [10])]));
  endsConnection("segments that are announced twice", () =>
    message([segmentedCall(7, "Target", "echo"), segments(7, [10]), segments(7, [10])]),
  );
  endsConnection("no segments", () => message([segmentedCall(7, "Target", "echo"), segments(7, [])]));
  endsConnection("more segments than there are lengths", () =>
    message([segmentedCall(7, "Target", "echo"), frame(kind.segments, 0, 7, varUint(60_000))]),
  );
  endsConnection("a fragment longer than was announced", () =>
    message([segmentedCall(7, "Target", "echo"), segments(7, [10]), fragment(7, Buffer.alloc(11))]),
  );
  endsConnection("a definition with a forbidden name", () =>
    message([frame(kind.definition, 0, 0, Buffer.from("0\nname __proto__"))]),
  );
  endsConnection("a definition out of turn", () =>
    message([frame(kind.definition, 0, 0, Buffer.from("5\nname"))]),
  );
  endsConnection("a definition with the same name twice", () =>
    message([frame(kind.definition, 0, 0, Buffer.from("0\nname name"))]),
  );
  endsConnection("more shapes than can be remembered", () =>
    Buffer.concat(
      Array.from({ length: 1025 }, (_, index) =>
        message([frame(kind.definition, 0, 0, Buffer.from(`${index}\nname${index}`))]),
      ),
    ),
  );
  endsConnection("a release that ends too early", () => message([frame(kind.release, 0, 0)]));
  endsConnection("a return with unknown flags", () => message([frame(kind.result, 0x01, 1)]));

  test("cut off in the middle of a frame", async () => {
    await attack(async () => {
      const bytes = message([call(1, "Target", "echo", packedArray(packedText("never read")))]);
      for (let length = 0; length < bytes.length; length++) {
        const peer = await RawPeer.open(server.port);
        peer.socket.end(bytes.subarray(0, length));
        await peer.expectClosed();
        expect(peer.received.filter((received) => received.kind !== kind.welcome)).toEqual([]);
      }
    });
  });
});

describe("what means nothing is passed over", () => {
  leavesConnection("unknown kinds", async (peer) => {
    for (let unknown = 18; unknown < 256; unknown++) {
      if (unknown !== kind.authenticate) peer.send(frame(unknown, 0xff, 1, Buffer.alloc(20, 0xff)));
    }
    peer.send(frame(0, 0, 0));
    await Promise.resolve();
  });

  leavesConnection("answers to calls that nobody made", async (peer) => {
    for (const id of [0, 1, 0x10000, 0x7fff_ffff, 0xffff_ffff]) {
      peer.send(frame(kind.result, 0, id, emptyArguments));
      peer.send(frame(kind.thrown, 0, id, emptyArguments));
      peer.send(
        frame(kind.fault, 0, id, Buffer.concat([Buffer.from([200, 1]), text("text"), text("detail")])),
      );
      peer.send(frame(kind.cancel, 0, id));
      peer.send(frame(kind.signal, 1, id));
    }
    peer.send(frame(kind.release, 0, 0, Buffer.concat([text("~unknown"), varUint(0xffff_ffff)])));
    await Promise.resolve();
  });

  leavesConnection("10,000 pings, of which one in each message is answered", async (peer) => {
    for (let id = 0; id < 10_000; id += 1_000) {
      peer.send(...Array.from({ length: 1_000 }, (_, index) => frame(kind.ping, 0, id + index)));
    }
    for (let id = 999; id < 10_000; id += 1_000) expect((await peer.next(kind.pong)).id).toBe(id);
  });

  leavesConnection("a going away that is not followed by one", async (peer) => {
    peer.send(frame(kind.goAway, 0, 0));
    peer.send(call(1, "Target", "echo", packedArray(packedNumber(1))));
    await peer.next(kind.result, 1);
  });
});

const inheritedNames = [
  ...new Set([
    ...Object.getOwnPropertyNames(Object.prototype),
    ...Object.getOwnPropertyNames(Function.prototype),
    ...Object.getOwnPropertyNames(Promise.prototype),
    ...Object.getOwnPropertyNames(Array.prototype),
    "prototype",
    "toJSON",
    "initializeLifetimeService",
    "dispose",
    "asyncDispose",
    "Symbol.dispose",
    "kept",
    "#kept",
    "_private",
    "ECHO",
    "echo\0",
    "echo.call",
    "",
    " ",
    "\u202eecho",
  ]),
];

describe("names", () => {
  const allowed = new Set(["echo", "keep", "sum", "fail"]);

  leavesConnection(
    `${inheritedNames.length} names as methods of everything that is published`,
    async (peer) => {
      let id = 0;
      for (const target of ["Target", "Adder"]) {
        for (const name of inheritedNames.filter((candidate) => !allowed.has(candidate))) {
          peer.send(call(++id, target, name, packedArray(packedText("__proto__"), packedText("polluted"))));
          await expectRefused(peer, id, fault.methodNotFound);
        }
      }
    },
  );

  leavesConnection("as targets, and as types to be activated", async (peer) => {
    let id = 0;
    const targets = [
      ...inheritedNames,
      "Child",
      "fault.Point",
      "node:fs",
      "child_process",
      "../contract.ts",
      "file:///etc/passwd",
      "Target/constructor",
      "~",
      `~${"A".repeat(22)}`,
    ];
    for (const target of targets) {
      peer.send(call(++id, target, "echo"));
      await expectRefused(peer, id, fault.serviceNotFound, fault.objectDisconnected);
      for (const method of ["", "constructor"]) {
        peer.send(call(++id, target, method, emptyArguments, flag.construct));
        await expectRefused(peer, id, fault.serviceNotFound);
      }
    }
    // What is published is not what can be activated.
    for (const target of ["Target", "Adder"]) {
      peer.send(call(++id, target, "", emptyArguments, flag.construct));
      await expectRefused(peer, id, fault.serviceNotFound);
    }
  });

  leavesConnection("100,000 guessed ids and 1,000 ids of another's, all get one answer", async (peer) => {
    const random = createRandom(5);
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const guess = () => `~${Array.from({ length: 22 }, () => alphabet[random(64)]).join("")}`;
    // What another client has been lent as an argument, by this server's own hand, belongs to that client's connection.
    const owner = await RawPeer.open(server.port);
    const known = new Set<string>();
    const count = 1_000;
    for (let id = 1; id <= count; id++) {
      // A function of the owner's that is called with a function of the server's.
      owner.send(
        call(id, "Target", "lendTo", packedArray(packedTagged(Buffer.from([9]), packedText(`~owner${id}`)))),
      );
    }
    for (let id = 1; id <= count; id++) {
      const { body } = await owner.next(kind.call);
      for (const [found] of body.toString("latin1").matchAll(/~[\w-]{22}/g)) known.add(found);
    }
    expect(known.size).toBe(count);
    const real = [...known];
    const answers = new Set<string>();
    let answered = 0;
    const perMessage = 500;
    for (let first = 0; first < 101_000; first += perMessage) {
      const frames = Array.from({ length: perMessage }, (_, index) =>
        call(first + index, (index % 100 === 0 && real.pop()) || guess(), ""),
      );
      peer.send(...frames);
      await peer.expectOpen();
      for (const answer of peer.received.splice(0)) {
        answered++;
        expect(answer.kind).toBe(kind.fault);
        answers.add(answer.body.toString("latin1"));
      }
    }
    expect(real).toEqual([]);
    expect(answered).toBe(101_000);
    expect(answers.size).toBe(1);
    expect([...answers].join()).not.toContain("~");
    // Its holder can use it.
    const [mine = ""] = known;
    owner.send(call(9_999, mine, ""));
    await owner.next(kind.result, 9_999);
    await owner.close();
  });
});

/** Calls of `echo` whose payload does not decode. */
describe("payloads", () => {
  const arrayHeader = Buffer.from([0x91]);
  const counts = [1_000_000, 30_000_000, 0x7fff_ffff, 0xffff_ffff];

  leavesConnection("two values that are said to have one attachment", async (peer) => {
    const attachment = Buffer.alloc(32_000, 7);
    // Of each kind: 0 is a Buffer, 1 a Uint8Array, …, and 12 an ArrayBuffer.
    for (const kindOfBinary of [0, 1, 12]) {
      const value = packedTagged(Buffer.from([5]), Buffer.from([kindOfBinary]), Buffer.from([0]));
      const of = (values: Uint8Array) =>
        Buffer.concat([uint32(1), uint32(attachment.length), values, attachment]);
      peer.send(call(1, "Target", "echo", of(packedArray(packedArray(value, value))), flag.attachments));
      await expectRefused(peer, 1, fault.serialization);
      peer.send(call(2, "Target", "echo", of(packedArray(value)), flag.attachments));
      await peer.next(kind.result, 2);
    }
  });

  leavesConnection("counts far beyond what is there", async (peer) => {
    const { peakBytes } = await good.target.vitals();
    let id = 0;
    for (const token of [0xdd, 0xdf, 0xdb, 0xc6, 0xc9]) {
      for (const count of counts) {
        for (const prefix of [Buffer.alloc(0), arrayHeader]) {
          peer.send(
            call(++id, "Target", "echo", Buffer.concat([prefix, Buffer.from([token]), uint32(count)])),
          );
          await expectRefused(peer, id, fault.serialization, fault.limitExceeded);
        }
      }
    }
    const after = await good.target.vitals();
    expect(after.peakBytes - peakBytes).toBeLessThan(allowedGrowth);
  });

  leavesConnection("every token and every extension", async (peer) => {
    let id = 0;
    for (let token = 0; token < 256; token++) {
      for (const rest of ["", "00", "0000", "ff", "ffffffffff", "5400", "540091c0", "7400a0", "01a161"]) {
        id++;
        peer.send(
          call(id, "Target", "echo", Buffer.concat([Buffer.from([0x91, token]), Buffer.from(rest, "hex")])),
        );
      }
    }
    for (let type = 0; type < 256; type++) {
      for (const token of [0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xc7, 0xc8, 0xc9]) {
        id++;
        const content = [0x91, token, type, 0, 0x91, 0xa1, 0x61, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        peer.send(call(id, "Target", "echo", Buffer.from(content)));
      }
    }
    await peer.expectOpen();
    const answers = peer.received.filter((received) => received.kind !== kind.pong);
    expect(new Set(answers.map((answer) => answer.id)).size).toBe(id);
    expect(answers.length).toBe(id);
  });

  leavesConnection("nested deeper than is allowed, up to a million levels", async (peer) => {
    let id = 0;
    for (const depth of [65, 70, 1_000, 60_000]) {
      peer.send(
        call(++id, "Target", "echo", Buffer.concat([Buffer.alloc(depth, 0x91), Buffer.from([0xc0])])),
      );
      await expectRefused(peer, id, fault.limitExceeded);
    }
    for (const opening of [0x91, 0x81]) {
      const levels = Buffer.alloc(1_000_000, opening);
      peer.send(segmentedCall(++id, "Target", "echo"), segments(id, [levels.length]));
      for (let at = 0; at < levels.length; at += 50_000)
        peer.send(fragment(id, levels.subarray(at, at + 50_000)));
      await expectRefused(peer, id, fault.limitExceeded, fault.serialization);
    }
  });

  leavesConnection(
    "JSON that is none, is too deep, or has forbidden keys",
    async (peer) => {
      const payloads: readonly (readonly [text: string, code: number])[] = [
        ["", fault.serialization],
        ["[", fault.serialization],
        ["{}", fault.serialization],
        ["[1]]", fault.serialization],
        ['[{"__proto__":{"polluted":1}}]', fault.serialization],
        ['[{"$":[]}]', fault.serialization],
        ['[{"$":"eval"}]', fault.serialization],
        ['[{"$":["constructor"]}]', fault.serialization],
        ['[{"$":{"b":5}}]', fault.serialization],
        [`${"[".repeat(60_000)}`, fault.limitExceeded],
        [`${"]".repeat(30_000)}${"[".repeat(30_000)}`, fault.serialization],
        [`${'{"a":'.repeat(10_000)}`, fault.limitExceeded],
        [`[${"9".repeat(60_000)}n]`, fault.serialization],
        ['["\\ud800', fault.serialization],
      ];
      for (const [index, [content, code]] of payloads.entries()) {
        peer.send(call(index + 1, "Target", "echo", Buffer.from(content)));
        await expectRefused(peer, index + 1, code);
      }
    },
    "json",
  );

  leavesConnection("an attachment that is not there, and tags of every form", async (peer) => {
    const one = Buffer.from([1]);
    const text1 = packedText("x");
    const values: Buffer[] = [];
    for (let tag = 0; tag < 20; tag++) {
      const number = Buffer.from([tag]);
      for (const rest of [
        [],
        [one],
        [text1],
        [text1, text1],
        [packedNumber(99), packedNumber(4_000_000_000)],
        [packedText("toString"), Buffer.from([0x80])],
        [packedText("fault.Point"), packedText("x")],
        [packedText("Error"), packedText("message"), packedText("no object")],
      ]) {
        values.push(packedTagged(number, ...rest));
      }
    }
    for (const [index, value] of values.entries()) {
      peer.send(call(index + 1, "Target", "echo", packedArray(value)));
    }
    await peer.expectOpen();
    const answered = peer.received.filter(
      ({ kind: received }) => received === kind.result || received === kind.fault,
    );
    expect(answered.length).toBe(values.length);
    for (const refused of answered.filter((answer) => answer.kind === kind.fault)) {
      expect(readFault(refused).code).toBe(fault.serialization);
    }
  });
});

describe("masses", () => {
  leavesConnection("16 MiB in a million pieces", async (peer) => {
    const { peakBytes } = await good.target.vitals();
    const pieces = 1_000_000;
    const size = 16;
    peer.send(segmentedCall(1, "Target", "sum"), segments(1, [packedSum.length, pieces * size]));
    peer.send(fragment(1, packedSum));
    const perWrite = 2_000;
    const piece = message([fragment(1, Buffer.alloc(size, 1))]);
    const bytes = Buffer.concat(Array.from({ length: perWrite }, () => piece));
    for (let sent = 0; sent < pieces; sent += perWrite) await peer.write(bytes);
    const { body } = await peer.next(kind.result, 1);
    expect(body).toEqual(packedNumber(pieces * size));
    const after = await good.target.vitals();
    expect(after.peakBytes - peakBytes).toBeLessThan(64 * mebibyte);
  });

  leavesConnection("a message that comes byte by byte", async (peer) => {
    const bytes = message([call(1, "Target", "echo", packedArray(packedText("y".repeat(20_000))))]);
    for (const byte of bytes) await peer.write(Buffer.of(byte));
    await peer.next(kind.result, 1);
  });

  leavesConnection("more than 16 MiB are refused without being kept", async (peer) => {
    const { peakBytes } = await good.target.vitals();
    const size = 17 * mebibyte;
    peer.send(segmentedCall(1, "Target", "sum"), segments(1, [size]));
    const piece = message([fragment(1, Buffer.alloc(60_000))]);
    let left = size;
    for (; left > 60_000; left -= 60_000) await peer.write(piece);
    peer.send(fragment(1, Buffer.alloc(left)));
    await expectRefused(peer, 1, fault.limitExceeded);
    const after = await good.target.vitals();
    expect(after.peakBytes - peakBytes).toBeLessThan(allowedGrowth);
  });

  leavesConnection("10,000 calls that are cancelled at once hold no more than 1,024 places", async (peer) => {
    const count = 10_000;
    for (let id = 1; id <= count; id++) {
      peer.send(
        call(id, "Target", "block", packedArray(packedNumber(1_000_000 + id))),
        frame(kind.cancel, 0, id),
      );
    }
    await peer.expectOpen();
    const refused = peer.received.filter((received) => received.kind === kind.fault);
    expect(refused.length).toBe(count - 1024);
    for (const refusal of refused) expect(readFault(refusal).code).toBe(fault.limitExceeded);
    // They were told, and do not listen: so their places stay taken until they really end.
    peer.send(call(count + 1, "Target", "echo"));
    await expectRefused(peer, count + 1, fault.limitExceeded);
    for (let id = 1; id <= 1024; id++) await good.target.release(1_000_000 + id);
    await peer.expectOpen();
    peer.send(call(count + 2, "Target", "echo"));
    await peer.next(kind.result, count + 2);
  });

  test("1,000 connections that come and go, half of them by a reset", async () => {
    await attack(async () => {
      for (let round = 0; round < 20; round++) {
        const peers = await Promise.all(Array.from({ length: 50 }, () => RawPeer.open(server.port)));
        for (const [index, peer] of peers.entries()) {
          peer.send(call(1, "Target", "block", packedArray(packedNumber(5))));
          if (index % 2 === 0) peer.socket.end();
          else peer.socket.resetAndDestroy();
        }
        await Promise.all(peers.map((peer) => peer.expectClosed()));
      }
    });
  });
});

/** The body of a call of `sum` with its first attachment. */
const packedSum = packedArray(packedTagged(Buffer.from([5]), Buffer.from([1]), Buffer.from([0])));
