/** Named pipes as Windows has them, on every system: both ends in this process. */
import { text } from "node:stream/consumers";
import { AbortError } from "remoting";
import { callNamedPipe, IpcError, NamedPipeClient, NamedPipeServer, openIpcResources } from "remoting/ipc";
import { describe, expect, onTestFinished, test } from "vitest";
import { clientOf, failureOf, newName, pattern, pipePair, serverOf } from "./pipe-pair.ts";

const fault = (name: string) => expect.objectContaining({ name: "IpcError", fault: name });

describe("names", () => {
  test("Windows' form and a plain one are the same pipe, and case does not matter", async () => {
    const name = newName();
    const server = serverOf(`\\\\.\\pipe\\${name}`);
    const client = clientOf(name.toUpperCase());
    await Promise.all([server.waitForConnection(), client.connect()]);
    await client.write(Buffer.from("hello"));
    expect(String(await server.readMessage())).toBe("hello");
    expect(server.name).toBe(name);
  });

  test("long names and names with unusual characters", async () => {
    for (const name of [`${newName()}-${"x".repeat(190)}`, `${newName()} ü%2f:*?"<>|`]) {
      const server = serverOf(name);
      const client = clientOf(name);
      await Promise.all([server.waitForConnection(), client.connect({ timeout: 5000 })]);
      await server.close();
    }
  });

  test.each(["", "a/b", "a\\b", "\\\\.\\pipe\\", "..", "x".repeat(300)])("%j is refused", (name) => {
    expect(() => new NamedPipeClient(name)).toThrow(fault("invalid"));
    expect(() => new NamedPipeServer(name)).toThrow(fault("invalid"));
  });

  test("a pipe of another machine is refused, with the reason", () => {
    expect(() => new NamedPipeClient("\\\\fileserver\\pipe\\shop")).toThrow(
      /of the machine fileserver.*tcp:/,
    );
  });
});

describe("the last instance", () => {
  test("gives the name back at once, even to the one who is just being told of a client", async () => {
    const name = newName();
    const first = serverOf(name);
    const again = first.waitForConnection().then(async () => {
      await first.close();
      return serverOf(name, { direction: "inbound" });
    });
    await clientOf(name).connect();
    const second = await again;
    const client = clientOf(name, { direction: "outbound" });
    await Promise.all([second.waitForConnection(), client.connect()]);
    await client.write(Buffer.from("to the second"));
    expect(String(await second.readMessage())).toBe("to the second");
  });
});

