import { describe, expect, test } from "vitest";
import type { LeaseSettings } from "../../../src/contract/lease-settings.ts";
import { LimitExceededError } from "../../../src/errors.ts";
import { LeaseManager } from "../../../src/lifetime/lease-manager.ts";
import { ObjectTable } from "../../../src/lifetime/object-table.ts";
import { ObjectUse } from "../../../src/lifetime/object-use.ts";
import { FakeClock } from "../../fake-clock.ts";

const minute = 60_000;
const describeObject = () => ({
  typeName: "Thing",
  targetOf: () => undefined,
  rules: [],
  use: new ObjectUse(),
});

function create({ maxShared = 100, maxObjects = 10_000 } = {}) {
  const clock = new FakeClock();
  const settings: LeaseSettings = {
    initialLeaseTime: 5 * minute,
    renewOnCallTime: 2 * minute,
    sponsorshipTimeout: 2 * minute,
  };
  const manager = new LeaseManager({
    clock,
    leaseManagerPollTime: 10_000,
    maxRenewal: 24 * 60 * minute,
    runsWhileHeld: false,
    sponsorFailed: () => {},
  });
  const disconnected: object[] = [];
  const endless = new Set<object>();
  const table = new ObjectTable(
    {
      leasesArguments: false,
      settingsOf: (object) => (endless.has(object) ? null : settings),
      hasLease: () => false,
      leaseOf: () => manager.begin(settings),
      disconnected: (object) => disconnected.push(object),
    },
    maxObjects,
  );
  const gone: object[] = [];
  const lend = (object: object, holder: object, shared = false) => {
    table.whenGone(object, () => gone.push(object));
    return table.lend(object, { holder, shared, maxShared, describe: describeObject }).id;
  };
  /** Lets time pass, and then the leases be looked at, which happens every ten seconds. */
  const pass = (milliseconds: number) => clock.pass(milliseconds);
  return { table, gone, disconnected, endless, lend, pass, manager, clock, settings };
}

