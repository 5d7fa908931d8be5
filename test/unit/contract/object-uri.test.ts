import { describe, expect, test } from "vitest";
import { checkObjectUri } from "../../../src/contract/object-uri.ts";

describe("checkObjectUri", () => {
  test.each(["a", "Counter", "shop/orders/1", "shop/", "x".repeat(255), "a.b_c~d!$&'()*+,;=:@-", "..a/b.."])(
    "returns %j",
    (uri) => {
      expect(checkObjectUri(uri, "Counter")).toBe(uri);
    },
  );

  test.each([
    ["", "not empty"],
    ["x".repeat(256), "at most 255 characters, not 256"],
    ["/Counter", "start with a slash"],
    ["~1234", "reserved for object ids"],
    ["..", '".." segments'],
    ["a/../b", '".." segments'],
    ["./a", '".." segments'],
    ["a b", "consists of"],
    ["a?b", "consists of"],
    ["a#b", "consists of"],
    ["a%20b", "consists of"],
    ["a\\b", "consists of"],
    ["a\n", "consists of"],
    ["Größe", "consists of"],
  ])("refuses %j", (uri, reason) => {
    expect(() => checkObjectUri(uri, "Counter")).toThrow(TypeError);
    expect(() => checkObjectUri(uri, "Counter")).toThrow(reason);
    expect(() => checkObjectUri(uri, "Counter")).toThrow("Counter cannot be published as");
  });

  test("refuses what is no string", () => {
    expect(() => checkObjectUri(Symbol.iterator as unknown as string, "Counter")).toThrow(
      "a URI is a string",
    );
  });
});
