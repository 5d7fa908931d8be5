/** Secrets and certificates by `remoting.json`: it names variables and files, and holds neither. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AccessDeniedError,
  ConnectError,
  MarshalByRefObject,
  memoryChannel,
  type Principal,
  RemotingDomain,
  Singleton,
} from "remoting";
import { describe, expect, onTestFinished, test } from "vitest";
import { parseConfiguration } from "../../src/hosting/configuration.ts";
import { Authority } from "./certificates.ts";

@Singleton("Safe")
class Safe extends MarshalByRefObject {
  open(): string {
    return "open";
  }
}

const secret = "the secret of the till, 32 bytes";

async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "remoting-security-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
  return path;
}

/** A domain that is configured by a file, in its own folder. */
async function configured(path: string, environment: Record<string, string> = {}): Promise<RemotingDomain> {
  const domain = new RemotingDomain({ closeGrace: 0 });
  onTestFinished(() => domain.close());
  domain.on("unobservedError", () => {});
  await domain.configure(join(path, "remoting.json"), environment);
  return domain;
}

const withSecret = (url: string) =>
  JSON.stringify({
    channels: {
      main: {
        url,
        credentials: { name: "till-7", secretVariable: "TILL_SECRET" },
        authentication: { "till-7": { secretVariable: "TILL_SECRET", roles: ["clerk"] } },
      },
    },
  });

describe("a shared secret", () => {
  test("one file for both sides: the secret is in the environment", async () => {
    const path = await folder({ "remoting.json": withSecret("memory://configured-secret") });
    const server = await configured(path, { TILL_SECRET: secret });
    const principals: (Principal | undefined)[] = [];
    server.on("connected", ({ principal }) => principals.push(principal));
    await server.serve([Safe]);
    expect(await (await configured(path, { TILL_SECRET: secret })).getObject(Safe).open()).toBe("open");
    expect(principals).toEqual([{ name: "till-7", roles: ["clerk"], authenticatedBy: "shared-secret" }]);
    const other = await configured(path, { TILL_SECRET: "the secret of somebody else, perhaps" });
    await expect(other.getObject(Safe).open()).rejects.toBeInstanceOf(AccessDeniedError);
  });

  test.each([{}, { TILL_SECRET: "" }])(
    "a variable that is not set is told where it is needed: %j",
    async (environment) => {
      const path = await folder({ "remoting.json": withSecret("memory://configured-without-secret") });
      const domain = await configured(path, environment);
      await expect(domain.serve([Safe])).rejects.toThrow(
        /The environment variable TILL_SECRET is not set, which .*remoting\.json names in channels\.main\.authentication\.till-7\.secretVariable/,
      );
      const calling = domain.getObject(Safe, "memory://configured-without-secret").open();
      await expect(calling).rejects.toBeInstanceOf(ConnectError);
    },
  );
});

describe("two channels of one scheme", () => {
  const authentication = { "till-7": { secretVariable: "TILL_SECRET" } };
  const credentials = { name: "till-7", secretVariable: "TILL_SECRET" };
  const two = (scheme: string) => ({
    inside: { url: `memory://${scheme}-inside` },
    outside: { url: `memory://${scheme}-outside`, authentication, credentials },
  });
  const file = (channels: object) => folder({ "remoting.json": JSON.stringify({ channels }) });

  function anonymous(): RemotingDomain {
    const domain = new RemotingDomain({ closeGrace: 0 });
    onTestFinished(() => domain.close());
    return domain;
  }

  test("each has its own security where it serves, and where its clients connect", async () => {
    const path = await file(two("own"));
    const server = await configured(path, { TILL_SECRET: secret });
    await server.serve([Safe]);
    const stranger = anonymous();
    expect(await stranger.getObject(Safe, "memory://own-inside").open()).toBe("open");
    await expect(stranger.getObject(Safe, "memory://own-outside").open()).rejects.toBeInstanceOf(
      AccessDeniedError,
    );
    const client = await configured(path, { TILL_SECRET: secret });
    expect(await client.getObject(Safe, "memory://own-outside").open()).toBe("open");
  });

  test("also where both ask for any free port", async () => {
    const any = "tcp://127.0.0.1:0";
    const path = await file({ inside: { url: any }, outside: { url: any, authentication } });
    const server = await configured(path, { TILL_SECRET: secret });
    const [inside, outside] = (await server.serve([Safe])).urls;
    expect(await anonymous().getObject(Safe, inside).open()).toBe("open");
    await expect(anonymous().getObject(Safe, outside).open()).rejects.toBeInstanceOf(AccessDeniedError);
  });

  test("cannot have one address", async () => {
    const url = "tcp://127.0.0.1:6100";
    const path = await file({ a: { url }, b: { url, authentication } });
    await expect(configured(path)).rejects.toThrow(
      /channels\.a and channels\.b both have the URL tcp:\/\/127\.0\.0\.1:6100/,
    );
  });

  test("a channel that was unregistered is not served with the settings of the other", async () => {
    const path = await file(two("gone"));
    const server = await configured(path, { TILL_SECRET: secret });
    await server.unregisterChannel("outside");
    await expect(server.serve([Safe])).rejects.toThrow(/"outside", which is not registered any more/);
    server.registerChannel(memoryChannel({ name: "outside" }));
    await expect(server.serve([Safe])).resolves.toBeDefined();
  });

  test("a channel that the program registers does not drop what the file says", async () => {
    const path = await file(two("first"));
    const server = await configured(path, { TILL_SECRET: secret });
    server.registerChannel(memoryChannel({ priority: 2 }));
    await expect(server.serve([Safe])).rejects.toThrow(/"memory" comes before "outside", and would drop/);
  });

  test("nor does one that was made because none was registered yet", async () => {
    const path = await file(two("implicit"));
    const server = anonymous();
    server.getObject(Safe, "memory://somewhere");
    await server.configure(join(path, "remoting.json"), { TILL_SECRET: secret });
    await server.serve([Safe]);
    const calling = anonymous().getObject(Safe, "memory://implicit-outside").open();
    await expect(calling).rejects.toBeInstanceOf(AccessDeniedError);
  });
});

