/** The deadline timer and the heartbeat, with a clock that the tests move. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DeadlineTimer } from "../../../src/session/deadline-timer.ts";
import { Heartbeat } from "../../../src/session/heartbeat.ts";
import { Liveness, type Watched } from "../../../src/session/liveness.ts";
import { defaultSessionLimits, type SessionLimits } from "../../../src/session/session-limits.ts";
import { fakeTimers } from "../../fake-timers.ts";

beforeEach(() => {
  fakeTimers([
    "setTimeout",
    "clearTimeout",
    "setInterval",
    "clearInterval",
    "setImmediate",
    "clearImmediate",
  ]);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
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
  class FakePulse implements Watched {
    queuedBytes = 0;
    takenBytes = 0;
    partialMessage = 0;
    staleSince: number | undefined = undefined;
    /** Whether it was used since the last look, and whether it is all the time. */
    used = true;
    alwaysUsed = true;
    readonly log: string[] = [];
    readonly liveness: Liveness;

    constructor(
      pingInterval: number,
      pingTimeout: number,
      readonly answers: boolean,
      others: Partial<SessionLimits> = {},
      idleTimeout = 0,
    ) {
      const none = { writeTimeout: 0, progressTimeout: 0, messageTimeout: 0 };
      const limits = { ...defaultSessionLimits, ...none, pingInterval, pingTimeout, ...others };
      this.liveness = new Liveness(limits, idleTimeout, this);
    }

    get isInUse(): boolean {
      const { used } = this;
      this.used = this.alwaysUsed;
      return used;
    }

    /** Bytes come from the peer. */
    hear(): void {
      this.liveness.heard++;
    }

    probe(): void {
      this.log.push(`probe ${performance.now()}`);
      if (this.answers) this.hear();
    }

    giveUp(reason: string, message: string): void {
      this.log.push(
        reason === "unresponsive" && message.startsWith("no sign") ? "expire" : `${reason}: ${message}`,
      );
    }

    retire(): void {
      this.log.push("retire");
    }
  }

  /** Lets time pass in steps, and does something at each. */
  function pass(milliseconds: number, step: () => void = () => {}): void {
    for (let passed = 0; passed < milliseconds; passed += 50) {
      vi.advanceTimersByTime(50);
      step();
    }
  }

  test("the time before it is looked at, while it connects, does not count", () => {
    const heartbeat = new Heartbeat();
    const limits = { writeTimeout: 1000, pingInterval: 2000 };
    const pulse = new FakePulse(2000, 400, true, limits, 1200);
    pulse.alwaysUsed = false;
    pulse.used = false;
    pulse.queuedBytes = 100;
    vi.advanceTimersByTime(5000);
    const begin = performance.now();
    heartbeat.add(pulse.liveness);
    vi.advanceTimersByTime(950);
    expect(pulse.log).toEqual([]);
    pulse.queuedBytes = 0;
    vi.advanceTimersByTime(350);
    expect(performance.now() - begin).toBe(1300);
    expect(pulse.log[0]).toBe("retire");
    heartbeat.remove(pulse.liveness);
  });

  test("a peer that is heard is not asked", () => {
    const heartbeat = new Heartbeat();
    const pulse = new FakePulse(1000, 400, true);
    heartbeat.add(pulse.liveness);
    for (let step = 0; step < 50; step++) {
      vi.advanceTimersByTime(100);
      pulse.hear();
    }
    expect(pulse.log).toEqual([]);
    heartbeat.remove(pulse.liveness);
  });

  test("a silent peer is asked and, if it answers, stays", () => {
    const heartbeat = new Heartbeat();
    const pulse = new FakePulse(1000, 400, true);
    heartbeat.add(pulse.liveness);
    vi.advanceTimersByTime(5000);
    expect(pulse.log.length).toBeGreaterThanOrEqual(3);
    expect(pulse.log).not.toContain("expire");
    heartbeat.remove(pulse.liveness);
  });

  test("one that does not answer expires, at most a quarter late", () => {
    const heartbeat = new Heartbeat();
    const pulse = new FakePulse(1000, 400, false);
    heartbeat.add(pulse.liveness);
    vi.advanceTimersByTime(1399);
    expect(pulse.log).toHaveLength(1);
    vi.advanceTimersByTime(201);
    expect(pulse.log[1]).toBe("expire");
    heartbeat.remove(pulse.liveness);
  });

  test("however a silence lies between two looks, it is noticed in time and at most a quarter late", () => {
    const heartbeat = new Heartbeat();
    const silences: number[] = [];
    const pulses = Array.from({ length: 20 }, () => new FakePulse(1050, 430, false));
    for (const pulse of pulses) heartbeat.add(pulse.liveness);
    for (const pulse of pulses) {
      pulse.hear();
      const heard = performance.now();
      pulse.giveUp = () => {
        silences.push(performance.now() - heard);
        heartbeat.remove(pulse.liveness);
      };
      vi.advanceTimersByTime(7);
    }
    vi.advanceTimersByTime(2000);
    expect(silences).toHaveLength(pulses.length);
    expect(Math.min(...silences)).toBeGreaterThanOrEqual(1480);
    // A quarter of the shorter of the two times.
    expect(Math.max(...silences)).toBeLessThanOrEqual(1480 + 430 / 4);
  });

  describe("after a sleep", () => {
    /** The machine stops and goes on: the clock has moved, and no timer has run in between. */
    function sleep(milliseconds: number): void {
      const { now } = performance;
      let slept = 0;
      vi.spyOn(performance, "now").mockImplementation(() => now.call(performance) + slept);
      slept = milliseconds;
    }

    afterEach(() => {
      vi.restoreAllMocks();
    });

    const tenMinutes = 600_000;

    test("a peer that was silent meanwhile is asked, and stays if it answers", () => {
      const heartbeat = new Heartbeat();
      const pulse = new FakePulse(1000, 400, true);
      heartbeat.add(pulse.liveness);
      vi.advanceTimersByTime(900);
      sleep(tenMinutes);
      vi.advanceTimersByTime(5000);
      expect(pulse.log.length).toBeGreaterThanOrEqual(3);
      expect(pulse.log).not.toContain("expire");
      heartbeat.remove(pulse.liveness);
    });

    test("a peer that had been asked before is asked again, and given up only if it has had time to answer", () => {
      const heartbeat = new Heartbeat();
      const silent = new FakePulse(1000, 400, false);
      heartbeat.add(silent.liveness);
      vi.advanceTimersByTime(1100);
      expect(silent.log).toHaveLength(1);
      sleep(tenMinutes);
      vi.advanceTimersByTime(100);
      expect(silent.log).toHaveLength(2);
      expect(silent.log[1]).toMatch(/^probe/);
      vi.advanceTimersByTime(299);
      expect(silent.log).toHaveLength(2);
      vi.advanceTimersByTime(202);
      expect(silent.log[2]).toBe("expire");
      heartbeat.remove(silent.liveness);
    });

    test("what was half sent or half read when it began may go on", () => {
      const heartbeat = new Heartbeat();
      const limits = { writeTimeout: 1000, progressTimeout: 1000, messageTimeout: 2000 };
      const pulse = new FakePulse(0, 0, false, limits, 3000);
      Object.assign(pulse, {
        queuedBytes: 10,
        takenBytes: 5,
        partialMessage: 1,
        staleSince: performance.now(),
      });
      heartbeat.add(pulse.liveness);
      vi.advanceTimersByTime(500);
      sleep(tenMinutes);
      vi.advanceTimersByTime(250);
      expect(pulse.log).toEqual([]);
      Object.assign(pulse, { queuedBytes: 0, partialMessage: 0, staleSince: undefined });
      vi.advanceTimersByTime(2000);
      expect(pulse.log).toEqual([]);
      heartbeat.remove(pulse.liveness);
    });
  });

  test("what has come and was not read yet speaks for a peer", () => {
    const heartbeat = new Heartbeat();
    const pulse = new FakePulse(1000, 400, false);
    heartbeat.add(pulse.liveness);
    vi.advanceTimersByTime(1300);
    // A socket is read after the timers of the same turn have run, and before its immediates.
    const look = pulse.liveness.look.bind(pulse.liveness);
    vi.spyOn(pulse.liveness, "look").mockImplementation((now) => {
      look(now);
      pulse.hear();
    });
    vi.advanceTimersByTime(300);
    expect(pulse.log).toHaveLength(1);
    heartbeat.remove(pulse.liveness);
  });

  test("one with the interval 0 is never asked and costs no timer", () => {
    const heartbeat = new Heartbeat();
    heartbeat.add(new FakePulse(0, 0, false).liveness);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("all share one timer, as fast as the most impatient needs, and none is left behind", () => {
    const heartbeat = new Heartbeat();
    const patient = new FakePulse(100_000, 50_000, false);
    const impatient = new FakePulse(100, 100, false);
    heartbeat.add(patient.liveness);
    heartbeat.add(impatient.liveness);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(300);
    expect(impatient.log).toContain("expire");
    expect(patient.log).toEqual([]);
    heartbeat.remove(impatient.liveness);
    heartbeat.remove(patient.liveness);
    vi.advanceTimersByTime(1);
    expect(vi.getTimerCount()).toBe(0);
    heartbeat.add(patient.liveness);
    vi.advanceTimersByTime(200_000);
    expect(patient.log).toContain("expire");
    heartbeat.remove(patient.liveness);
  });

  test("a pulse that is removed while it expires disturbs no other", () => {
    const heartbeat = new Heartbeat();
    const first = new FakePulse(100, 100, false);
    const second = new FakePulse(100, 100, false);
    const giveUp = first.giveUp.bind(first);
    first.giveUp = (reason, message) => {
      giveUp(reason, message);
      heartbeat.remove(first.liveness);
    };
    heartbeat.add(first.liveness);
    heartbeat.add(second.liveness);
    vi.advanceTimersByTime(300);
    expect(first.log.filter((entry) => entry === "expire")).toHaveLength(1);
    expect(second.log).toContain("expire");
    heartbeat.remove(second.liveness);
  });

  test("a peer that reads nothing of what waits for it is given up; one that reads a little is not", () => {
    const heartbeat = new Heartbeat();
    const deaf = new FakePulse(0, 0, false, { writeTimeout: 1000 });
    const slow = new FakePulse(0, 0, false, { writeTimeout: 1000 });
    const idle = new FakePulse(0, 0, false, { writeTimeout: 1000 });
    const all = [deaf, slow, idle];
    for (const pulse of all) heartbeat.add(pulse.liveness);
    pass(2000);
    expect(all.flatMap(({ log }) => log)).toEqual([]);
    deaf.queuedBytes = 5;
    slow.queuedBytes = 5000;
    pass(950, () => slow.takenBytes++);
    expect(deaf.log).toEqual([]);
    pass(550, () => slow.takenBytes++);
    expect(deaf.log[0]).toBe(
      "slow-reader: 5 bytes wait for it, and it has read nothing for 1000 ms (writeTimeout)",
    );
    pass(5000, () => slow.takenBytes++);
    expect(slow.log).toEqual([]);
    expect(idle.log).toEqual([]);
    for (const pulse of all) heartbeat.remove(pulse.liveness);
  });

  test("a message that has begun must go on, and must end", () => {
    const heartbeat = new Heartbeat();
    const limits = { progressTimeout: 1000, messageTimeout: 6000 };
    const stalled = new FakePulse(0, 0, false, limits);
    const dribbling = new FakePulse(0, 0, false, limits);
    const busy = new FakePulse(0, 0, false, limits);
    const all = [stalled, dribbling, busy];
    for (const pulse of all) heartbeat.add(pulse.liveness);
    stalled.partialMessage = 1;
    dribbling.partialMessage = 1;
    const step = () => {
      dribbling.hear();
      busy.hear();
      busy.partialMessage++;
    };
    pass(1500, step);
    expect(stalled.log[0]).toMatch("(progressTimeout)");
    expect(dribbling.log).toEqual([]);
    pass(5000, step);
    expect(dribbling.log[0]).toMatch("(messageTimeout)");
    expect(busy.log).toEqual([]);
    for (const pulse of all) heartbeat.remove(pulse.liveness);
  });

  test("a payload in fragments must go on, though its fragments may be further apart", () => {
    const heartbeat = new Heartbeat();
    const pulse = new FakePulse(0, 0, false, { progressTimeout: 1000 });
    heartbeat.add(pulse.liveness);
    pulse.staleSince = performance.now();
    pass(5500);
    expect(pulse.log).toEqual([]);
    pass(1000);
    expect(pulse.log[0]).toBe("unresponsive: a payload in fragments has not gone on for 6000 ms");
    heartbeat.remove(pulse.liveness);
  });

  test("a session that nobody needs is retired, one that is used now and then is not", () => {
    const heartbeat = new Heartbeat();
    const forgotten = new FakePulse(0, 0, false, {}, 1000);
    const used = new FakePulse(0, 0, false, {}, 1000);
    heartbeat.add(forgotten.liveness);
    heartbeat.add(used.liveness);
    pass(2000);
    forgotten.alwaysUsed = false;
    used.alwaysUsed = false;
    let steps = 0;
    pass(900, () => {
      if (++steps % 10 === 0) used.used = true;
    });
    expect(forgotten.log).toEqual([]);
    pass(3000, () => {
      if (++steps % 10 === 0) used.used = true;
    });
    expect(forgotten.log[0]).toBe("retire");
    expect(used.log).toEqual([]);
    heartbeat.remove(forgotten.liveness);
    heartbeat.remove(used.liveness);
  });
});