describe("messages", () => {
  test("keep their boundaries, from nothing to a megabyte, in both directions", async () => {
    const { server, client } = await pipePair();
    const sizes = [0, 1, 2, 4095, 4096, 65_527, 65_528, 65_535, 65_536, 65_537, 131_072, 200_001, 1 << 20];
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      const sent = sizes.map((size) => pattern(size, size));
      const writing = Promise.all(sent.map((message) => from.write(message)));
      for (const message of sent) {
        const arrived = await to.readMessage();
        expect(arrived?.length).toBe(message.length);
        expect(arrived?.equals(message)).toBe(true);
      }
      await writing;
    }
  });

  test("are read in parts, as far as the buffer goes", async () => {
    const { server, client } = await pipePair();
    await client.write(Buffer.from("0123456789"));
    await client.write(Buffer.from("next"));
    const buffer = Buffer.alloc(4);
    const parts: unknown[] = [];
    for (let index = 0; index < 4; index++) {
      const length = await server.read(buffer);
      parts.push([String(buffer.subarray(0, length)), server.isMessageComplete]);
    }
    expect(parts).toEqual([
      ["0123", false],
      ["4567", false],
      ["89", true],
      ["next", true],
    ]);
  });

  test("of a megabyte are read in parts too", async () => {
    const { server, client } = await pipePair();
    const message = pattern(1 << 20);
    const writing = client.write(message);
    const parts: Buffer[] = [];
    do {
      const buffer = Buffer.alloc(10_007);
      parts.push(buffer.subarray(0, await server.read(buffer)));
    } while (!server.isMessageComplete);
    await writing;
    expect(Buffer.concat(parts).equals(message)).toBe(true);
  });

  test("larger than maxSize are refused, and can be read in parts then", async () => {
    const { server, client } = await pipePair();
    const message = pattern(100_000);
    // Not awaited: on Windows it is more than the system keeps, and so waits for its reader.
    const writing = Promise.all([client.write(message), client.write(Buffer.from("after"))]);
    expect(await failureOf(server.readMessage({ maxSize: 99_999 }))).toEqual(fault("too-large"));
    const buffer = Buffer.alloc(70_000);
    const parts: Buffer[] = [];
    do parts.push(Buffer.from(buffer.subarray(0, await server.read(buffer))));
    while (!server.isMessageComplete);
    expect(Buffer.concat(parts).equals(message)).toBe(true);
    expect(String(await server.readMessage())).toBe("after");
    await writing;
    const again = client.write(message);
    expect((await server.readMessage({ maxSize: 100_000 }))?.equals(message)).toBe(true);
    await again;
  });

  test("can be read as bytes: empty ones are not there, and boundaries do not count", async () => {
    const { server, client } = await pipePair({ readMode: "byte" });
    await client.write(Buffer.alloc(0));
    await client.write(Buffer.from("ab"));
    const buffer = Buffer.alloc(10);
    expect(await server.read(buffer)).toBe(2);
    expect(server.isMessageComplete).toBe(true);
    expect(await failureOf(server.readMessage())).toEqual(fault("invalid"));
    server.readMode = "message";
    await client.write(Buffer.from("cd"));
    expect(String(await server.readMessage())).toBe("cd");
  });

  test("are iterated over until the other end closes", async () => {
    const { server, client } = await pipePair();
    for (const message of ["a", "", "c"]) await client.write(Buffer.from(message));
    await client.close();
    const messages: string[] = [];
    for await (const message of server) messages.push(String(message));
    expect(messages).toEqual(["a", "", "c"]);
  });

  test("reads that were asked for together come in their order", async () => {
    const { server, client } = await pipePair();
    const reads = [1, 2, 3].map(() => server.readMessage());
    for (const message of ["a", "b", "c"]) await client.write(Buffer.from(message));
    expect((await Promise.all(reads)).map(String)).toEqual(["a", "b", "c"]);
  });

  test("transact, and callNamedPipe", async () => {
    const name = newName();
    const server = serverOf(name);
    const serving = (async () => {
      for (let count = 0; count < 2; count++) {
        await server.waitForConnection();
        await server.write(Buffer.from(`${await server.readMessage()}!`));
        await server.waitForPipeDrain();
        server.disconnect();
      }
    })();
    const client = clientOf(name);
    await client.connect();
    expect(String(await client.transact(Buffer.from("one")))).toBe("one!");
    await client.close();
    expect(String(await callNamedPipe(name, Buffer.from("two"), { timeout: 10_000 }))).toBe("two!");
    await serving;
  });

  test("peek shows what comes, and leaves it", async () => {
    const { server, client } = await pipePair();
    expect(server.peek()).toEqual({ bytesRead: 0, available: 0, leftInMessage: 0 });
    await client.write(Buffer.from("0123456789"));
    const buffer = Buffer.alloc(4);
    expect(server.peek(buffer)).toEqual({ bytesRead: 4, available: 10, leftInMessage: 6 });
    expect(server.peek()).toEqual({ bytesRead: 0, available: 10, leftInMessage: 10 });
    expect(await server.read(Buffer.alloc(7))).toBe(7);
    expect(server.peek(buffer)).toEqual({ bytesRead: 3, available: 3, leftInMessage: 0 });
    expect(String(await server.readMessage())).toBe("789");
    await client.close();
    expect(() => server.peek()).toThrow(fault("broken"));
  });
});

