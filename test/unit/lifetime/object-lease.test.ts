import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { IncomingCall } from "../../../src/channels/call-dispatcher.ts";
import { LimitExceededError, ObjectDisconnectedError, RemotingError } from "../../../src/errors.ts";
import { InitialLease } from "../../../src/lifetime/initial-lease.ts";
import { LeaseManager } from "../../../src/lifetime/lease-manager.ts";
import { maxSponsors, type Sponsorship } from "../../../src/lifetime/object-lease.ts";
import { ObjectUse } from "../../../src/lifetime/object-use.ts";
import { FakeClock } from "../../fake-clock.ts";

const minute = 60_000;
const poll = 10_000;

function create({ runsWhileHeld = false, sponsorshipTimeout = 2 * minute } = {}) {
  const clock = new FakeClock();
  const errors: unknown[] = [];
  const manager = new LeaseManager({
    clock,
    leaseManagerPollTime: poll,
    maxRenewal: 24 * 60 * minute,
    runsWhileHeld,
    sponsorFailed: (error) => errors.push(error),
  });
  const begin = () => {
    const lease = manager.begin({
      initialLeaseTime: 5 * minute,
      renewOnCallTime: 2 * minute,
      sponsorshipTimeout,
    });
    const owner = {
      use: new ObjectUse(),
      expirations: 0,
      expired() {
        owner.expirations++;
      },
    };
    lease.addOwner(owner);
    return { lease, owner };
  };
  return { clock, manager, errors, begin, ...begin() };
}

function sponsorOf(answer: (signal: AbortSignal) => unknown, owner?: object) {
  const sponsor = {
    key: {},
    owner,
    asked: 0,
    released: 0,
    async ask(signal: AbortSignal) {
      sponsor.asked++;
      return answer(signal);
    },
    letGo() {
      sponsor.released++;
    },
  };
  return sponsor satisfies Sponsorship;
}

