import { describe, expect, test } from "vitest";
import { parseChannelUrl } from "../../../src/channels/channel-url.ts";

describe("parseChannelUrl", () => {
  test.each([
    ["tcp://127.0.0.1:6100/Counter", "tcp", "127.0.0.1:6100", "Counter"],
    ["tcp://127.0.0.1:6100", "tcp", "127.0.0.1:6100", ""],
    ["tcp://127.0.0.1:6100/", "tcp", "127.0.0.1:6100", ""],
    ["TCP://[::1]:6100/shop/orders/1", "tcp", "[::1]:6100", "shop/orders/1"],
    ["memory://a b/~id", "memory", "a b", "~id"],
    ["git+ssh.x-1://y", "git+ssh.x-1", "y", ""],
    ["pipe://shop//double", "pipe", "shop", "/double"],
    ["tcp://a://b", "tcp", "a:", "/b"],
  ])("%s", (url, scheme, address, objectUri) => {
    expect(parseChannelUrl(url)).toEqual({ scheme, address, objectUri, endpoint: `${scheme}://${address}` });
  });

  test.each([
    "",
    "Counter",
    "tcp:/127.0.0.1:6100",
    "://x",
    "1tcp://x",
    " tcp://x",
    "t\ncp://x",
    "tcp\0://x",
    "tçp://x",
    `${"t".repeat(33)}://x`,
    "javascript:alert(1)",
  ])("refuses %j and says what a URL looks like", (url) => {
    expect(() => parseChannelUrl(url)).toThrow(TypeError);
    expect(() => parseChannelUrl(url)).toThrow("expected scheme://address");
  });

  test.each(["tcp://", "tcp:///Counter"])("refuses %j, which has no address", (url) => {
    expect(() => parseChannelUrl(url)).toThrow(`"${url}" names no address`);
  });

  test("bounds the length at N and N+1, without repeating what it refuses", () => {
    const longest = `tcp://${"x".repeat(2048 - 6)}`;
    expect(parseChannelUrl(longest).address).toHaveLength(2042);
    expect(() => parseChannelUrl(`${longest}x`)).toThrow("may have 2048 characters, not 2049");
  });

  test.each([undefined, null, 1, {}, ["tcp://x"]])("refuses %j, which is no string", (value) => {
    expect(() => parseChannelUrl(value as unknown as string)).toThrow(TypeError);
  });
});