describe("pipes of byte type", () => {
  test("have no boundaries", async () => {
    const { server, client } = await pipePair({ transmissionMode: "byte" });
    expect(client.transmissionMode).toBe("byte");
    await client.write(Buffer.from("abc"));
    await client.write(Buffer.alloc(0));
    await client.write(Buffer.from("def"));
    const bytes: number[] = [];
    while (bytes.length < 6) {
      const buffer = Buffer.alloc(2);
      bytes.push(...buffer.subarray(0, await server.read(buffer)));
    }
    expect(String(Buffer.from(bytes))).toBe("abcdef");
    expect(() => {
      client.readMode = "message";
    }).toThrow(fault("invalid"));
  });

  test("refuse a client that wants messages", async () => {
    const name = newName();
    const server = serverOf(name, { transmissionMode: "byte" });
    server.waitForConnection().catch(() => undefined);
    expect(await failureOf(clientOf(name, { readMode: "message" }).connect())).toEqual(fault("invalid"));
  });

  test("are streams of Node", async () => {
    const { server, client } = await pipePair({ transmissionMode: "byte" });
    const data = pattern(3_000_000);
    const writable = client.toWritable();
    const reading = (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of server.toReadable()) chunks.push(chunk);
      return Buffer.concat(chunks);
    })();
    writable.end(data);
    expect((await reading).equals(data)).toBe(true);
    expect(server.isClosed).toBe(true);

    const second = await pipePair({ transmissionMode: "byte" });
    const echo = second.server.toDuplex();
    echo.pipe(echo);
    const duplex = second.client.toDuplex();
    duplex.write("over and out");
    const answer = Buffer.alloc(12);
    for (let length = 0; length < answer.length; ) {
      const chunk: Buffer | null = duplex.read();
      if (chunk === null) await new Promise((resolve) => duplex.once("readable", resolve));
      else length += chunk.copy(answer, length);
    }
    expect(String(answer)).toBe("over and out");
    duplex.destroy();
    expect(await text(echo)).toBe("");
  });
});

describe("directions", () => {
  test("inbound: the client writes and the server reads", async () => {
    const name = newName();
    const server = serverOf(name, { direction: "inbound" });
    const waiting = server.waitForConnection();
    const error = await failureOf(clientOf(name).connect());
    expect(error).toEqual(fault("access-denied"));
    const client = clientOf(name, { direction: "outbound" });
    await Promise.all([waiting, client.connect()]);
    await client.write(Buffer.from("in"));
    expect(String(await server.readMessage())).toBe("in");
    expect([server.canRead, server.canWrite, client.canRead, client.canWrite]).toEqual([
      true,
      false,
      false,
      true,
    ]);
    expect(await failureOf(server.write(Buffer.from("x")))).toEqual(fault("invalid"));
    expect(await failureOf(client.readMessage())).toEqual(fault("invalid"));
  });

  test("outbound: the server writes and the client reads", async () => {
    const { server, client } = await pipePair({ direction: "outbound" }, { direction: "inbound" });
    await server.write(Buffer.from("out"));
    expect(String(await client.readMessage())).toBe("out");
  });
});

describe("instances", () => {
  test("there are as many as the first one says", async () => {
    const name = newName();
    serverOf(name, { maxInstances: 2 });
    serverOf(name, { maxInstances: 2 });
    expect(() => new NamedPipeServer(name, { maxInstances: 2 })).toThrow(fault("busy"));
  });

  test("each serves one client at a time; a client waits for one that is free", async () => {
    const name = newName();
    const servers = [serverOf(name, { maxInstances: 2 }), serverOf(name, { maxInstances: 2 })] as const;
    const clients = [clientOf(name), clientOf(name), clientOf(name)] as const;
    await Promise.all([servers[0].waitForConnection(), clients[0].connect()]);
    await Promise.all([servers[1].waitForConnection(), clients[1].connect()]);

    const busy = await failureOf(clients[2].connect({ timeout: 0 }));
    expect(busy).toEqual(fault("busy"));
    const timedOut = await failureOf(clients[2].connect({ timeout: 1_000 }));
    expect(timedOut).toMatchObject({ fault: "timeout", cause: fault("busy") });

    const connecting = clients[2].connect();
    await clients[0].close();
    expect(await servers[0].readMessage()).toBeUndefined();
    servers[0].disconnect();
    await Promise.all([servers[0].waitForConnection(), connecting]);
    await clients[2].write(Buffer.from("at last"));
    expect(String(await servers[0].readMessage())).toBe("at last");
  });

  test("a client can come before it is waited for", async () => {
    const name = newName();
    const server = serverOf(name);
    const client = clientOf(name);
    await client.connect();
    await client.write(Buffer.from("early"));
    await server.waitForConnection();
    expect(String(await server.readMessage())).toBe("early");
  });

  test("a disconnected one is not open until it waits again", async () => {
    const { server, client } = await pipePair();
    server.disconnect();
    expect(await client.readMessage()).toBeUndefined();
    expect(await failureOf(server.write(Buffer.from("x")))).toEqual(fault("not-connected"));
    const next = clientOf(server.name);
    expect(await failureOf(next.connect({ timeout: 0 }))).toEqual(fault("busy"));
    await Promise.all([next.connect(), server.waitForConnection()]);
  });
});

