import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { parseConfiguration, readConfiguration } from "../../../src/hosting/configuration.ts";
import { MarshalByRefObject, RemotingDomain, Singleton } from "../../../src/index.ts";

const minimal = { channels: { main: { url: "tcp://127.0.0.1:6100" } } };

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "remoting-configuration-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileWith(content: string): Promise<string> {
  const file = join(folder, "remoting.json");
  await writeFile(file, content);
  return file;
}

describe("a configuration in order", () => {
  test("has defaults", () => {
    const { channels, services } = parseConfiguration(minimal, "remoting.json", {});
    expect([...channels]).toEqual([
      ["main", { url: "tcp://127.0.0.1:6100", formatter: "msgpack", sinks: [] }],
    ]);
    expect(services.size).toBe(0);
  });

  test("may say everything", async () => {
    const file = await fileWith(
      JSON.stringify({
        $schema: "https://example.org/remoting.schema.json",
        channels: {
          main: { url: "memory://a", formatter: "json", sinks: ["call-log", "compression"] },
          other: { url: "memory://b" },
        },
        services: { Counter: { uri: "shop/Counter", channel: "other" }, Cart: {} },
      }),
    );
    const { channels, services } = await readConfiguration(file, {});
    expect(channels.get("main")).toEqual({
      url: "memory://a",
      formatter: "json",
      sinks: ["call-log", "compression"],
    });
    expect([...services]).toEqual([
      ["Counter", { uri: "shop/Counter", channel: "other" }],
      ["Cart", { uri: undefined, channel: undefined }],
    ]);
  });

  test("is overridden by the environment: the first channel by either variable, others by their own", () => {
    const content = { channels: { main: { url: "tcp://a:1" }, "back-end": { url: "tcp://b:2" } } };
    const urls = (environment: Record<string, string>) =>
      [...parseConfiguration(content, "f", environment).channels.values()].map(({ url }) => url);
    expect(urls({ REMOTING_CHANNEL: "memory://x" })).toEqual(["memory://x", "tcp://b:2"]);
    expect(urls({ REMOTING_CHANNEL: "memory://x", REMOTING_CHANNEL_MAIN: "memory://y" })).toEqual([
      "memory://y",
      "tcp://b:2",
    ]);
    expect(urls({ REMOTING_CHANNEL_BACK_END: "memory://z" })).toEqual(["tcp://a:1", "memory://z"]);
  });
});

describe("each mistake is told with its place", () => {
  const mistakes: readonly (readonly [unknown, string])[] = [
    [null, "remoting.json: the file must be an object"],
    [[], "remoting.json: the file must be an object"],
    [{}, "remoting.json: channels must be an object"],
    [{ channels: [] }, "remoting.json: channels must be an object"],
    [{ channels: {} }, "remoting.json: channels must name at least one channel"],
    [
      { ...minimal, chanels: {} },
      "remoting.json: chanels is not known: expected channels, services, lifetime, $schema",
    ],
    [{ channels: { main: "tcp://a:1" } }, "remoting.json: channels.main must be an object"],
    [{ channels: { main: {} } }, "remoting.json: channels.main.url must be a URL"],
    [{ channels: { main: { url: 6100 } } }, "remoting.json: channels.main.url must be a URL"],
    [
      { channels: { main: { url: "a:6100" } } },
      'remoting.json: channels.main.url: "a:6100" is not a channel URL',
    ],
    [
      { channels: { main: { url: "tcp://a:1/Counter" } } },
      "remoting.json: channels.main.url names an object",
    ],
    [{ channels: { main: { url: "tcp://a:1", port: 1 } } }, "remoting.json: channels.main.port is not known"],
    [
      { channels: { main: { url: "tcp://a:1", formatter: "xml" } } },
      'channels.main.formatter must be "msgpack" or "json", not "xml"',
    ],
    [
      { channels: { main: { url: "tcp://a:1", sinks: "compression" } } },
      "channels.main.sinks must be a list",
    ],
    [{ channels: { main: { url: "tcp://a:1", sinks: ["zip"] } } }, "channels.main.sinks must be a list"],
    [{ ...minimal, services: [] }, "remoting.json: services must be an object"],
    [{ ...minimal, services: { Counter: "main" } }, "remoting.json: services.Counter must be an object"],
    [{ ...minimal, services: { Counter: { uri: 1 } } }, "services.Counter.uri must be a string"],
    [
      { ...minimal, services: { Counter: { url: "x" } } },
      "services.Counter.url is not known: expected uri, channel",
    ],
    [
      { ...minimal, services: { Counter: { channel: "other" } } },
      'services.Counter.channel is "other", but the channels are main',
    ],
    [
      JSON.parse('{ "channels": { "main": { "url": "tcp://a:1", "__proto__": {} } } }'),
      "channels.main.__proto__ is not known",
    ],
  ];

  test.each(mistakes)("%j", (content, message) => {
    expect(() => parseConfiguration(content, "remoting.json", {})).toThrow(TypeError);
    expect(() => parseConfiguration(content, "remoting.json", {})).toThrow(message);
  });

  test.each([
    [
      "REMOTING_CHANNEL",
      "nonsense",
      'the environment variable REMOTING_CHANNEL: "nonsense" is not a channel URL',
    ],
    [
      "REMOTING_CHANNEL_MAIN",
      "tcp://a:1/x",
      "the environment variable REMOTING_CHANNEL_MAIN names an object",
    ],
  ])("%s=%s", (name, value, message) => {
    expect(() => parseConfiguration(minimal, "remoting.json", { [name]: value })).toThrow(message);
  });

  test("a byte order mark is passed over", async () => {
    const file = await fileWith(`\uFEFF${JSON.stringify(minimal)}`);
    expect((await readConfiguration(file, {})).channels.size).toBe(1);
  });

  test("a file that is not there, and one that is not JSON", async () => {
    await expect(readConfiguration(join(folder, "missing.json"), {})).rejects.toThrow(
      /missing\.json cannot be read: ENOENT/,
    );
    const file = await fileWith("{ channels: }");
    await expect(readConfiguration(file, {})).rejects.toThrow(`${file} is not JSON`);
  });
});

