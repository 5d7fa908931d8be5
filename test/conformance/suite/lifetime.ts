/** Leases, sponsors, counted references, functions for one call, and the way of relayed proxies. */
import assert from "node:assert/strict";
import { once } from "node:events";
import {
  AccessDeniedError,
  ClientSponsor,
  type Lease,
  LimitExceededError,
  MarshalByRefObject,
  ObjectDisconnectedError,
  type Remote,
  RemoteInvocationError,
  type RemotingDomain,
  RemotingTimeoutError,
  SerializationError,
  type Sponsor,
  scoped,
} from "remoting";
import { describe, expect, test } from "vitest";
import { type ClientOptions, type ConformanceContext, rejectionOf } from "../conformance-context.ts";
import { Visitor } from "../server/activated-services.ts";
import { Attic, Brief, Cache, Everlasting, minute, Reservation } from "../server/lifetime-services.ts";
import type { ServerOptions } from "../server/start-server.ts";

/** Gives what it is told to, and notes that it was asked. */
class ScriptedSponsor extends MarshalByRefObject implements Sponsor {
  readonly answers: (number | Error | Promise<number>)[];
  readonly asked: string[];
  readonly #name: string;
  #tellAsked = () => {};
  /** Resolves when it has been asked: that time has passed at the server does not mean that the question is here. */
  readonly firstAsked = new Promise<void>((resolve) => {
    this.#tellAsked = resolve;
  });

  constructor(name: string, asked: string[], ...answers: (number | Error | Promise<number>)[]) {
    super();
    this.#name = name;
    this.asked = asked;
    this.answers = answers;
  }

