/** Stacks of remote errors: who sees the server's frames, the notes of each hop, and the caller's own frames. */
import assert from "node:assert/strict";
import {
  ConnectError,
  ConnectionLostError,
  type CustomErrorsMode,
  MarshalByRefObject,
  memoryChannel,
  type Remote,
  RemoteInvocationError,
  RemotingDomain,
  type RemotingError,
  RemotingTimeoutError,
  Serializable,
  ServiceNotFoundError,
  Singleton,
  tcpChannel,
  transportChannel,
} from "remoting";
import { describe, expect, onTestFinished, test } from "vitest";
import { MemoryConnection } from "../../src/transports/memory/memory-connection.ts";
import { MemoryTransport } from "../../src/transports/memory/memory-transport.ts";

@Serializable()
class FullError extends Error {
  constructor(
    message: string,
    readonly size = 0,
  ) {
    super(message);
  }

  static {
    FullError.prototype.name = "FullError";
  }
}

@Singleton("Storage")
class Storage extends MarshalByRefObject {
  #save(): never {
    throw new RangeError("disk full", { cause: new TypeError("no blocks") });
  }

  save(): void {
    this.#save();
  }

  saveFully(): void {
    throw new FullError("all full", 7);
  }

  text(): void {
    throw "just text";
  }

  keep(_value: unknown): void {}

  async forEver(): Promise<void> {
    await new Promise(() => {});
  }

  awkward(): void {
    const error = new Error("awkward");
    Object.defineProperty(error, "stack", {
      get() {
        throw new Error("no stack for you");
      },
    });
    throw error;
  }

  async through(save: () => void): Promise<void> {
    await save();
  }

  failed(): unknown {
    return new Error("returned, not thrown");
  }
}

/** Passes on what it is asked to do. */
@Singleton("Shop")
class Shop extends MarshalByRefObject {
  static storage: Remote<Storage> | undefined;

  async order(): Promise<void> {
    await Shop.storage?.save();
  }

  async orderFully(): Promise<void> {
    await Shop.storage?.saveFully();
  }
}

/** `memory://` that says that its peers are elsewhere. */
class RemoteTransport extends MemoryTransport {
  #accept: (connection: MemoryConnection) => void = () => {};

  override async connect(address: string): Promise<MemoryConnection> {
    const ends = MemoryConnection.pair(address);
    for (const end of ends) Object.assign(end, { isLocal: false });
    this.#accept(ends[1]);
    return ends[0];
  }

  override async listen(address: string, accept: (connection: MemoryConnection) => void) {
    this.#accept = accept;
    return { address, close: async () => {} };
  }
}

let addresses = 0;

async function serve(customErrors: CustomErrorsMode | undefined, where: "here" | "elsewhere" | "tcp") {
  const server = new RemotingDomain({
    closeGrace: 0,
    ...(customErrors === undefined ? {} : { customErrors }),
  });
  const client = new RemotingDomain({ closeGrace: 0 });
  onTestFinished(async () => {
    await client.close();
    await server.close();
  });
  const transport = new RemoteTransport();
  for (const domain of [server, client]) {
    domain.registerChannel(where === "elsewhere" ? transportChannel(transport) : memoryChannel());
    domain.registerChannel(tcpChannel());
  }
  const address = where === "tcp" ? "tcp://127.0.0.1:0" : `memory://custom-errors-${++addresses}`;
  const { urls } = await server.serve(address, [Storage, Shop]);
  const [url = ""] = urls;
  return { client, server, url, storage: client.getObject(Storage, url) };
}

async function errorOf<E extends Error = RemoteInvocationError>(promise: Promise<unknown>): Promise<E> {
  try {
    await promise;
  } catch (error) {
    return error as E;
  }
  return assert.fail("it succeeded");
}