describe("ObjectLease", () => {
  test("runs out within one poll after its time, once, and everybody is told who reaches the object", async () => {
    const { lease, owner, clock, manager } = create();
    const second = { use: new ObjectUse(), expired: () => void told++ };
    let told = 0;
    lease.addOwner(second);
    await clock.passAndSettle(5 * minute - 1);
    expect([lease.state, lease.currentLeaseTime]).toEqual(["Active", 1]);
    await clock.passAndSettle(poll);
    expect([lease.state, lease.currentLeaseTime, owner.expirations, told]).toEqual(["Expired", 0, 1, 1]);
    await clock.passAndSettle(60 * minute);
    expect([owner.expirations, told, manager.size, clock.waiting]).toEqual([1, 1, 0, 0]);
    expect(() => lease.renew(1)).toThrow(ObjectDisconnectedError);
    expect(() => lease.register(sponsorOf(() => 1))).toThrow(ObjectDisconnectedError);
  });

  test("renewal sets the larger of what is left and what is asked for", () => {
    const { lease, clock } = create();
    expect(lease.renew(minute)).toBe(5 * minute);
    expect(lease.renew(7 * minute)).toBe(7 * minute);
    clock.pass(3 * minute);
    lease.renewOnCall();
    expect(lease.currentLeaseTime).toBe(4 * minute);
    clock.pass(3 * minute);
    lease.renewOnCall();
    expect(lease.currentLeaseTime).toBe(2 * minute);
    lease.renewOnMarshal();
    expect(lease.currentLeaseTime).toBe(5 * minute);
    for (const wrong of [-1, Number.NaN, "1" as unknown as number]) {
      expect(() => lease.renew(wrong)).toThrow(RangeError);
    }
    expect(lease.renew(Number.POSITIVE_INFINITY)).toBe(24 * 60 * minute);
  });

  test("does not run while it is held, unless by .NET's rules", () => {
    for (const runsWhileHeld of [false, true]) {
      const { lease, owner, clock } = create({ runsWhileHeld });
      lease.hold();
      lease.hold();
      clock.pass(100 * minute);
      expect(owner.expirations).toBe(runsWhileHeld ? 1 : 0);
      if (runsWhileHeld) continue;
      lease.unhold();
      clock.pass(100 * minute);
      expect(lease.currentLeaseTime).toBe(5 * minute);
      lease.unhold();
      clock.pass(5 * minute - 1);
      expect(owner.expirations).toBe(0);
      clock.pass(poll);
      expect(owner.expirations).toBe(1);
    }
  });

  test("does not end during a call, and a call that ends renews it", () => {
    const { lease, owner, clock } = create();
    // All that is looked at of a call.
    const call: Pick<IncomingCall, "onCompleted"> = { onCompleted: undefined };
    const pending = Promise.resolve();
    expect(owner.use.observe(pending, call as IncomingCall)).toBe(pending);
    expect(owner.use.observe(5, call as IncomingCall)).toBe(5);
    clock.pass(60 * minute);
    expect([lease.state, owner.expirations]).toEqual(["Active", 0]);
    call.onCompleted?.();
    expect(lease.currentLeaseTime).toBe(2 * minute);
    clock.pass(2 * minute + poll);
    expect(owner.expirations).toBe(1);
  });

  test("ends when nobody reaches the object any more, without telling anybody", () => {
    const { lease, owner, clock, manager } = create();
    const sponsor = sponsorOf(() => 1);
    lease.register(sponsor);
    lease.removeOwner(owner);
    expect([lease.state, manager.size, sponsor.released]).toEqual(["Expired", 0, 1]);
    clock.pass(10 * minute);
    expect([owner.expirations, sponsor.asked]).toEqual([0, 0]);
  });

  test("asks the sponsor with the largest last renewal, which its last answer is", async () => {
    const { lease, clock } = create();
    const answers = [3 * minute, minute, minute];
    const generous = sponsorOf(() => answers.shift());
    const steady = sponsorOf(() => 2 * minute);
    lease.register(steady, 2 * minute);
    lease.register(generous, 3 * minute);
    await clock.passAndSettle(5 * minute);
    expect([generous.asked, steady.asked]).toEqual([1, 0]);
    await clock.passAndSettle(3 * minute + poll);
    expect([generous.asked, steady.asked]).toEqual([2, 0]);
    await clock.passAndSettle(minute + poll);
    expect([generous.asked, steady.asked]).toEqual([2, 1]);
  });

  test.each([
    ["0", () => 0, 0],
    ["less", () => -1, 0],
    ["what is no number", () => "a day", 0],
    ["nothing", () => undefined, 0],
    ["an error", () => Promise.reject(new Error("as asked")), 1],
  ])("a sponsor that gives %s is forgotten, and the next one asked", async (_what, answer, failures) => {
    const { lease, owner, clock, errors } = create();
    const first = sponsorOf(answer);
    const second = sponsorOf(() => minute);
    lease.register(first, 2 * minute);
    lease.register(second, minute);
    await clock.passAndSettle(5 * minute);
    expect([first.asked, first.released, second.asked, owner.expirations]).toEqual([1, 1, 1, 0]);
    expect(errors).toHaveLength(failures);
    expect([lease.state, lease.currentLeaseTime, lease.sponsorCount]).toEqual(["Active", minute, 1]);
  });

  test("a sponsor that is late is told so and forgotten; its answer counts no longer", async () => {
    const { lease, owner, clock } = create();
    let late: ((renewal: number) => void) | undefined;
    let wasAborted = false;
    const silent = sponsorOf((signal) => {
      signal.addEventListener("abort", () => {
        wasAborted = true;
      });
      return new Promise((resolve) => {
        late = resolve;
      });
    });
    lease.register(silent);
    await clock.passAndSettle(5 * minute);
    expect(lease.state).toBe("Renewing");
    await clock.passAndSettle(2 * minute - 1);
    expect([lease.state, wasAborted]).toEqual(["Renewing", false]);
    await clock.passAndSettle(1);
    expect([wasAborted, owner.expirations]).toEqual([true, 1]);
    late?.(60 * minute);
    await turn();
    expect([lease.state, silent.asked]).toEqual(["Expired", 1]);
  });

  test("a call that comes while sponsors are asked renews as ever", async () => {
    const { lease, owner, clock } = create();
    const silent = sponsorOf(() => new Promise(() => {}));
    const next = sponsorOf(() => 60 * minute);
    lease.register(silent, 2);
    lease.register(next, 1);
    await clock.passAndSettle(5 * minute);
    await clock.passAndSettle(minute);
    lease.renewOnCall();
    await clock.passAndSettle(minute);
    // The next one need not be asked.
    expect([lease.state, lease.currentLeaseTime, next.asked, owner.expirations]).toEqual([
      "Active",
      minute,
      0,
      0,
    ]);
  });

  test("a holder that comes while sponsors are asked keeps the object", async () => {
    const { lease, owner, clock } = create();
    const silent = sponsorOf(() => new Promise(() => {}));
    lease.register(silent);
    await clock.passAndSettle(5 * minute);
    lease.hold();
    await clock.passAndSettle(60 * minute);
    expect([lease.state, owner.expirations]).toEqual(["Active", 0]);
  });

  test("each owner of sponsors has its own number of them; the same one again is not one more", () => {
    const { lease } = create();
    const [first, second] = [{}, {}];
    const sponsors = Array.from({ length: maxSponsors + 1 }, () => sponsorOf(() => 1, first));
    for (const sponsor of sponsors.slice(0, maxSponsors)) lease.register(sponsor);
    const [one, last] = [sponsors[0], sponsors[maxSponsors]];
    if (one === undefined || last === undefined) throw new Error("there are none");
    expect(() => lease.register(last)).toThrow(LimitExceededError);
    lease.register(one, 6 * minute);
    expect(one.released).toBe(1);
    lease.register(sponsorOf(() => 1, second));
    lease.register(sponsorOf(() => 1));
    expect(lease.unregister(one.key)).toBe(true);
    expect(lease.unregister(one.key)).toBe(false);
    lease.register(last);
    expect(lease.sponsorCount).toBe(maxSponsors + 2);
  });

  test("without a sponsorship timeout takes none, as in .NET", async () => {
    const { lease, owner, clock } = create({ sponsorshipTimeout: 0 });
    const sponsor = sponsorOf(() => 1);
    lease.register(sponsor, 60 * minute);
    expect([sponsor.released, lease.sponsorCount]).toEqual([1, 0]);
    await clock.passAndSettle(5 * minute);
    expect(owner.expirations).toBe(1);
  });

  test("ten thousand leases for a day: each renewed by its sponsor, none forgotten", async () => {
    const { clock, begin, manager } = create();
    const all = Array.from({ length: 10_000 }, () => {
      const { lease, owner } = begin();
      const sponsor = sponsorOf(() => 12 * 60 * minute);
      lease.register(sponsor);
      return { owner, sponsor };
    });
    for (let passed = 0; passed < 24 * 60; passed += 60) await clock.passAndSettle(60 * minute);
    expect(all.every(({ owner }) => owner.expirations === 0)).toBe(true);
    // After five minutes, after twelve hours and five minutes; the next is due five minutes after the day.
    expect(new Set(all.map(({ sponsor }) => sponsor.asked))).toEqual(new Set([2]));
    expect(manager.size).toBe(10_000);
  });

  test("a machine that slept for ten minutes: sponsors are asked once before anything goes", async () => {
    const { lease, owner, clock } = create();
    const sponsor = sponsorOf(() => 5 * minute);
    lease.register(sponsor);
    clock.jump(10 * minute);
    await clock.passAndSettle(poll);
    expect([sponsor.asked, owner.expirations, lease.state]).toEqual([1, 0, "Active"]);
  });
});

describe("InitialLease", () => {
  const defaults = { initialLeaseTime: 3, renewOnCallTime: 2, sponsorshipTimeout: 1 };

  test("can be set until it begins, and no longer", () => {
    const lease = new InitialLease(defaults);
    lease.initialLeaseTime = 30;
    lease.renewOnCallTime = 20;
    expect(lease.begin(lease)).toEqual({ initialLeaseTime: 30, renewOnCallTime: 20, sponsorshipTimeout: 1 });
    expect(() => {
      lease.sponsorshipTimeout = 10;
    }).toThrow(RemotingError);
    expect(lease.sponsorshipTimeout).toBe(1);
  });

  test("takes what is returned over what was set", () => {
    const lease = new InitialLease(defaults);
    lease.initialLeaseTime = 30;
    const settings = lease.begin({ initialLeaseTime: 40, ...{ unknown: 5 } });
    expect(settings).toEqual({ initialLeaseTime: 40, renewOnCallTime: 2, sponsorshipTimeout: 1 });
  });
});