test("security that a channel cannot have is refused", async () => {
  const authentication = { "till-7": { secretVariable: "TILL_SECRET" } };
  const channels = { main: { url: "mailslot://till", authentication } };
  const slot = await folder({ "remoting.json": JSON.stringify({ channels }) });
  await expect(configured(slot)).rejects.toThrow(/"main" cannot have credentials or authentication/);
  const encrypted = { main: { url: "tcps://127.0.0.1:6100", tls: {} } };
  const path = await folder({ "remoting.json": JSON.stringify({ channels: encrypted }) });
  await expect(configured(path, { REMOTING_CHANNEL: "tcp://127.0.0.1:6100" })).rejects.toThrow(
    /"main" has tls, and the URL tcp:/,
  );
});

describe("certificates", () => {
  test("files beside the configuration; each side reads its own", async () => {
    const shop = new Authority("shop");
    const server = shop.issue({ names: ["ip:127.0.0.1"] });
    const till = shop.issue({ names: ["dns:till-7"] });
    const tls = {
      ca: "ca.pem",
      server: {
        cert: "server.pem",
        key: "server.key",
        requireClientCertificate: true,
        roles: { "till-7": ["clerk"] },
      },
      client: { cert: "till.pem", key: "till.key" },
    };
    const file = (url: string) => JSON.stringify({ channels: { main: { url, tls } } });
    const ca = { "ca.pem": shop.cert };
    const here = await folder({
      "remoting.json": file("tcps://127.0.0.1:0"),
      ...ca,
      "server.pem": server.cert,
      "server.key": server.key,
    });
    const serving = await configured(here);
    const principals: (Principal | undefined)[] = [];
    serving.on("connected", ({ principal }) => principals.push(principal));
    const { urls } = await serving.serve([Safe]);
    const [url = ""] = urls;
    const there = await folder({
      "remoting.json": file(url),
      ...ca,
      "till.pem": till.cert,
      "till.key": till.key,
    });
    expect(await (await configured(there)).getObject(Safe).open()).toBe("open");
    expect(principals).toEqual([{ name: "till-7", roles: ["clerk"], authenticatedBy: "certificate" }]);
    // Without the client's files nobody connects; without the server's nobody listens.
    await rm(join(there, "till.key"));
    await expect((await configured(there)).getObject(Safe).open()).rejects.toThrow(/ENOENT.*till\.key/);
    await expect((await configured(there)).serve([Safe])).rejects.toThrow(/ENOENT.*server\.pem/);
  });
});

describe("what is wrong in the file is told with its place", () => {
  const parse = (channel: object) => () =>
    parseConfiguration({ channels: { main: { url: "tcps://a:1", ...channel } } }, "remoting.json", {});

  test.each<[object, string]>([
    [{ credentials: { name: "a", secret: "in the file" } }, "channels.main.credentials.secret is not known"],
    [{ credentials: { name: "a" } }, "channels.main.credentials.secretVariable must be a text"],
    [{ credentials: { secretVariable: "A" } }, "channels.main.credentials.name must be a text"],
    [{ credentials: "a" }, "channels.main.credentials must be an object"],
    [{ authentication: { a: "secret" } }, "channels.main.authentication.a must be an object"],
    [
      { authentication: { a: { secretVariable: "A", roles: "b" } } },
      "channels.main.authentication.a.roles must be a list",
    ],
    [{ tls: { rejectUnauthorized: false } }, "channels.main.tls.rejectUnauthorized is not known"],
    [{ tls: { minVersion: "TLSv1.1" } }, 'channels.main.tls.minVersion must be "TLSv1.2" or "TLSv1.3"'],
    [
      { tls: { server: { requireClientCertificate: "yes" } } },
      "requireClientCertificate must be true or false",
    ],
    [{ tls: { server: { roles: { a: "b" } } } }, "channels.main.tls.server.roles.a must be a list"],
    [{ tls: { client: { cert: 1 } } }, "channels.main.tls.client.cert must be a text"],
    [
      { url: "tcp://a:1", tls: { ca: "ca.pem" } },
      "channels.main.tls is only for tcps://, and the channel's URL is tcp://a:1",
    ],
  ])("%j", (channel, message) => {
    expect(parse(channel)).toThrow(TypeError);
    expect(parse(channel)).toThrow(`remoting.json: `);
    expect(parse(channel)).toThrow(message);
  });
});