describe("ObjectTable", () => {
  test("ids are 128 random bits, one for each object, marked as ids", () => {
    const { lend } = create();
    const holder = {};
    const ids = Array.from({ length: 2_000 }, () => lend({}, holder));
    expect(new Set(ids).size).toBe(2_000);
    for (const id of ids) expect(id).toMatch(/^~[A-Za-z0-9_-]{22}$/);
    const objects = [{}, {}];
    expect(objects.map((object) => lend(object, holder))).toEqual(objects.map((object) => lend(object, {})));
  });

  test("an argument can be used by its holder only; a foreign id is answered like an unknown one", () => {
    const { table, lend } = create();
    const holder = {};
    const object = {};
    const id = lend(object, holder);
    expect(table.find(id, holder)?.object).toBe(object);
    expect(table.find(id, {})).toBeUndefined();
    expect(table.find("~AAAAAAAAAAAAAAAAAAAAAA", holder)).toBeUndefined();
  });

  test("a result can be used by whoever knows its id", () => {
    const { table, lend } = create();
    const object = {};
    const id = lend(object, {}, true);
    expect(table.find(id, {})?.object).toBe(object);
    // What was passed as an argument as well does not become less.
    expect(lend(object, {}, false)).toBe(id);
    expect(table.find(id, {})?.object).toBe(object);
  });

  test("it goes when as many references were released as were lent, not before", () => {
    const { table, lend, gone } = create();
    const holder = {};
    const object = {};
    const id = lend(object, holder);
    lend(object, holder);
    lend(object, holder);
    table.release(id, holder, 2);
    expect(table.find(id, holder)).toBeDefined();
    // One that is lent while a release is under way stays.
    lend(object, holder);
    table.release(id, holder, 1);
    expect(gone).toEqual([]);
    table.release(id, holder, 1);
    expect(gone).toEqual([object]);
    expect(table.find(id, holder)).toBeUndefined();
    expect([table.size, table.isHolder(holder)]).toEqual([0, false]);
  });

  test("a release by another, of something unknown, or of too much harms nobody", () => {
    const { table, lend, gone } = create();
    const [holder, other] = [{}, {}];
    const object = {};
    const id = lend(object, holder);
    table.release(id, other, 1);
    table.release("~unknown", holder, 1);
    expect(table.find(id, holder)).toBeDefined();
    lend(object, other);
    table.release(id, other, 0xffff_ffff);
    expect(table.find(id, holder)).toBeDefined();
    expect(gone).toEqual([]);
    table.release(id, holder, 1);
    table.release(id, holder, 1);
    expect(gone).toEqual([object]);
  });

  test("one of several holders that lets go takes nothing from the others", () => {
    const { table, lend, gone } = create();
    const [first, second] = [{}, {}];
    const object = {};
    const id = lend(object, first);
    lend(object, second);
    table.lose(first);
    expect(table.find(id, second)?.object).toBe(object);
    expect(table.find(id, first)).toBeUndefined();
    table.release(id, second, 1);
    expect(gone).toEqual([object]);
  });

  test("an argument ends with its holder at once, a result stays for five minutes", () => {
    const { table, lend, gone, pass } = create();
    const holder = {};
    const [argument, result] = [{ name: "argument" }, { name: "result" }];
    lend(argument, holder);
    const id = lend(result, holder, true);
    table.lose(holder);
    expect(gone).toEqual([argument]);
    expect(table.isHolder(holder)).toBe(false);
    pass(5 * minute - 10_000);
    expect(gone).toEqual([argument]);
    pass(10_000);
    expect(gone).toEqual([argument, result]);
    expect(table.find(id, holder)).toBeUndefined();
  });

  test("a call renews an orphan for two minutes, and never shortens its time", () => {
    const { table, lend, gone, pass } = create();
    const object = {};
    const holder = {};
    const id = lend(object, holder, true);
    table.lose(holder);
    pass(minute);
    table.find(id, {});
    pass(4 * minute - 10_000);
    expect(gone).toEqual([]);
    table.find(id, {});
    pass(2 * minute - 10_000);
    expect(gone).toEqual([]);
    pass(20_000);
    expect(gone).toEqual([object]);
  });

  test("an orphan that is held again stays as long as it is held", () => {
    const { table, lend, gone, pass } = create();
    const object = {};
    const [first, second] = [{}, {}];
    lend(object, first, true);
    table.lose(first);
    lend(object, second, true);
    pass(60 * minute);
    expect(gone).toEqual([]);
    table.lose(second);
    pass(5 * minute);
    expect(gone).toEqual([object]);
  });

  test("what is held does not expire, however long it is idle", () => {
    const { lend, gone, pass } = create();
    lend({}, {}, true);
    pass(1_000 * minute);
    expect(gone).toEqual([]);
  });

  test("what was published stays until it is disconnected", () => {
    const { table, lend, gone, pass } = create();
    const object = {};
    const holder = {};
    const id = lend(object, holder);
    expect(table.publish(object, describeObject, null).id).toBe(id);
    expect(table.idOf(object)).toBe(id);
    table.release(id, holder, 1);
    pass(60 * minute);
    expect(table.find(id, {})?.object).toBe(object);
    expect(table.disconnect(object)).toBe(true);
    expect(table.disconnect(object)).toBe(false);
    expect(gone).toEqual([object]);
    expect(table.idOf(object)).toBeUndefined();
  });

  test("disconnect takes an object from all its holders", () => {
    const { table, lend } = create();
    const holders = [{}, {}];
    const object = {};
    const id = holders.map((holder) => lend(object, holder))[0] ?? "";
    table.disconnect(object);
    for (const holder of holders) {
      expect(table.find(id, holder)).toBeUndefined();
      expect(table.isHolder(holder)).toBe(false);
      table.release(id, holder, 1);
    }
    // Lent again it is another thing: an id that was taken back is never valid again.
    expect(lend(object, {})).not.toBe(id);
  });

  test("clear takes everything, and tells each once", () => {
    const { table, lend, gone } = create();
    const objects = [{}, {}, {}];
    for (const object of objects) lend(object, {}, true);
    table.publish(objects[0] ?? {}, describeObject, null);
    table.clear();
    expect(gone).toEqual(objects);
    expect(table.size).toBe(0);
    table.clear();
    expect(gone).toHaveLength(3);
  });

  test("what has no end stays when its holder was lost, and goes when the holder has let go", () => {
    const { table, gone, endless, lend, pass, manager } = create();
    const [first, second] = [{}, {}];
    const [lost, released] = [{ name: "lost" }, { name: "released" }];
    endless.add(lost).add(released);
    const id = lend(lost, first, true);
    const other = lend(released, second, true);
    table.lose(first);
    table.release(other, second, 1);
    pass(1_000 * minute);
    expect(gone).toEqual([released]);
    expect(table.find(id, {})?.object).toBe(lost);
    expect(manager.size).toBe(0);
  });

  test("what was published with a lease stays without a holder until that has run out", () => {
    const { table, gone, lend, pass, settings } = create();
    const object = {};
    const holder = {};
    const { id } = table.publish(object, describeObject, settings);
    lend(object, holder, true);
    pass(60 * minute);
    expect(table.find(id, holder)).toBeDefined();
    table.release(id, holder, 1);
    pass(4 * minute);
    expect(gone).toEqual([]);
    pass(2 * minute);
    expect(gone).toEqual([object]);
    expect(table.find(id, {})).toBeUndefined();
  });

  test("a holder has so many returned objects, and then one must go before the next comes", () => {
    const { table, lend } = create({ maxShared: 3 });
    const holder = {};
    const objects = [{}, {}, {}];
    const ids = objects.map((object) => lend(object, holder, true));
    // Those that it has, and what it is passed, cost it nothing.
    lend(objects[0] ?? {}, holder, true);
    lend({}, holder);
    expect(() => lend({}, holder, true)).toThrow(LimitExceededError);
    expect(() => lend({}, {}, true)).not.toThrow();
    table.release(ids[1] ?? "", holder, 1);
    lend({}, holder, true);
    expect(() => lend({}, holder, true)).toThrow("maxReferencesLent");
    // An argument that is returned as well counts from then on.
    table.release(ids[2] ?? "", holder, 1);
    const both = {};
    lend(both, holder);
    lend(both, holder, true);
    expect(() => lend({}, holder, true)).toThrow("maxReferencesLent");
  });

  test("a domain has so many objects", () => {
    const { table, lend } = create({ maxObjects: 3 });
    const holder = {};
    const [id = ""] = [{}, {}, {}].map((object) => lend(object, holder));
    expect(() => lend({}, holder)).toThrow("maxObjects");
    expect(() => table.publish({}, describeObject, null)).toThrow(LimitExceededError);
    table.release(id, holder, 1);
    lend({}, holder);
    expect(table.size).toBe(3);
  });

  test("whoever waits for an object to go is told once, also if nobody got it", () => {
    const { table, gone, disconnected, lend } = create();
    const [kept, abandoned] = [{ name: "kept" }, { name: "abandoned" }];
    const holder = {};
    const id = lend(kept, holder, true);
    table.whenGone(abandoned, () => gone.push(abandoned));
    table.abandon(kept);
    table.abandon(abandoned);
    table.abandon(abandoned);
    expect(gone).toEqual([abandoned]);
    table.release(id, holder, 1);
    expect(gone).toEqual([abandoned, kept]);
    expect(disconnected).toEqual([kept]);
  });

  test("leases are looked at only while there are some that run", () => {
    const { table, lend, pass, manager, clock } = create();
    const holder = {};
    lend({}, holder, true);
    expect([manager.size, clock.waiting]).toEqual([0, 0]);
    table.lose(holder);
    expect([manager.size, clock.waiting]).toEqual([1, 1]);
    pass(6 * minute);
    expect([manager.size, clock.waiting, table.size]).toEqual([0, 0, 0]);
  });
});
