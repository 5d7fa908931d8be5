/** The deadline timer and the heartbeat, with a clock that the tests move. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DeadlineTimer } from "../../../src/session/deadline-timer.ts";
import { Heartbeat, type Pulse } from "../../../src/session/heartbeat.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("DeadlineTimer", () => {
  function create(deadlines: Set<number>) {
    const expired: number[] = [];
    let looks = 0;
    const timer = new DeadlineTimer((now) => {
      looks++;
      for (const deadline of deadlines) {
        if (deadline > now) continue;
        deadlines.delete(deadline);
        expired.push(deadline);
      }
      return Math.min(...deadlines);
    });
    const arm = (deadline: number) => {
      deadlines.add(deadline);
      timer.arm(deadline, performance.now());
    };
    return { timer, arm, expired, looks: () => looks };
  }

  test("expires what is due, not before and not long after", () => {
    const start = performance.now();
    const { arm, expired } = create(new Set());
    arm(start + 100.5);
    vi.advanceTimersByTime(100);
    expect(expired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(expired).toEqual([start + 100.5]);
  });

  test("an earlier deadline goes first, a later one is not forgotten", () => {
    const start = performance.now();
    const { arm, expired } = create(new Set());
    arm(start + 300);
    arm(start + 100);
    arm(start + 200);
    vi.advanceTimersByTime(250);
    expect(expired).toEqual([start + 100, start + 200]);
    vi.advanceTimersByTime(50);
    expect(expired).toEqual([start + 100, start + 200, start + 300]);
  });

  test("a thousand calls cost one timer", () => {
    const { arm } = create(new Set());
    const start = performance.now();
    for (let index = 0; index < 1000; index++) arm(start + 1000 + index);
    expect(vi.getTimerCount()).toBe(1);
  });

  test("a deadline that has passed already expires at once", () => {
    const start = performance.now();
    const { arm, expired } = create(new Set());
    arm(start - 5);
    vi.advanceTimersByTime(1);
    expect(expired).toEqual([start - 5]);
  });

  test("a deadline beyond what setTimeout can count does not expire early", () => {
    const { arm, expired, looks } = create(new Set());
    arm(performance.now() + 2 ** 31 + 1_000_000);
    vi.advanceTimersByTime(2 ** 31);
    expect(expired).toEqual([]);
    expect(looks()).toBeLessThan(3);
    vi.advanceTimersByTime(1_000_001);
    expect(expired).toHaveLength(1);
  });

  test("stop leaves no timer behind, and the timer can be armed again", () => {
    const { timer, arm, expired } = create(new Set());
    arm(performance.now() + 10);
    timer.stop();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(100);
    expect(expired).toEqual([]);
    arm(performance.now() + 10);
    vi.advanceTimersByTime(10);
    expect(expired).toHaveLength(2);
  });
});

describe("Heartbeat", () => {
  class FakePulse implements Pulse {
    lastHeard = performance.now();
    askedAt: number | undefined = undefined;
    readonly log: string[] = [];

    constructor(
      readonly pingInterval: number,
      readonly pingTimeout: number,
      readonly answers: boolean,
    ) {}

    probe(): void {
      this.log.push(`probe ${performance.now()}`);
      if (this.answers) this.lastHeard = performance.now();
    }

    expire(): void {
      this.log.push("expire");
    }
  }

  test("a peer that is heard is not asked", () => {
    const heartbeat = new Heartbeat();
    const pulse = new FakePulse(1000, 400, true);
    heartbeat.add(pulse);
    for (let step = 0; step < 50; step++) {
      vi.advanceTimersByTime(100);
      pulse.lastHeard = performance.now();
    }
    expect(pulse.log).toEqual([]);
    heartbeat.remove(pulse);
  });

  test("a silent peer is asked and, if it answers, stays", () => {
    const heartbeat = new Heartbeat();
    const pulse = new FakePulse(1000, 400, true);
    heartbeat.add(pulse);
    vi.advanceTimersByTime(5000);
    expect(pulse.log.length).toBeGreaterThanOrEqual(3);
    expect(pulse.log).not.toContain("expire");
    heartbeat.remove(pulse);
  });

  test("one that does not answer expires, at most a quarter late", () => {
    const heartbeat = new Heartbeat();
    const pulse = new FakePulse(1000, 400, false);
    heartbeat.add(pulse);
    vi.advanceTimersByTime(1399);
    expect(pulse.log).toHaveLength(1);
    vi.advanceTimersByTime(201);
    expect(pulse.log[1]).toBe("expire");
    heartbeat.remove(pulse);
  });

  test("one with the interval 0 is never asked and costs no timer", () => {
    const heartbeat = new Heartbeat();
    heartbeat.add(new FakePulse(0, 400, false));
    expect(vi.getTimerCount()).toBe(0);
  });

  test("all share one timer, as fast as the most impatient needs, and none is left behind", () => {
    const heartbeat = new Heartbeat();
    const patient = new FakePulse(100_000, 50_000, false);
    const impatient = new FakePulse(100, 100, false);
    heartbeat.add(patient);
    heartbeat.add(impatient);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(300);
    expect(impatient.log).toContain("expire");
    expect(patient.log).toEqual([]);
    heartbeat.remove(impatient);
    heartbeat.remove(patient);
    expect(vi.getTimerCount()).toBe(0);
    heartbeat.add(patient);
    vi.advanceTimersByTime(200_000);
    expect(patient.log).toContain("expire");
    heartbeat.remove(patient);
  });

  test("a pulse that is removed while it expires disturbs no other", () => {
    const heartbeat = new Heartbeat();
    const first = new FakePulse(100, 100, false);
    const second = new FakePulse(100, 100, false);
    const expire = first.expire.bind(first);
    first.expire = () => {
      expire();
      heartbeat.remove(first);
    };
    heartbeat.add(first);
    heartbeat.add(second);
    vi.advanceTimersByTime(300);
    expect(first.log.filter((entry) => entry === "expire")).toHaveLength(1);
    expect(second.log).toContain("expire");
    heartbeat.remove(second);
  });
});
