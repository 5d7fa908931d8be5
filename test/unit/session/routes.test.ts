import { describe, expect, test } from "vitest";
import { ConnectionLostError } from "../../../src/errors.ts";
import { IncomingRoutes, OutgoingRoutes } from "../../../src/session/routes.ts";
import { maxRoutes } from "../../../src/session/session-limits.ts";

describe("routes", () => {
  test("both sides count alike", () => {
    const outgoing = new OutgoingRoutes();
    const incoming = new IncomingRoutes();
    const pairs = [
      ["a", "b"],
      ["a", "c"],
      ["b", "a"],
      ["", ""],
      ["a\nb", ""],
      ["a", "b\n"],
    ] as const;
    for (const [target, method] of pairs) {
      expect(outgoing.find(target, method)).toBe(0);
      outgoing.define(target, method);
      incoming.define({ target, method, resolved: undefined, revision: -1 });
    }
    for (const [target, method] of pairs) {
      expect(incoming.get(outgoing.find(target, method))).toMatchObject({ target, method });
    }
  });

  test.each([0, 2, -1, maxRoutes + 1, 0xffff_ffff])(
    "number %i, which was not given, is a protocol error",
    (number) => {
      const incoming = new IncomingRoutes();
      incoming.define({ target: "a", method: "b", resolved: undefined, revision: -1 });
      expect(() => incoming.get(number)).toThrow(ConnectionLostError);
    },
  );

  test("the table is bounded on both sides at the same number", () => {
    const outgoing = new OutgoingRoutes();
    const incoming = new IncomingRoutes();
    for (let count = 0; count < maxRoutes; count++) {
      expect(outgoing.hasRoom).toBe(true);
      outgoing.define("t", `m${count}`);
      incoming.define({ target: "t", method: `m${count}`, resolved: undefined, revision: -1 });
    }
    expect(outgoing.hasRoom).toBe(false);
    expect(() => incoming.define({ target: "t", method: "more", resolved: undefined, revision: -1 })).toThrow(
      ConnectionLostError,
    );
    expect(incoming.get(outgoing.find("t", `m${maxRoutes - 1}`)).method).toBe(`m${maxRoutes - 1}`);
  });
});
