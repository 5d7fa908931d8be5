import { describe, expect, test } from "vitest";
import type { ChannelHost } from "../../../src/channels/channel.ts";
import { MemoryBudget } from "../../../src/channels/memory-budget.ts";
import { AccessDeniedError } from "../../../src/errors.ts";
import { tcpChannel } from "../../../src/hosting/channel-factories.ts";
import { parseTcpAddress } from "../../../src/transports/tcp/tcp-address.ts";
import { TcpTransport } from "../../../src/transports/tcp/tcp-transport.ts";

describe("parseTcpAddress", () => {
  test.each([
    ["127.0.0.1:6100", "127.0.0.1", 6100],
    ["localhost:0", "localhost", 0],
    ["[::1]:65535", "::1", 65_535],
    ["[fe80::1%eth0]:1", "fe80::1%eth0", 1],
    ["host.example:00080", "host.example", 80],
  ])("%s", (address, host, port) => {
    expect(parseTcpAddress(address)).toEqual({ host, port });
  });

  test.each([
    "",
    ":1",
    "host",
    "host:",
    "host:65536",
    "host:123456",
    "host:-1",
    "host:1x",
    "::1:80",
    "[::1]",
    "[]:1",
    "[::1:80",
    "a:b:1",
    "host:1\n",
  ])("refuses %j", (address) => {
    expect(() => parseTcpAddress(address)).toThrow(TypeError);
  });
});

describe("listening on tcp://", () => {
  const host: ChannelHost = {
    inheritsDeadline: true,
    defaultTimeout: 0,
    limits: {},
    budgets: { queued: new MemoryBudget(0), incomplete: new MemoryBudget(0) },
    openPeer: () => {
      throw new Error("nobody calls");
    },
    events: { connected() {}, disconnected() {}, draining() {}, unobservedError() {} },
  };

  test.each([
    "0.0.0.0:0",
    "[::]:0",
    "192.0.2.1:0",
    "127.0.0.1.example:0",
    "1270.0.0.1:0",
    "localhost.example:0",
  ])("refuses %s without authentication, and says what to set", async (address) => {
    const listening = tcpChannel().listen(address, host);
    await expect(listening).rejects.toThrow(AccessDeniedError);
    await expect(listening).rejects.toThrow("allowAnonymousRemote");
  });

  test.each(["127.0.0.1:0", "localhost:0"])("takes %s and tells the port", async (address) => {
    const listener = await new TcpTransport().listen(address, () => {});
    expect(listener.address).toMatch(/:[1-9]\d*$/);
    await listener.close();
  });

  test("takes every address if it is told to", async () => {
    const listener = await tcpChannel({ allowAnonymousRemote: true }).listen("0.0.0.0:0", host);
    expect(listener.url).toMatch(/^tcp:\/\/0\.0\.0\.0:\d+$/);
    await listener.close(0);
  });

  test("an address that is taken rejects with the system's error", async () => {
    const transport = new TcpTransport();
    const listener = await transport.listen("127.0.0.1:0", () => {});
    await expect(transport.listen(listener.address, () => {})).rejects.toMatchObject({ code: "EADDRINUSE" });
    await listener.close();
  });

  test("port 0 can only be listened on", async () => {
    const { signal } = new AbortController();
    await expect(new TcpTransport().connect("127.0.0.1:0", signal)).rejects.toThrow(TypeError);
  });
});