describe("a client", () => {
  test("is told that nobody is there", async () => {
    const client = clientOf(newName());
    expect(await failureOf(client.connect({ timeout: 0 }))).toEqual(fault("not-found"));
    expect(await failureOf(client.connect({ waitForServer: false }))).toEqual(fault("not-found"));
    const error = await failureOf(client.connect({ timeout: 30 }));
    expect(error).toMatchObject({ fault: "timeout", cause: fault("not-found") });
    expect(error).toBeInstanceOf(IpcError);
  });

  test("waits for a server that comes later", async () => {
    const name = newName();
    const client = clientOf(name);
    const connecting = client.connect();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const server = serverOf(name);
    await Promise.all([server.waitForConnection(), connecting]);
  });

  test("goes on waiting when the server ends while it waits for an instance", async () => {
    const name = newName();
    const first = await pipePair({}, {}, name);
    const client = clientOf(name);
    const connecting = client.connect();
    expect(await failureOf(clientOf(name).connect({ timeout: 20 }))).toEqual(fault("timeout"));
    await first.server.close();
    const second = serverOf(name);
    await Promise.all([second.waitForConnection(), connecting]);
    await client.write(Buffer.from("the second"));
    expect(String(await second.readMessage())).toBe("the second");
  });

  test("knows who serves, and the server who calls", async () => {
    const { server, client } = await pipePair();
    const self = { processId: process.pid, userId: expect.stringMatching(/./) };
    expect(client.peer).toMatchObject(self);
    expect(server.peer).toMatchObject(self);
    expect(client.peer).toEqual(server.peer);
  });
});

describe("what is under way ends", () => {
  test("waiting for a client, by a signal, a timeout, and closing", async () => {
    const name = newName();
    const server = serverOf(name);
    const controller = new AbortController();
    const waiting = server.waitForConnection({ signal: controller.signal });
    controller.abort(new Error("enough"));
    expect(await failureOf(waiting)).toMatchObject({ name: "AbortError", cause: { message: "enough" } });
    expect(await failureOf(server.waitForConnection({ timeout: 10 }))).toEqual(fault("timeout"));
    expect(await failureOf(server.waitForConnection({ signal: AbortSignal.abort() }))).toBeInstanceOf(
      AbortError,
    );
    const client = clientOf(name);
    await Promise.all([server.waitForConnection(), client.connect()]);
    await client.close();
    server.disconnect();
    const last = server.waitForConnection();
    await server.close();
    expect(await failureOf(last)).toEqual(fault("closed"));
    expect(await failureOf(server.waitForConnection())).toEqual(fault("closed"));
  });

  test("connecting", async () => {
    const name = newName();
    const client = clientOf(name);
    const controller = new AbortController();
    const connecting = client.connect({ signal: controller.signal });
    controller.abort();
    expect(await failureOf(connecting)).toBeInstanceOf(AbortError);
    const { server } = await pipePair({}, {}, name);
    const second = new AbortController();
    const waiting = client.connect({ signal: second.signal });
    setTimeout(() => second.abort(), 20);
    expect(await failureOf(waiting)).toBeInstanceOf(AbortError);
    const third = client.connect();
    await client.close();
    expect(await failureOf(third)).toEqual(fault("closed"));
    await server.close();
  });

  test("reading; what comes later is not lost", async () => {
    const { server, client } = await pipePair();
    const controller = new AbortController();
    const reading = server.readMessage({ signal: controller.signal });
    controller.abort();
    expect(await failureOf(reading)).toBeInstanceOf(AbortError);
    expect(await failureOf(server.readMessage({ timeout: 0 }))).toEqual(fault("timeout"));
    expect(await failureOf(server.read(Buffer.alloc(1), { timeout: 10 }))).toEqual(fault("timeout"));
    await client.write(Buffer.from("later"));
    expect(String(await server.readMessage())).toBe("later");
    const last = server.readMessage();
    await server.close();
    expect(await failureOf(last)).toEqual(fault("closed"));
  });

  test("reading in the middle of a message; its beginning is not lost", async () => {
    const { server, client } = await pipePair();
    const message = pattern(8 << 20);
    const writing = client.write(message);
    // It comes in pieces, and no turn of the event loop has passed: reading is after one of them, whether the system
    // holds all of the message (Windows) or has no room for the rest yet.
    await server.read(Buffer.alloc(1));
    for (let round = 0; round < 3; round++) {
      const controller = new AbortController();
      const reading = server.readMessage({ signal: controller.signal });
      controller.abort();
      expect(await failureOf(reading)).toBeInstanceOf(AbortError);
    }
    const rest = await server.readMessage();
    await writing;
    expect(rest?.equals(message.subarray(1))).toBe(true);
  });

  test("writing to who does not read, and the peer never takes the message for a whole one", async () => {
    const { server, client } = await pipePair();
    const large = pattern(8 << 20);
    expect(await failureOf(client.write(large, { timeout: 30 }))).toEqual(fault("timeout"));
    const controller = new AbortController();
    const waiting = client.write(large, { signal: controller.signal });
    const behind = client.write(Buffer.from("behind"));
    controller.abort();
    expect(await failureOf(waiting)).toBeInstanceOf(AbortError);
    // Windows takes back what nobody has begun to read; elsewhere its beginning has left.
    if (process.platform !== "win32") expect(await failureOf(server.readMessage())).toEqual(fault("broken"));
    expect(String(await server.readMessage())).toBe("behind");
    await behind;
    await client.write(Buffer.from("as before"));
    expect(String(await server.readMessage())).toBe("as before");
  });

  test("writing, by closing", async () => {
    const { client } = await pipePair();
    const writing = client.write(pattern(8 << 20));
    const behind = client.write(Buffer.from("behind"));
    await client.close();
    expect(await failureOf(writing)).toEqual(fault("closed"));
    expect(await failureOf(behind)).toEqual(fault("closed"));
    expect(await failureOf(client.write(Buffer.alloc(1)))).toEqual(fault("closed"));
  });

  test("draining", async () => {
    const { server, client } = await pipePair();
    await client.write(Buffer.from("unread"));
    expect(await failureOf(client.waitForPipeDrain({ timeout: 20 }))).toEqual(fault("timeout"));
    expect(await failureOf(client.waitForPipeDrain({ signal: AbortSignal.abort() }))).toBeInstanceOf(
      AbortError,
    );
    const draining = client.waitForPipeDrain();
    expect(String(await server.readMessage())).toBe("unread");
    await draining;
  });
});

