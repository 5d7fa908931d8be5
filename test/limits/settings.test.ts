/** What limits can be set to and where; and that docs/limits.md says what is so. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  ConnectError,
  jsonFormatter,
  MarshalByRefObject,
  memoryChannel,
  RemotingDomain,
  tcpChannel,
  transportChannel,
} from "remoting";
import { describe, expect, onTestFinished, test } from "vitest";
import { defaultDomainLimits } from "../../src/hosting/domain-limits.ts";
import { defaultChannelLimits } from "../../src/session/channel-limits.ts";
import { ScriptedTransport } from "../unit/session/scripted-connection.ts";

class Anything extends MarshalByRefObject {
  ask(): string {
    return "anything";
  }
}

const longest = 2 ** 31 - 1;

describe("docs/limits.md", () => {
  const text = readFileSync(fileURLToPath(new URL("../../docs/limits.md", import.meta.url)), "utf8");

  test("has each limit that can be set, once, with its default", () => {
    const [, section = ""] = text.split("## Limits that can be set");
    const rows = [...section.matchAll(/^\| `(\w+)` +\| (\d+)(?: ms)? +\|/gm)];
    expect(Object.fromEntries(rows.map(([, name, value]) => [name, Number(value)]))).toEqual(
      defaultDomainLimits,
    );
    expect(rows).toHaveLength(Object.keys(defaultDomainLimits).length);
  });

  test("names tests that there are", () => {
    for (const [, path = ""] of text.matchAll(/\]\((\.\.\/test\/[\w/.-]+)\)/g)) {
      expect(
        () => readFileSync(fileURLToPath(new URL(`../../docs/${path}`, import.meta.url))),
        path,
      ).not.toThrow();
    }
  });
});

describe("a limit", () => {
  test.each(Object.keys(defaultChannelLimits))("%s can be set for a domain and for a channel", (name) => {
    for (const value of [1, 50, 1000]) {
      new RemotingDomain({ limits: { [name]: value } });
      tcpChannel({ limits: { [name]: value } });
      memoryChannel({ limits: { [name]: value } });
    }
    for (const value of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "5", null, 2 ** 60]) {
      const limits = { [name]: value } as Record<string, number>;
      expect(() => new RemotingDomain({ limits }), String(value)).toThrow(TypeError);
      expect(() => tcpChannel({ limits }), String(value)).toThrow(`The limit ${name} must be a whole number`);
    }
  });

  test.each([
    ["maxDepth", 1, 1000],
    ["maxNodes", 1, Number.MAX_SAFE_INTEGER],
    ["maxCallsInFlight", 0, Number.MAX_SAFE_INTEGER],
    ["connectTimeout", 1, longest],
    ["handshakeTimeout", 1, longest],
    ["pingTimeout", 1, longest],
    ["pingInterval", 0, longest],
    ["writeTimeout", 0, longest],
    ["progressTimeout", 0, longest],
    ["messageTimeout", 0, longest],
    ["idleTimeout", 0, longest],
  ])("%s goes from %i to %i", (name, least, most) => {
    tcpChannel({ limits: { [name]: least } });
    tcpChannel({ limits: { [name]: most } });
    expect(() => tcpChannel({ limits: { [name]: least - 1 } })).toThrow(TypeError);
    expect(() => tcpChannel({ limits: { [name]: most + 1 } })).toThrow(TypeError);
  });

  test("of all peers together is a domain's and no channel's", () => {
    for (const name of ["maxTotalQueuedBytes", "maxTotalReassemblyBytes", "maxObjects"]) {
      new RemotingDomain({ limits: { [name]: 1 } });
      expect(() => tcpChannel({ limits: { [name]: 1 } })).toThrow(`There is no limit named ${name}`);
    }
  });

  test("that does not exist is told with those that do", () => {
    const limits = { maxCalls: 5 } as Record<string, number>;
    expect(() => new RemotingDomain({ limits })).toThrow(
      "There is no limit named maxCalls: expected maxPayloadBytes",
    );
    expect(() => tcpChannel({ limits: { toString: 1 } as Record<string, number> })).toThrow(
      "There is no limit",
    );
  });
});

describe("connectTimeout", () => {
  async function failureWith(options: { domain?: number; channel?: number }): Promise<unknown> {
    const transport = new ScriptedTransport();
    // Nobody answers; the attempt ends when it is given up.
    transport.connect = (_address?: string, signal?: AbortSignal) =>
      new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
    const limitsOf = (connectTimeout: number | undefined) =>
      connectTimeout === undefined ? {} : { limits: { connectTimeout } };
    const domain = new RemotingDomain(limitsOf(options.domain));
    onTestFinished(() => domain.close());
    domain.registerChannel(
      transportChannel(transport, { formatter: jsonFormatter(), ...limitsOf(options.channel) }),
    );
    return domain
      .getObject(Anything, "scripted://nobody/Anything")
      .ask()
      .catch((error: unknown) => error);
  }

  test("of the channel comes before the domain's", async () => {
    const error = await failureWith({ domain: 60_000, channel: 30 });
    expect(error).toBeInstanceOf(ConnectError);
    expect(String(error)).toContain("no connection within 30 ms");
    expect(error).toMatchObject({ mayHaveExecuted: false });
  });

  test("of the domain holds for a channel that does not say", async () => {
    expect(String(await failureWith({ domain: 40 }))).toContain("no connection within 40 ms");
  });
});