  async renewal(_lease: Remote<Lease>): Promise<number> {
    this.asked.push(this.#name);
    this.#tellAsked();
    const answer = this.answers.shift() ?? 0;
    if (answer instanceof Error) throw answer;
    return answer;
  }
}

export function describeLifetime(context: ConformanceContext): void {
  async function open(domain: ServerOptions["domain"] & object = {}, options: ClientOptions = {}) {
    const server = await context.start({ domain });
    const client = context.connect(server.url, options);
    return {
      url: server.url,
      client,
      time: context.timeOf(server.url),
      attic: client.getObject(Attic, server.url),
    };
  }

  /** Cuts a client off in good order for it, but so that the server counts its references as lost. */
  async function lose(client: RemotingDomain, url: string): Promise<void> {
    const probe = context.probeOf(context.client, url);
    await client.close();
    // The server has noticed when it says so.
    while ((await probe.events()).filter((event) => event.startsWith("disconnected")).length === 0);
  }

  async function leaseOf(client: RemotingDomain, proxy: Parameters<RemotingDomain["whenDisconnected"]>[0]) {
    const lease = await client.getLifetimeService(proxy);
    assert(lease !== null, "it has no lease");
    return lease;
  }

  describe("a lease", () => {
    test("has .NET's times, which a client can read", async () => {
      const { client, url } = await open();
      const lease = await leaseOf(client, await client.createInstance(Reservation, url, "mine"));
      expect(await lease.currentState()).toBe("Active");
      expect(await lease.initialLeaseTime()).toBe(5 * minute);
      expect(await lease.renewOnCallTime()).toBe(2 * minute);
      expect(await lease.sponsorshipTimeout()).toBe(2 * minute);
      expect(await lease.currentLeaseTime()).toBe(5 * minute);
    });

    test("is the same one however often it is asked for", async () => {
      const { client, url } = await open();
      const reservation = await client.createInstance(Reservation, url, "mine");
      expect(await client.getLifetimeService(reservation)).toBe(await client.getLifetimeService(reservation));
    });

    test("does not run while a connected client holds the object", async () => {
      const { client, url, time } = await open();
      const reservation = await client.createInstance(Reservation, url, "mine");
      await time.pass(1_000 * minute);
      expect(await reservation.ping()).toBe("mine");
    });

    test("begins to run when the connection is lost, and then disposes of the object", async () => {
      const key = context.newKey();
      const { client, url, time } = await open();
      await client.createInstance(Reservation, url, key);
      await lose(client, url);
      await time.pass(5 * minute - 10_000);
      expect(await context.ledger.eventsOf(key)).toEqual(["creating"]);
      await time.pass(20_000);
      await context.ledger.whenRecorded("disposed", key);
      expect(await time.disconnected()).toContain("Reservation");
    });

    test("lets nobody know whether an object has expired or never was", async () => {
      const { client, url, time } = await open();
      const reservation = await client.createInstance(Reservation, url, "mine");
      const id = client.getObjectUri(reservation);
      await lose(client, url);
      await time.pass(6 * minute);
      const [expired, unknown] = [id, "~AAAAAAAAAAAAAAAAAAAAAA"].map((uri) =>
        context.client.getObject<Reservation>(`${url}/${uri}`),
      );
      const error = await rejectionOf(expired?.ping() ?? Promise.resolve(), ObjectDisconnectedError);
      const other = await rejectionOf(unknown?.ping() ?? Promise.resolve(), ObjectDisconnectedError);
      expect(error.message).toBe(other.message);
    });

    test("is renewed by calls that come over another connection, for two minutes from then", async () => {
      const { client, url, time } = await open();
      const reservation = await client.createInstance(Reservation, url, "mine");
      const same = context.client.getObject<Reservation>(`${url}/${client.getObjectUri(reservation)}`);
      await lose(client, url);
      await time.pass(4 * minute);
      expect(await same.ping()).toBe("mine");
      await time.pass(110_000);
      expect(await same.ping()).toBe("mine");
      await time.pass(140_000);
      await rejectionOf(same.ping(), ObjectDisconnectedError);
    });

    test("renewed, has the larger of what it had and what was asked for, a day at most", async () => {
      const { client, url, time } = await open();
      const reservation = await client.createInstance(Reservation, url, "mine");
      const id = client.getObjectUri(reservation);
      const lease = await leaseOf(client, reservation);
      expect(await lease.renew(minute)).toBe(5 * minute);
      expect(await lease.renew(10 * minute)).toBe(10 * minute);
      expect(await lease.renew(10 * minute)).toBe(10 * minute);
      expect(await lease.renew(1e9 * minute)).toBe(24 * 60 * minute);
      await expect(lease.renew(-1)).rejects.toThrow("milliseconds");
      await expect(lease.renew(Number.NaN)).rejects.toThrow("milliseconds");
      await lose(client, url);
      await time.pass(23 * 60 * minute);
      expect(await context.client.getObject<Reservation>(`${url}/${id}`).ping()).toBe("mine");
      await time.pass(61 * minute);
      await rejectionOf(
        context.client.getObject<Reservation>(`${url}/${id}`).ping(),
        ObjectDisconnectedError,
      );
    });

    test("does not end during a call, and has two minutes afterwards", async () => {
      const key = context.newKey();
      const { client, url, time } = await open({ lifetime: "dotnet" });
      const reservation = await client.createInstance(Reservation, url, key);
      const held = reservation.hold(key);
      await context.ledger.whenRecorded("held", key);
      await time.pass(100 * minute);
      await context.ledger.open(key);
      expect(await held).toBe(key);
      await time.pass(110_000);
      expect(await reservation.ping()).toBe(key);
      await time.pass(140_000);
      await rejectionOf(reservation.ping(), ObjectDisconnectedError);
    });

    test("does not exist for what the call or the connection owns, nor for a Singleton", async () => {
      const { client, url, attic } = await open();
      expect(await client.getLifetimeService(attic)).toBeNull();
      expect(await client.getLifetimeService(client.getObject(Visitor, url))).toBeNull();
      const mine = new Everlasting();
      const key = context.newKey();
      await attic.keep(key, mine);
      expect(await client.getLifetimeService(mine)).toBeNull();
      expect(await client.getLifetimeService(new Everlasting())).toBeNull();
    });

    test("of a function that was returned is one as of an object", async () => {
      const { client, attic } = await open();
      const count = await attic.counter();
      expect(await (await leaseOf(client, count)).currentLeaseTime()).toBe(5 * minute);
      expect(await count()).toBe(1);
    });
  });

  describe("initializeLifetimeService", () => {
    test("gives a class times of its own", async () => {
      const { client, url, time } = await open();
      const brief = await client.createInstance(Brief, url);
      const lease = await leaseOf(client, brief);
      expect([await lease.initialLeaseTime(), await lease.renewOnCallTime()]).toEqual([minute, minute / 2]);
      expect(await lease.sponsorshipTimeout()).toBe(2 * minute);
      const id = client.getObjectUri(brief);
      await lose(client, url);
      await time.pass(70_000);
      await rejectionOf(context.client.getObject<Brief>(`${url}/${id}`).ping(), ObjectDisconnectedError);
    });

    test("that returns null makes an object that time does not end", async () => {
      const { client, url, time } = await open();
      const everlasting = await client.createInstance(Everlasting, url);
      expect(await client.getLifetimeService(everlasting)).toBeNull();
      const id = client.getObjectUri(everlasting);
      await lose(client, url);
      await time.pass(100_000 * minute);
      expect(await context.client.getObject<Everlasting>(`${url}/${id}`).ping()).toBe(1);
    });

    test("of a Singleton has it made anew when its time is over, and disposed of", async () => {
      const { client, url, time } = await open();
      const cache = client.getObject(Cache, url);
      const first = await cache.generation();
      await time.pass(50_000);
      expect(await cache.generation()).toBe(first);
      const lease = await leaseOf(client, cache);
      expect(await lease.currentLeaseTime()).toBe(minute);
      await time.pass(50_000);
      expect(await cache.generation()).toBe(first);
      await time.pass(70_000);
      await context.ledger.whenRecorded("disposed", `cache-${first}`);
      expect(await cache.generation()).not.toBe(first);
    });

    test("of a Singleton: it stays during a call, and while somebody holds it", async () => {
      const { client, url, time, attic } = await open();
      const cache = client.getObject(Cache, url);
      const first = await cache.generation();
      const key = context.newKey();
      const slow = cache.slowly(key);
      await context.ledger.whenRecorded("slow", key);
      await time.pass(10 * minute);
      await context.ledger.open(key);
      expect(await slow).toBe(first);
      const held = await cache.self();
      await time.pass(10 * minute);
      expect(await held.generation()).toBe(first);
      expect(await cache.generation()).toBe(first);
      await held[Symbol.asyncDispose]();
      // Time is moved over another connection: this call follows the release, and is answered before that.
      await attic.forget(key);
      await time.pass(2 * minute);
      expect(await cache.generation()).not.toBe(first);
    });
  });

  describe('lifetime: "dotnet"', () => {
    test("lets idle objects expire although they are held", async () => {
      const key = context.newKey();
      const { client, url, time } = await open({ lifetime: "dotnet" });
      const reservation = await client.createInstance(Reservation, url, key);
      await time.pass(4 * minute);
      expect(await reservation.ping()).toBe(key);
      await time.pass(110_000);
      expect(await reservation.ping()).toBe(key);
      await time.pass(140_000);
      await context.ledger.whenRecorded("disposed", key);
      await rejectionOf(reservation.ping(), ObjectDisconnectedError);
    });

    test("gives Singletons a lease, so that an idle one is made anew", async () => {
      const { client, attic, time } = await open({ lifetime: "dotnet" });
      const key = context.newKey();
      await attic.keep(key, { kept: true });
      expect(await (await leaseOf(client, attic)).currentLeaseTime()).toBe(5 * minute);
      await time.pass(6 * minute);
      await expect(attic.callKept(key)).rejects.toThrow("nothing is kept");
    });

    test("lets an object be lent again that has expired, and grants it all of its time", async () => {
      const { attic, time } = await open({ lifetime: "dotnet" });
      const brief = await attic.brief();
      await time.pass(2 * minute);
      await rejectionOf(brief.ping(), ObjectDisconnectedError);
      const again = await attic.brief();
      expect(await again.ping()).toBe(1);
      await time.pass(50_000);
      await attic.brief();
      await time.pass(50_000);
      expect(await again.ping()).toBe(1);
    });

    test("times can be set for a domain", async () => {
      const { client, url } = await open({ leases: { leaseTime: 7_000, renewOnCallTime: 3_000 } });
      const lease = await leaseOf(client, await client.createInstance(Reservation, url, "mine"));
      expect([await lease.initialLeaseTime(), await lease.renewOnCallTime()]).toEqual([7_000, 3_000]);
    });
  });

  describe("sponsors", () => {
    /** Waits until the sponsors have been asked that were to be: their answers travel, and that takes real time. */
    async function settled(lease: Remote<Lease>): Promise<void> {
      try {
        while ((await lease.currentState()) === "Renewing");
      } catch (error) {
        if (!(error instanceof ObjectDisconnectedError)) throw error;
      }
    }

    async function sponsored(options: ClientOptions = {}) {
      const opened = await open({ lifetime: "dotnet" }, options);
      const reservation = await opened.client.createInstance(Reservation, opened.url, context.newKey());
      return { ...opened, reservation, lease: await leaseOf(opened.client, reservation) };
    }

    test("are asked when the time is over, and keep the object", async () => {
      const { lease, reservation, time } = await sponsored();
      const asked: string[] = [];
      await lease.register(new ScriptedSponsor("only", asked, 10 * minute, 0));
      await time.pass(5 * minute);
      await settled(lease);
      expect(asked).toEqual(["only"]);
      await time.pass(9 * minute);
      expect(asked).toEqual(["only"]);
      expect(await reservation.ping()).toBeDefined();
      await time.pass(3 * minute);
      await settled(lease);
      expect(asked).toEqual(["only", "only"]);
      await rejectionOf(reservation.ping(), ObjectDisconnectedError);
    });

    test("the one with the largest last renewal is asked first; one that gives nothing or fails is not asked again", async () => {
      const { lease, reservation, time } = await sponsored();
      const asked: string[] = [];
      await lease.register(new ScriptedSponsor("small", asked, minute, minute), minute);
      await lease.register(new ScriptedSponsor("failing", asked, new Error("as asked")), 3 * minute);
      await lease.register(new ScriptedSponsor("unwilling", asked, 0), 4 * minute);
      await time.pass(5 * minute + 10_000);
      await settled(lease);
      expect(asked).toEqual(["unwilling", "failing", "small"]);
      expect(await lease.currentState()).toBe("Active");
      await time.pass(minute + 20_000);
      await settled(lease);
      expect(asked.slice(3)).toEqual(["small"]);
      await time.pass(minute + 20_000);
      await settled(lease);
      expect(asked.slice(4)).toEqual(["small"]);
      await rejectionOf(reservation.ping(), ObjectDisconnectedError);
    });

    test("one that does not answer in time is not asked again", async () => {
      // The question stays unanswered: its client would wait for that as long as it may when it closes.
      const { lease, reservation, time } = await sponsored({ closeGrace: 0 });
      const asked: string[] = [];
      const sponsor = new ScriptedSponsor("silent", asked, new Promise<number>(() => {}));
      await lease.register(sponsor);
      await time.pass(5 * minute + 10_000);
      await sponsor.firstAsked;
      expect(asked).toEqual(["silent"]);
      expect(await lease.currentState()).toBe("Renewing");
      await time.pass(3 * minute);
      await rejectionOf(reservation.ping(), ObjectDisconnectedError);
      expect(asked).toEqual(["silent"]);
    });

    test("registered with a time renew at once; unregistered, are not asked", async () => {
      const { lease, reservation, time } = await sponsored();
      const asked: string[] = [];
      const sponsor = new ScriptedSponsor("gone", asked, minute);
      await lease.register(sponsor, 20 * minute);
      expect(await lease.currentLeaseTime()).toBe(20 * minute);
      await lease.register(sponsor);
      await lease.unregister(sponsor);
      await lease.unregister(sponsor);
      await time.pass(21 * minute);
      expect(asked).toEqual([]);
      await rejectionOf(reservation.ping(), ObjectDisconnectedError);
    });

    test("keep an object after the connection of its holder was lost, if theirs lasts", async () => {
      const { client, url, time } = await open();
      const reservation = await client.createInstance(Reservation, url, "mine");
      const other = context.connect(url);
      const same = other.getObject<Reservation>(`${url}/${client.getObjectUri(reservation)}`);
      const asked: string[] = [];
      await (await leaseOf(other, same)).register(new ScriptedSponsor("other", asked, 10 * minute));
      await lose(client, url);
      await time.pass(5 * minute + 10_000);
      await settled(await leaseOf(other, same));
      expect(asked).toEqual(["other"]);
      expect(await same.ping()).toBe("mine");
    });

    test("whose connection is lost give nothing", async () => {
      const key = context.newKey();
      const { client, url, time } = await open();
      const reservation = await client.createInstance(Reservation, url, key);
      const asked: string[] = [];
      await (await leaseOf(client, reservation)).register(new ScriptedSponsor("lost", asked, 10 * minute));
      await lose(client, url);
      await time.pass(5 * minute + 10_000);
      await context.ledger.whenRecorded("disposed", key);
      expect(asked).toEqual([]);
    });

    test("must be the caller's own", async () => {
      const { lease, attic } = await sponsored();
      const asked: string[] = [];
      const brief = await attic.brief();
      await rejectionOf(lease.register(brief as unknown as Sponsor), AccessDeniedError);
      await rejectionOf(lease.register({} as unknown as Sponsor), AccessDeniedError);
      // Nor does the server hand its own lease to the sponsor of another.
      await attic.registerFor(lease, new ScriptedSponsor("own", asked));
    });

    test("are at most sixteen for each peer", async () => {
      const { lease, reservation, url } = await sponsored();
      const sponsors = Array.from({ length: 17 }, (_, index) => new ScriptedSponsor(String(index), []));
      for (const sponsor of sponsors.slice(0, 16)) await lease.register(sponsor);
      const refused = sponsors[16];
      assert(refused !== undefined && sponsors[0] !== undefined);
      const error = await rejectionOf(lease.register(refused), LimitExceededError);
      expect(error.limit).toBe("maxSponsors");
      await lease.register(sponsors[0]);
      // Another peer has its own sixteen.
      const other = context.connect(url);
      const same = other.getObject<Reservation>(`${url}/${other.getObjectUri(reservation)}`);
      await (await leaseOf(other, same)).register(refused);
      await lease.unregister(sponsors[0]);
      await lease.register(refused);
    });

    test("a ClientSponsor does what most need, until it is closed", async () => {
      const { lease, reservation, url, time, client } = await sponsored();
      const sponsor = new ClientSponsor(10 * minute);
      expect(await sponsor.register(reservation)).toBe(true);
      expect(await sponsor.register(client.getObject(Visitor, url))).toBe(false);
      for (let times = 0; times < 3; times++) {
        await time.pass(10 * minute);
        await settled(lease);
      }
      expect(await reservation.ping()).toBeDefined();
      await sponsor.close();
      // The lease is not the sponsor's alone.
      expect(await lease.currentState()).toBe("Active");
      expect(sponsor.renewal()).toBe(0);
      expect(await sponsor.register(reservation)).toBe(false);
      await time.pass(30 * minute);
      await rejectionOf(reservation.ping(), ObjectDisconnectedError);
    });

    test("a sponsor that is unregistered is let go of by the server", async () => {
      const { lease, client } = await sponsored();
      const sponsor = new ScriptedSponsor("short", []);
      await lease.register(sponsor);
      const gone = once(client, "objectDisconnected");
      await lease.unregister(sponsor);
      expect((await gone)[0]).toBe(sponsor);
    });
  });

  describe("a client-activated object", () => {
    test("is disposed of with its proxy", async () => {
      const key = context.newKey();
      {
        await using reservation = await context.client.createInstance(Reservation, context.url, key);
        expect(await reservation.ping()).toBe(key);
      }
      await context.ledger.whenRecorded("disposed", key);
    });

    test("is disposed of when its client is gone before it was made", async () => {
      const key = context.newKey();
      const { client, url } = await open({}, { closeGrace: 0 });
      const creating = client.createInstance(Reservation, url, key, key);
      creating.catch(() => {});
      await context.ledger.whenRecorded("creating", key);
      await lose(client, url);
      await context.ledger.open(key);
      await context.ledger.whenRecorded("disposed", key);
      await expect(creating).rejects.toThrow();
    });

    test("is disposed of when its client has not waited for it", async () => {
      const key = context.newKey();
      const { client, url, attic } = await open({}, { defaultTimeout: 100 });
      // Connected first: the time to connect counts, and is not what this is about.
      await client.withOptions(attic, { timeout: 0 }).isAttic(1);
      await rejectionOf(client.createInstance(Reservation, url, key, key), RemotingTimeoutError);
      await context.ledger.open(key);
      await context.ledger.whenRecorded("disposed", key);
    });
  });

  describe("references are counted back", () => {
    /** Resolves when this client has lent nothing that is not needed any more. */
    async function lentBy(client: RemotingDomain, act: () => Promise<unknown>): Promise<unknown> {
      const gone = once(client, "objectDisconnected");
      await act();
      return (await gone)[0];
    }

    test("by a call that is withdrawn before it left", async () => {
      const { client, attic } = await open();
      await attic.isAttic(1);
      const callback = () => 1;
      const gone = await lentBy(client, async () => {
        const abort = new AbortController();
        const call = client.withOptions(attic, { signal: abort.signal }).keep("x", callback);
        abort.abort();
        await expect(call).rejects.toMatchObject({ name: "AbortError", mayHaveExecuted: false });
      });
      expect(gone).toBe(callback);
    });

    test("by a call that was refused before anybody looked at its arguments", async () => {
      const { client, url } = await open();
      const nowhere = client.getObject<Attic>(`${url}/Nowhere`);
      const callback = () => 1;
      expect(
        await lentBy(client, () =>
          expect(nowhere.keep("x", callback)).rejects.toThrow("Nothing is published"),
        ),
      ).toBe(callback);
    });

    test("by one that cannot be sent because of something else in it", async () => {
      const { client, attic } = await open();
      const callback = () => 1;
      expect(
        await lentBy(client, () =>
          expect(attic.keep("x", [callback, Symbol("x")])).rejects.toThrow(SerializationError),
        ),
      ).toBe(callback);
    });

    test("what the peer still has stays: only what was not sent is taken back", async () => {
      const { client, attic } = await open();
      const callback = () => 7;
      await attic.keep("x", callback);
      const abort = new AbortController();
      const call = client.withOptions(attic, { signal: abort.signal }).keep("y", callback);
      abort.abort();
      await expect(call).rejects.toThrow();
      await expect(attic.keep("z", [callback, Symbol("x")])).rejects.toThrow(SerializationError);
      expect(await attic.callKept("x")).toBe(7);
    });

    test("a release that crosses a new reference to the same object takes nothing from it", async () => {
      const { attic, time } = await open();
      const brief = await attic.brief();
      // The server lends it again before it hears that the client has let go of it.
      const coming = attic.brief();
      await brief[Symbol.asyncDispose]();
      const again = await coming;
      expect(again).not.toBe(brief);
      expect(await again.ping()).toBe(1);
      expect(await time.disconnected()).not.toContain("Brief");
      await again[Symbol.asyncDispose]();
      await attic.isAttic(1);
      expect(await time.disconnected()).toContain("Brief");
    });

    test("a large answer that is refused does not take back what an earlier one has brought", async () => {
      const { attic, time } = await open({}, { limits: { maxPayloadBytes: 100_000 } });
      const brief = await attic.brief();
      const error = await rejectionOf(attic.briefWith(200_000), LimitExceededError);
      expect(error).toMatchObject({ limit: "maxPayloadBytes", mayHaveExecuted: true });
      expect((await attic.briefWith(20_000))[0]).toBe(brief);
      // Neither too much was taken back …
      expect(await brief.ping()).toBe(1);
      expect(await time.disconnected()).not.toContain("Brief");
      // … nor too little: when the client lets go of what has come, nobody holds it.
      await brief[Symbol.asyncDispose]();
      await attic.isAttic(1);
      expect(await time.disconnected()).toContain("Brief");
    });
  });

  describe("limits", () => {
    const limit = 3;

    test.each([limit - 1, limit])("%i objects may be lent to one client", async (number) => {
      const server = await context.start({ limits: { maxReferencesLent: limit } });
      const client = context.connect(server.url);
      const attic = client.getObject(Attic, server.url);
      const counters = [];
      for (let index = 0; index < number; index++) counters.push(await attic.counter());
      expect(new Set(counters).size).toBe(number);
    });

    test("one more is refused, and no longer when one was let go of", async () => {
      const server = await context.start({ limits: { maxReferencesLent: limit } });
      const client = context.connect(server.url);
      const attic = client.getObject(Attic, server.url);
      const counters = [];
      for (let index = 0; index < limit; index++) counters.push(await attic.counter());
      const error = await rejectionOf(attic.counter(), LimitExceededError);
      expect(error).toMatchObject({ limit: "maxReferencesLent", mayHaveExecuted: true });
      const [first] = counters;
      assert(first !== undefined);
      await first[Symbol.asyncDispose]();
      expect(await (await attic.counter())()).toBe(1);
    });

    test.each([limit - 1, limit])("%i references may be passed to a server", async (number) => {
      const server = await context.start({ limits: { maxReferencesTaken: limit } });
      const attic = context.connect(server.url).getObject(Attic, server.url);
      for (let index = 0; index < number; index++) await attic.keep(`key-${index}`, () => index);
      expect(await attic.callKept(`key-${number - 1}`)).toBe(number - 1);
    });

    test("one more is refused before the method runs, and costs neither side anything", async () => {
      const server = await context.start({ limits: { maxReferencesTaken: limit } });
      const client = context.connect(server.url);
      const attic = client.getObject(Attic, server.url);
      const callbacks = Array.from({ length: limit }, (_, index) => () => index);
      for (const [index, callback] of callbacks.entries()) await attic.keep(`key-${index}`, callback);
      const gone: object[] = [];
      client.on("objectDisconnected", (object) => gone.push(object));
      const tooMany = () => 99;
      const error = await rejectionOf(attic.keep("more", [callbacks[0], tooMany]), LimitExceededError);
      expect(error).toMatchObject({ limit: "maxReferencesTaken", mayHaveExecuted: false });
      expect(gone).toEqual([tooMany]);
      expect(await attic.callKept("key-0")).toBe(0);
      // The same ones cost nothing again.
      await attic.keep("again", callbacks);
    });

    test("a domain lends so many in all", async () => {
      const server = await context.start({ domain: { limits: { maxObjects: 2 } } });
      const [first, second] = [context.connect(server.url), context.connect(server.url)];
      await first.getObject(Attic, server.url).counter();
      const held = await second.getObject(Attic, server.url).counter();
      const error = await rejectionOf(first.getObject(Attic, server.url).counter(), LimitExceededError);
      expect(error.limit).toBe("maxObjects");
      await held[Symbol.asyncDispose]();
      await second.getObject(Attic, server.url).isAttic(1);
      await first.getObject(Attic, server.url).counter();
    });
  });

  describe("scoped functions", () => {
    test("can be called while the call lasts, and are gone on both sides when it has settled", async () => {
      const { client, attic } = await open();
      const gone: object[] = [];
      client.on("objectDisconnected", (object) => gone.push(object));
      const double = scoped((value: number) => value * 2);
      expect(
        await attic.callAll(
          double,
          double,
          scoped((value: number) => -value),
        ),
      ).toEqual([0, 2, -2]);
      expect(gone).toHaveLength(2);
      const key = context.newKey();
      await attic.keep(key, double);
      const error = await rejectionOf(attic.callKept(key), RemoteInvocationError);
      expect(error.remoteName).toBe("ObjectDisconnectedError");
      expect(error.message).toContain("over");
      await expect(attic.fail(double)).rejects.toThrow("as asked");
      expect(gone).toHaveLength(4);
    });

    test("passed to two calls at a time last for both", async () => {
      const { attic } = await open();
      let count = 0;
      const callback = scoped(() => ++count);
      const [first, second] = [context.newKey(), context.newKey()];
      const calls = [attic.callLater(first, first, callback), attic.callLater(second, second, callback)];
      await context.ledger.whenRecorded("called", first);
      await context.ledger.whenRecorded("called", second);
      await context.ledger.open(first);
      await calls[0];
      await context.ledger.open(second);
      expect(await Promise.all(calls)).toEqual([1 + 3, 2 + 4]);
    });

    test("may come home with the result, but cannot be returned, and not be passed where no end is known", async () => {
      const { attic } = await open();
      const callback = scoped(() => 1);
      expect(await attic.give([callback])).toEqual([callback]);
      await expect(attic.callAll(async () => callback as unknown as number)).rejects.toThrow(
        "scoped function",
      );
      const visitor = context.client.getObject(Visitor, context.url);
      const error = await rejectionOf(visitor.leave(callback as unknown as string), SerializationError);
      expect(error.message).toContain("one-way");
    });

    test("end with a call that is given up", async () => {
      const { client, attic } = await open();
      const key = context.newKey();
      const callback = scoped(() => 1);
      const gone = once(client, "objectDisconnected");
      const abort = new AbortController();
      const call = client.withOptions(attic, { signal: abort.signal }).callLater(key, key, callback);
      await context.ledger.whenRecorded("called", key);
      abort.abort();
      await expect(call).rejects.toMatchObject({ name: "AbortError" });
      expect((await gone)[0]).toBe(callback);
      await context.ledger.open(key);
    });
  });

  describe("the way of passed proxies", () => {
    /** How many connections a server has had. */
    async function connectionsOf(url: string): Promise<number> {
      const events = await context.probeOf(context.client, url).events();
      return events.filter((event) => event === "connected incoming").length;
    }

    test("a well-known object comes to its own server as itself", async () => {
      const { client, attic, url } = await open();
      expect(await attic.isAttic(attic)).toBe(true);
      const cache = client.getObject(Cache, url);
      expect(await attic.isCache(cache)).toBe(true);
      expect(await attic.isCache(client.getObject<Cache>(`${url}/Cache`))).toBe(true);
      expect(await attic.generationOf(cache)).toBe(await cache.generation());
    });

    test("and so does a returned object, over a later connection", async () => {
      const { client, url } = await open();
      const brief = await client.getObject(Attic, url).brief();
      const id = client.getObjectUri(brief);
      await lose(client, url);
      const later = context.connect(url);
      const attic = later.getObject(Attic, url);
      const same = later.getObject<Brief>(`${url}/${id}`);
      expect(await attic.isBrief(same)).toBe(true);
      expect(
        await attic.isBrief(later.getObject<Brief>(`${url}/~AAAAAAAAAAAAAAAAAAAAAA`)).catch(() => false),
      ).toBe(false);
      expect(await same.ping()).toBe(1);
    });

    test("one with an object for each call can be called there", async () => {
      const { client, attic, url } = await open();
      const key = context.newKey();
      const visitor = client.getObject(Visitor, url);
      await attic.keep(key, visitor.visit.bind(visitor, key));
      expect(await attic.callKept(key)).toBe(1);
      const kept = await attic.give(visitor);
      expect(await (kept as typeof visitor).visit(key)).toBe(1);
      expect(await (kept as typeof visitor).visit(key)).toBe(1);
    });

    test("one of a third is relayed: what a peer names is not dialled", async () => {
      const third = await open();
      const { client, attic } = await open();
      const cache = client.getObject(Cache, third.url);
      const generation = await cache.generation();
      const before = await connectionsOf(third.url);
      expect(await attic.give({ cache })).toEqual({ cache });
      expect(await attic.generationOf(cache)).toBe(generation);
      // Also one of which this client does not have the class, and so cannot say it.
      expect(await attic.generationOf(client.getObject<Cache>(`${third.url}/Cache`))).toBe(generation);
      expect(await connectionsOf(third.url)).toBe(before);
    });

    test("it is dialled if the domain may", async () => {
      const third = await open();
      const { client, url } = await open({ dialable: [third.url] });
      const attic = client.getObject(Attic, url);
      const cache = client.getObject(Cache, third.url);
      const generation = await cache.generation();
      const before = await connectionsOf(third.url);
      expect(await attic.generationOf(cache)).toBe(generation);
      expect(await attic.isSame(cache, cache)).toBe(true);
      expect(await connectionsOf(third.url)).toBe(before + 1);
      // The server needs its client no longer.
      const kept = (await attic.give(cache)) as typeof cache;
      expect(await kept.generation()).toBe(generation);
    });

    test("it comes to its owner as itself, whoever passes it", async () => {
      const owner = await context.serveHere();
      const original = new Attic();
      owner.domain.marshal(original, "Attic");
      // A client, to the owner.
      const client = context.connect(owner.url);
      const attic = client.getObject(Attic, owner.url);
      expect(await attic.isAttic(client.getObject<Attic>(`${owner.url}/Attic`))).toBe(true);
      // A client that the owner calls back.
      await attic.keep("ask", () => attic);
      expect(await original.callKept("ask")).toBe(original);
      // A server that the owner calls, and that knows it by its address only.
      const other = await context.serveHere();
      const keeper = new Attic();
      keeper.keep("attic", other.domain.getObject(Attic, owner.url));
      other.domain.marshal(keeper, "Attic");
      expect(await owner.domain.getObject(Attic, other.url).kept("attic")).toBe(original);
      // To others it is what they call there.
      expect(await other.domain.getObject(Attic, owner.url).isAttic(keeper)).toBe(false);
    });
  });

  test("a domain tells what it lends, gets and lets go of", async () => {
    const { client, attic } = await open();
    const told: unknown[][] = [];
    client.on("objectMarshaled", (object, { typeName }) => told.push(["marshaled", object, typeName]));
    client.on("objectUnmarshaled", (proxy, { typeName }) => told.push(["unmarshaled", proxy, typeName]));
    client.on("objectDisconnected", (object) => told.push(["disconnected", object]));
    const callback = scoped(() => 1);
    await attic.keep("x", callback);
    const brief = await attic.brief();
    await attic.brief();
    expect(told).toEqual([
      ["marshaled", callback, undefined],
      ["disconnected", callback],
      ["unmarshaled", brief, "Brief"],
    ]);
  });
}