describe("the other end closes", () => {
  test("what it has written can still be read", async () => {
    const { server, client } = await pipePair();
    // Unread by the client: the system tells the server of an error first.
    await server.write(Buffer.from("never read"));
    await client.write(Buffer.from("written"));
    await client.close();
    expect(String(await server.readMessage())).toBe("written");
    expect(await server.readMessage()).toBeUndefined();
    expect(await server.readMessage()).toBeUndefined();
    expect(await failureOf(server.write(Buffer.from("x")))).toEqual(fault("broken"));
  });

  test("in the middle of a message", async () => {
    const { server, client } = await pipePair();
    const writing = failureOf(client.write(pattern(8 << 20)));
    await server.read(Buffer.alloc(1));
    await client.close();
    await writing;
    expect(await failureOf(server.readMessage())).toEqual(fault("broken"));
  });

  test("while something is written", async () => {
    const { server, client } = await pipePair();
    const writing = failureOf(client.write(pattern(8 << 20)));
    await server.close();
    expect(await writing).toEqual(fault("broken"));
  });
});

describe("buffers that are full both ways", () => {
  test("hold nobody up", async () => {
    const { server, client } = await pipePair();
    const message = pattern(6 << 20);
    const writes = [client.write(message), server.write(message)];
    const [atServer, atClient] = await Promise.all([server.readMessage(), client.readMessage()]);
    await Promise.all(writes);
    expect(atServer?.equals(message)).toBe(true);
    expect(atClient?.equals(message)).toBe(true);
  });
});

describe("leaks", () => {
  test("ten thousand connections leave nothing behind", { timeout: 180_000 }, async () => {
    const name = newName();
    const open = openIpcResources();
    const server = new NamedPipeServer(name);
    onTestFinished(() => server.close());
    for (let count = 0; count < 10_000; count++) {
      const client = new NamedPipeClient(name);
      await Promise.all([server.waitForConnection(), client.connect()]);
      if (count % 100 === 0) {
        await client.write(Buffer.from("x"));
        await server.readMessage();
      }
      await client.close();
      server.disconnect();
    }
    await server.close();
    expect(openIpcResources()).toBe(open);
  });
});
