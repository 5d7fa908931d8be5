/** What every connection promises, for each of the built-in transports. */
import { MessageChannel } from "node:worker_threads";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Connection, ConnectionHandler, Transport } from "../../../src/spi.ts";
import { messageHeadroom } from "../../../src/spi.ts";
import { MemoryTransport } from "../../../src/transports/memory/memory-transport.ts";
import { MessagePortConnection } from "../../../src/transports/memory/message-port-connection.ts";
import { ShmTransport } from "../../../src/transports/shared-memory/shm-transport.ts";
import { TcpTransport } from "../../../src/transports/tcp/tcp-transport.ts";

/** Collects what arrives, whole messages only. */
class Receiver implements ConnectionHandler {
  messageLimit = 1024 * 1024;
  readonly messages: Buffer[] = [];
  readonly invalid: string[] = [];
  readonly closed: Promise<Error | undefined>;
  #pieces: Buffer[] = [];
  #waiting: (() => void)[] = [];
  #close: (error: Error | undefined) => void = () => {};
  closes = 0;

  constructor() {
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
  }

  onMessage(bytes: Buffer, start: number, end: number, remaining: number): void {
    this.#pieces.push(Buffer.from(bytes.subarray(start, end)));
    if (remaining > 0) return;
    this.messages.push(Buffer.concat(this.#pieces));
    this.#pieces = [];
    this.#notify();
  }

  onInvalid(reason: string): void {
    this.invalid.push(reason);
    this.#notify();
  }

  onDrain(): void {}

  onClose(error?: Error): void {
    this.closes++;
    this.#close(error);
    this.#notify();
  }

  #notify(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

function send(connection: Connection, content: Uint8Array, tail?: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const memory = Buffer.alloc(messageHeadroom + content.length + 20, 0xee);
    memory.set(content, messageHeadroom);
    connection.send(memory, messageHeadroom + content.length, () => resolve(), tail);
  });
}

async function connected(transport: Transport, address: string): Promise<[Connection, Connection]> {
  const accepted: ((connection: Connection) => void)[] = [];
  const server = new Promise<Connection>((resolve) => accepted.push(resolve));
  const listener = await transport.listen(
    address,
    (connection) => accepted[0]?.(connection),
    () => {},
  );
  const client = await transport.connect(listener.address, new AbortController().signal);
  const pair: [Connection, Connection] = [client, await server];
  onTestFinished(async () => {
    for (const connection of pair) connection.destroy();
    await listener.close();
  });
  return pair;
}

let shmNames = 0;
const shmName = () => `connections-${process.pid}-${++shmNames}`;

const transports: Readonly<Record<string, () => Promise<[Connection, Connection]>>> = {
  tcp: () => connected(new TcpTransport(), "127.0.0.1:0"),
  memory: () => connected(new MemoryTransport(), "connections-test"),
  shm: () => connected(new ShmTransport(), shmName()),
  "shm without the spin": () => connected(new ShmTransport({ spinMicroseconds: 0 }), shmName()),
  "shm, through small rings": () => connected(new ShmTransport({ ringBytes: 65_536 }), shmName()),
  "message port": async () => {
    const { port1, port2 } = new MessageChannel();
    onTestFinished(() => {
      port1.close();
      port2.close();
    });
    return [new MessagePortConnection(port1, "one"), new MessagePortConnection(port2, "two")];
  },
};

describe.each(Object.entries(transports))("%s", (_name, open) => {
  test("keeps the boundaries and the order of messages, both ways", async () => {
    const [client, server] = await open();
    const atClient = new Receiver();
    const atServer = new Receiver();
    client.start(atClient);
    server.start(atServer);
    const contents = [1, 3, 4, 5, 70_000, 2, 300_000].map((length, index) => Buffer.alloc(length, index + 1));
    for (const content of contents) {
      void send(client, content);
      void send(server, content);
    }
    client.flush();
    server.flush();
    await atServer.until(() => atServer.messages.length === contents.length);
    await atClient.until(() => atClient.messages.length === contents.length);
    for (const [index, content] of contents.entries()) {
      expect(atServer.messages[index]?.equals(content)).toBe(true);
      expect(atClient.messages[index]?.equals(content)).toBe(true);
    }
  });

  test("a tail is a part of its message", async () => {
    const [client, server] = await open();
    const receiver = new Receiver();
    client.start(new Receiver());
    server.start(receiver);
    void send(client, Buffer.from("head,"), Buffer.from("tail"));
    void send(client, Buffer.from("next"));
    client.flush();
    await receiver.until(() => receiver.messages.length === 2);
    expect(receiver.messages.map(String)).toEqual(["head,tail", "next"]);
  });

  test("gives memory back, so that it can be used again", async () => {
    const [client, server] = await open();
    const receiver = new Receiver();
    client.start(new Receiver());
    server.start(receiver);
    const memory = Buffer.alloc(messageHeadroom + 4);
    for (const text of ["1111", "2222", "3333"]) {
      memory.write(text, messageHeadroom);
      await new Promise<void>((resolve) => {
        client.send(memory, memory.length, () => resolve());
        client.flush();
      });
    }
    await receiver.until(() => receiver.messages.length === 3);
    expect(receiver.messages.map(String)).toEqual(["1111", "2222", "3333"]);
  });

  test("close sends what was accepted, then ends both ends, once", async () => {
    const [client, server] = await open();
    const atClient = new Receiver();
    const atServer = new Receiver();
    client.start(atClient);
    server.start(atServer);
    void send(client, Buffer.alloc(200_000, 1));
    void send(client, Buffer.from("last"));
    const closed = client.close();
    expect(await atServer.closed).toBeUndefined();
    await Promise.all([closed, atClient.closed]);
    expect(atServer.messages.at(-1)?.toString()).toBe("last");
    server.destroy();
    await client.close();
    expect([atClient.closes, atServer.closes]).toEqual([1, 1]);
  });

  test("destroy ends both ends", async () => {
    const [client, server] = await open();
    const atClient = new Receiver();
    const atServer = new Receiver();
    client.start(atClient);
    server.start(atServer);
    server.destroy();
    await Promise.all([atClient.closed, atServer.closed]);
    // Harmless: the session may not know yet.
    void send(client, Buffer.from("into the void"));
    client.flush();
  });

  test("an end is noticed that comes behind what was sent, though neither end had looked", async () => {
    const [client, server] = await open();
    const atClient = new Receiver();
    const atServer = new Receiver();
    client.start(atClient);
    server.start(atServer);
    void send(client, Buffer.from("first"));
    void send(server, Buffer.from("first"));
    client.flush();
    server.flush();
    await atServer.until(() => atServer.messages.length === 1);
    await atClient.until(() => atClient.messages.length === 1);
    // Whoever has had its message waits for the next one, and has to be woken for it.
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    void send(client, Buffer.from("the last"));
    void send(server, Buffer.from("never read"));
    client.flush();
    server.flush();
    client.destroy();
    await atServer.closed;
  });

  test("what was sent before the other end started is delivered then, and not during start", async () => {
    const [client, server] = await open();
    client.start(new Receiver());
    void send(client, Buffer.from("early"));
    client.flush();
    const receiver = new Receiver();
    server.start(receiver);
    expect(receiver.messages).toEqual([]);
    await receiver.until(() => receiver.messages.length === 1);
    expect(receiver.messages.map(String)).toEqual(["early"]);
  });

  test("a message above the limit is reported and not delivered; one at the limit is", async () => {
    const [client, server] = await open();
    const receiver = new Receiver();
    receiver.messageLimit = 1000;
    client.start(new Receiver());
    server.start(receiver);
    void send(client, Buffer.alloc(999));
    void send(client, Buffer.alloc(1000));
    void send(client, Buffer.alloc(1001));
    client.flush();
    await receiver.until(() => receiver.invalid.length === 1);
    expect(receiver.messages.map(({ length }) => length)).toEqual([999, 1000]);
    expect(receiver.invalid[0]).toContain("1001 bytes, where at most 1000");
  });
});

describe("MemoryTransport", () => {
  test("a name can be taken once, and again after it was given back", async () => {
    const transport = new MemoryTransport();
    const listener = await transport.listen("taken-once", () => {});
    await expect(transport.listen("taken-once", () => {})).rejects.toThrow("taken");
    await listener.close();
    await (await transport.listen("taken-once", () => {})).close();
  });

  test("nobody listens", async () => {
    const connecting = new MemoryTransport().connect("nobody-here", new AbortController().signal);
    await expect(connecting).rejects.toThrow(/nobody listens on memory:\/\/nobody-here.*attachMessagePort/);
  });
});