@Singleton("Greeter")
class Greeter extends MarshalByRefObject {
  greet(name: string): string {
    return `Hello ${name}`;
  }
}

describe("a domain that is configured", () => {
  function createDomain(): RemotingDomain {
    const domain = new RemotingDomain();
    onTestFinished(() => domain.close());
    return domain;
  }

  test("serves and finds services without URLs, in one file for both sides", async () => {
    const file = await fileWith(
      JSON.stringify({
        channels: { main: { url: "memory://configured", formatter: "json", sinks: ["compression"] } },
        services: { Greeter: { uri: "front/desk" } },
      }),
    );
    const [server, client] = [createDomain(), createDomain()];
    await server.configure(file, {});
    await client.configure(file, {});
    const { urls } = await server.serve([Greeter]);
    expect(urls).toEqual(["memory://configured"]);
    const greeter = client.getObject(Greeter);
    expect(client.getObjectUri(greeter)).toBe("front/desk");
    expect(await greeter.greet("Ada")).toBe("Hello Ada");
  });

  test("changes its channel by the environment alone", async () => {
    const file = await fileWith(JSON.stringify(minimal));
    const environment = { REMOTING_CHANNEL: "memory://elsewhere" };
    const [server, client] = [createDomain(), createDomain()];
    await server.configure(file, environment);
    await client.configure(file, environment);
    expect((await server.serve([Greeter])).urls).toEqual(["memory://elsewhere"]);
    expect(await client.getObject(Greeter).greet("Bob")).toBe("Hello Bob");
  });

  test("once, and not with a channel that does not exist", async () => {
    const domain = createDomain();
    const file = await fileWith(JSON.stringify(minimal));
    await domain.configure(file, {});
    await expect(domain.configure(file, {})).rejects.toThrow("configured already");
    const unknown = await fileWith(JSON.stringify({ channels: { main: { url: "gopher://x" } } }));
    await expect(createDomain().configure(unknown, {})).rejects.toThrow(/no built-in channel for gopher/);
    const variable = createDomain().configure(file, { REMOTING_CHANNEL: "gopher://x" });
    await expect(variable).rejects.toThrow(
      "has the URL gopher://x, which is from the environment variable REMOTING_CHANNEL, but there is no",
    );
    const two = { channels: { a: { url: "tcp://a:1" }, b: { url: "tcp://b:2" } } };
    const both = () => parseConfiguration(two, "f", { REMOTING_CHANNEL_B: "tcp://a:1" });
    expect(both).toThrow("both have the URL tcp://a:1, by REMOTING_CHANNEL_B: give");
  });

  test("without a configuration, serve and getObject say what is missing", async () => {
    await expect(createDomain().serve([Greeter])).rejects.toThrow(/configure\(\)/);
    expect(() => createDomain().getObject(Greeter)).toThrow(/configure\(\)/);
  });
});