/** The names of the functions in a stack, and its notes, in their order. */
function linesOf(stack: string | undefined): string[] {
  return (
    (stack ?? "")
      .split("\n")
      // esbuild calls a class _Shop that refers to itself.
      .map((line) => /^ {4}at (?:async )?_?([\w.#<>]+) \(/.exec(line)?.[1] ?? line)
      .filter((line) => !line.startsWith("    at"))
  );
}

describe("customErrors", () => {
  test.each<[CustomErrorsMode | undefined, "here" | "elsewhere" | "tcp", boolean]>([
    [undefined, "here", true],
    [undefined, "tcp", true],
    [undefined, "elsewhere", false],
    ["remote-only", "here", true],
    ["remote-only", "elsewhere", false],
    ["off", "elsewhere", true],
    ["off", "here", true],
    ["on", "here", false],
    ["on", "tcp", false],
    ["on", "elsewhere", false],
  ])("%s, caller %s: sees stacks: %s", async (mode, where, sees) => {
    const { storage } = await serve(mode, where);
    const error = await errorOf(storage.save());
    expect([error.remoteName, error.message]).toEqual(["RangeError", "disk full"]);
    const { cause } = error;
    assert(cause instanceof RangeError && cause.cause instanceof TypeError);
    const full = await errorOf<FullError>(storage.saveFully());
    assert(full instanceof FullError);
    expect(full.size).toBe(7);
    if (sees) {
      expect(error.remoteStack).toMatch(
        /^RangeError: disk full\n {4}at #?\S*save.*\n {4}at Storage\.save \(/,
      );
      expect(cause.stack).toBe(error.remoteStack);
      expect(cause.cause.stack).toMatch(/^TypeError: no blocks\n.*custom-errors\.test/);
      expect(full.stack).toContain("at Storage.saveFully");
    } else {
      expect(error.remoteStack).toBeUndefined();
      for (const told of [error, cause, cause.cause, full]) expect(told.stack).not.toContain("Storage");
      expect(JSON.stringify([error, cause, full])).not.toContain("custom-errors.test");
    }
  });

  test("a mode that is none is refused, not taken for one that reveals", () => {
    const customErrors = JSON.parse('"of"');
    expect(() => new RemotingDomain({ customErrors })).toThrow(TypeError);
    expect(() => new RemotingDomain({ customErrors })).toThrow(
      'customErrors must be "on", "off" or "remote-only"',
    );
  });

  test("what is returned and not thrown has no stack, and one that cannot be read ends nothing", async () => {
    const { storage } = await serve("off", "here");
    const returned = await storage.failed();
    assert(returned instanceof Error);
    expect(returned.stack).not.toContain("Storage");
    const error = await errorOf(storage.awkward());
    expect([error.message, error.remoteStack]).toEqual(["awkward", undefined]);
  });

  test("what a client's function throws comes back with the client's stack, as the client's domain says", async () => {
    const { storage } = await serve("off", "here");
    const failing = () => {
      throw new Error("in the callback");
    };
    expect((await errorOf(storage.through(failing))).remoteStack).toContain("failing");
  });
});

describe("the way of an error", () => {
  async function order(call: (shop: Remote<Shop>) => Promise<unknown>): Promise<Error> {
    const behind = await serve("off", "here");
    const front = await serve("off", "here");
    Shop.storage = behind.storage;
    onTestFinished(() => {
      Shop.storage = undefined;
    });
    const shop = front.client.getObject(Shop, front.url);
    return errorOf<Error>(call(shop));
  }

  test("each process that it comes through leaves a note, as in .NET", async () => {
    const error = await order(async function main(shop) {
      await shop.order();
    });
    assert(error instanceof RemoteInvocationError);
    // What it was where it was thrown, not what it was for those who passed it on.
    expect([error.remoteName, error.message]).toEqual(["RangeError", "disk full"]);
    expect(error.cause).toBeInstanceOf(RangeError);
    const lines = linesOf(error.stack);
    const places = [
      "RemoteInvocationError: disk full",
      "Server stack trace:",
      "Storage.save",
      "Exception rethrown at [0]:",
      "Shop.order",
      "Exception rethrown at [1]:",
      "main",
    ];
    expect(lines.filter((line) => places.includes(line))).toEqual(places);
    expect(error.remoteStack).toContain("Exception rethrown at [0]:");
    expect(error.remoteStack).not.toContain("Exception rethrown at [1]:");
  });

  test("a @Serializable error has the notes too", async () => {
    const error = await order(async function main(shop) {
      await shop.orderFully();
    });
    assert(error instanceof FullError);
    const places = [
      "FullError: all full",
      "Server stack trace:",
      "Storage.saveFully",
      "Exception rethrown at [0]:",
      "Shop.orderFully",
      "Exception rethrown at [1]:",
      "main",
    ];
    expect(linesOf(error.stack).filter((line) => places.includes(line))).toEqual(places);
    expect(Object.keys(error)).toEqual(["size"]);
  });
});

describe("the caller's own frames", () => {
  /** Two functions that await the call, to be found in the stack. */
  async function inner(promise: () => Promise<unknown>): Promise<void> {
    await promise();
  }
  async function outer(promise: () => Promise<unknown>): Promise<void> {
    await inner(promise);
  }

  async function expectCaller(promise: () => Promise<unknown>, header: string): Promise<Error> {
    const error = await errorOf<RemotingError>(outer(promise));
    const lines = linesOf(error.stack);
    expect(lines[0]).toBe(header);
    expect(lines.filter((line) => line === "inner" || line === "outer")).toEqual(["inner", "outer"]);
    expect(error.stack).not.toContain("caller-stack.ts");
    return error;
  }

  test("are there for what the method has thrown, with stacks and without", async () => {
    for (const mode of ["on", "off"] as const) {
      const { storage } = await serve(mode, "here");
      await expectCaller(() => storage.save(), "RemoteInvocationError: disk full");
      await expectCaller(() => storage.saveFully(), "FullError: all full");
      await expectCaller(
        () => storage.text(),
        "RemoteInvocationError: The method threw a value that is not an error: just text",
      );
    }
  });

  test("are there for faults and for calls that took too long", async () => {
    const { client, url, storage } = await serve("on", "here");
    const nobody = client.getObject(Storage, `${url}/nobody`);
    const missing = await errorOf(outer(() => nobody.save()));
    await expectCaller(() => nobody.save(), `ServiceNotFoundError: ${missing.message}`);
    expect(missing).toBeInstanceOf(ServiceNotFoundError);
    const late = await errorOf(outer(() => client.withOptions(storage, { timeout: 20 }).forEver()));
    expect(late).toBeInstanceOf(RemotingTimeoutError);
    expect(linesOf(late.stack)).toContain("outer");
  });

  test("are there for calls that did not leave, or whose connection ended", async () => {
    const { client, server, url, storage } = await serve("on", "tcp");
    const argument = "args[0] is a RegExp, which cannot travel: pass what it is made of instead";
    await expectCaller(() => storage.keep(/x/), `SerializationError: ${argument}`);
    const aborted = client.withOptions(storage, { signal: AbortSignal.abort() });
    await expectCaller(() => aborted.save(), "AbortError: The call was aborted");
    const controller = new AbortController();
    const waiting = expectCaller(
      () => client.withOptions(storage, { signal: controller.signal }).forEver(),
      "AbortError: The call was aborted",
    );
    controller.abort();
    await waiting;
    const closedUrl = url.replace(/:\d+$/, ":1");
    const refused = await errorOf(outer(() => client.getObject(Storage, closedUrl).save()));
    expect(refused).toBeInstanceOf(ConnectError);
    expect(linesOf(refused.stack)).toContain("outer");
    const lost = errorOf(outer(() => storage.forEver()));
    await storage.keep(1);
    await server.close();
    expect(await lost).toBeInstanceOf(ConnectionLostError);
    expect(linesOf((await lost).stack)).toContain("outer");
  });

  test("are there for an address that is none, which the error explains", async () => {
    const { client } = await serve("on", "tcp");
    const storage = client.getObject(Storage, "tcp://localhost");
    const explained =
      '"localhost" is not a TCP address: expected host:port, for example 127.0.0.1:6100 or [::1]:6100';
    await expectCaller(() => storage.save(), `ConnectError: Cannot connect to tcp://localhost: ${explained}`);
  });

  test("are there through message sinks", async () => {
    const { url } = await serve("on", "tcp");
    const client = new RemotingDomain();
    onTestFinished(() => client.close());
    const sink = {
      processMessage: (message: never, next: (message: never) => Promise<never>) => next(message),
    };
    client.registerChannel(
      tcpChannel({ messageSinks: [{ name: "passing", createClientSink: () => sink as never }] }),
    );
    await expectCaller(() => client.getObject(Storage, url).save(), "RemoteInvocationError: disk full");
  });

  test("a rejection that nobody handles is still one", async () => {
    const { storage } = await serve("on", "here");
    const seen: unknown[] = [];
    const listeners = process.listeners("unhandledRejection");
    process.removeAllListeners("unhandledRejection");
    const heard = new Promise<void>((resolve) => {
      process.once("unhandledRejection", (reason) => {
        seen.push(reason);
        resolve();
      });
    });
    try {
      void storage.save();
      await heard;
    } finally {
      for (const listener of listeners) process.on("unhandledRejection", listener);
    }
    expect(seen).toHaveLength(1);
    expect(seen[0]).toBeInstanceOf(RemoteInvocationError);
  });
});
