import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClientActivated, type LeaseSettings, MarshalByRefObject, RemotingDomain } from "remoting";
import { describe, expect, onTestFinished, test } from "vitest";
import { parseConfiguration } from "../../../src/hosting/configuration.ts";
import { parseDuration } from "../../../src/hosting/lifetime-configuration.ts";
import { FakeClock } from "../../fake-clock.ts";

const minute = 60_000;

class Brief extends MarshalByRefObject {
  disposals = 0;

  override initializeLifetimeService(): Partial<LeaseSettings> {
    return { initialLeaseTime: minute };
  }

  ping(): number {
    return 1;
  }

  [Symbol.dispose](): void {
    this.disposals++;
  }
}

class Plain extends MarshalByRefObject {}

@ClientActivated()
class Ticket extends MarshalByRefObject {}

let names = 0;

async function serve(options: ConstructorParameters<typeof RemotingDomain>[0] = {}) {
  const clock = new FakeClock();
  const server = new RemotingDomain({ ...options, leases: { clock, ...options.leases } });
  const client = new RemotingDomain();
  onTestFinished(async () => {
    await client.close();
    await server.close();
  });
  const host = await server.serve(`memory://lifetime-${++names}`);
  return { clock, server, client, url: String(host.urls[0]) };
}

describe("durations of configuration files", () => {
  test.each([
    ["7M", 7 * minute],
    ["7m", 7 * minute],
    ["2D", 2 * 24 * 60 * minute],
    ["3H", 3 * 60 * minute],
    ["20S", 20_000],
    ["20MS", 20],
    ["20ms", 20],
    ["30", 30_000],
    [" 30 ", 30_000],
    [30, 30_000],
    [0, 0],
    ["", undefined],
    ["M", undefined],
    ["-1S", undefined],
    ["1.5S", undefined],
    [1.5, undefined],
    ["1 M", undefined],
    ["1W", undefined],
    [null, undefined],
    [{}, undefined],
    ["9".repeat(13), undefined],
  ])("%j", (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  test("a mistake is told with its place", () => {
    const channels = { main: { url: "tcp://127.0.0.1:6100" } };
    expect(() => parseConfiguration({ channels, lifetime: { leaseTime: "soon" } }, "r.json", {})).toThrow(
      'r.json: lifetime.leaseTime must be an integer with D, H, M, S or MS, or a number of seconds, not "soon"',
    );
    expect(() => parseConfiguration({ channels, lifetime: { lease: 1 } }, "r.json", {})).toThrow(
      "r.json: lifetime.lease is not known: expected leaseTime",
    );
    expect(() => parseConfiguration({ channels, lifetime: [] }, "r.json", {})).toThrow("lifetime must be");
  });

  test("hold for the domain, but for what the program has given", async () => {
    const folder = await mkdtemp(join(tmpdir(), "remoting-lifetime-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, "remoting.json");
    const name = `lifetime-${++names}`;
    await writeFile(
      file,
      JSON.stringify({
        channels: { main: { url: `memory://${name}` } },
        lifetime: { leaseTime: "7M", renewOnCallTime: 90, sponsorshipTimeout: "1H" },
      }),
    );
    const server = new RemotingDomain({ leases: { sponsorshipTimeout: 5 } });
    onTestFinished(() => server.close());
    await server.configure(file, {});
    await server.serve([Ticket]);
    const client = new RemotingDomain();
    onTestFinished(() => client.close());
    const lease = await client.getLifetimeService(await client.createInstance(Ticket, `memory://${name}`));
    expect(await lease?.initialLeaseTime()).toBe(7 * minute);
    expect(await lease?.renewOnCallTime()).toBe(90_000);
    expect(await lease?.sponsorshipTimeout()).toBe(5);
  });
});

describe("options", () => {
  test.each([
    [{ leases: { leaseTime: -1 } }, "leaseTime must be a number"],
    [{ leases: { leaseTime: "1M" } }, "leaseTime must be a number"],
    [{ leases: { leaseManagerPollTime: 0 } }, "leaseManagerPollTime must be more than 0"],
    [{ leases: { time: 1 } }, "no lease option named time"],
    [{ lifetime: "net" }, 'lifetime must be "held" or "dotnet"'],
    [{ dialable: ["tcp://127.0.0.1:1/Counter"] }, "names an object"],
    [{ limits: { maxObjects: -1 } }, "maxObjects"],
  ])("%j is refused", (options, message) => {
    expect(() => new RemotingDomain(options as ConstructorParameters<typeof RemotingDomain>[0])).toThrow(
      message,
    );
  });
});

describe("marshal", () => {
  test("with a class that wants a lease: it ends, at a URI and without one, and is not disposed of", async () => {
    const { server, client, url, clock } = await serve();
    const [named, unnamed, forever] = [new Brief(), new Brief(), new Plain()];
    const gone: object[] = [];
    server.on("objectDisconnected", (object) => gone.push(object));
    server.marshal(named, "brief");
    const { uri } = server.marshal(unnamed);
    server.marshal(forever, "plain");
    const proxies = ["brief", uri].map((at) => client.getObject<Brief>(`${url}/${at}`));
    for (const proxy of proxies) expect(await proxy.ping()).toBe(1);
    for (const proxy of proxies) {
      expect(await (await client.getLifetimeService(proxy))?.initialLeaseTime()).toBe(minute);
    }
    await clock.passAndSettle(2 * minute + 10_000);
    expect(gone).toEqual([named, unnamed]);
    await expect(proxies[0]?.ping()).rejects.toThrow("Nothing is published");
    await expect(proxies[1]?.ping()).rejects.toThrow("not there");
    expect([named.disposals, unnamed.disposals]).toEqual([0, 0]);
    // Published again it lives again.
    server.marshal(named, "brief");
    expect(await proxies[0]?.ping()).toBe(1);
    expect(await server.getLifetimeService(forever)).toBeNull();
  });

  test("again grants the initial time again", async () => {
    const { server, client, url, clock } = await serve();
    const object = new Brief();
    server.marshal(object, "brief");
    await clock.passAndSettle(50_000);
    server.marshal(object, "brief");
    await clock.passAndSettle(50_000);
    expect(await client.getObject<Brief>(`${url}/brief`).ping()).toBe(1);
  });

  test("the owner itself sees the lease, and can sponsor it", async () => {
    const { server, clock } = await serve();
    const object = new Brief();
    server.marshal(object, "brief");
    const lease = await server.getLifetimeService(object);
    expect(lease).toBe(await server.getLifetimeService(object));
    expect(lease?.currentLeaseTime()).toBe(minute);
    class Guard extends MarshalByRefObject {
      asked = 0;

      renewal(): number {
        return ++this.asked < 2 ? minute : 0;
      }
    }
    const guard = new Guard();
    lease?.register(guard);
    await clock.passAndSettle(minute + 10_000);
    await clock.passAndSettle(minute + 10_000);
    expect(guard.asked).toBe(2);
    expect(lease?.currentState()).toBe("Expired");
    expect(await server.getLifetimeService(object)).toBeNull();
    expect(() => lease?.renew(1)).toThrow("expired");
  });

  test("disconnect ends the lease as well", async () => {
    const { server, clock } = await serve();
    const object = new Brief();
    server.marshal(object, "brief");
    const lease = await server.getLifetimeService(object);
    expect(server.disconnect("brief")).toBe(true);
    expect(lease?.currentState()).toBe("Expired");
    expect(clock.waiting).toBe(0);
  });
});

describe("initializeLifetimeService", () => {
  test.each([
    ["undefined", undefined, "returned undefined"],
    ["a number", 5, "returned 5"],
    ["times that are none", { renewOnCallTime: "1M" }, "renewOnCallTime as 1M"],
  ])("that returns %s is an error where the object is published", async (_what, returned, message) => {
    class Wrong extends MarshalByRefObject {
      override initializeLifetimeService(): null {
        return returned as unknown as null;
      }
    }
    const { server } = await serve();
    expect(() => server.marshal(new Wrong())).toThrow(message);
  });

  test("with an initial time of 0 or less means for ever, as in .NET", async () => {
    class Endless extends MarshalByRefObject {
      override initializeLifetimeService(lease: LeaseSettings): LeaseSettings {
        lease.initialLeaseTime = 0;
        return lease;
      }
    }
    const { server, clock } = await serve({ lifetime: "dotnet" });
    const object = new Endless();
    server.marshal(object);
    expect(await server.getLifetimeService(object)).toBeNull();
    expect(clock.waiting).toBe(0);
  });
});
