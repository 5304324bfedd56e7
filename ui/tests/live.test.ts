import { beforeEach, describe, expect, it } from "vitest";
import { Connecting, EVENTS, RECENT, type Source, type World } from "../src/lib/live/connection";
import { activeJobs, after, nothingKnown, withAnswer, type Live, type Told } from "../src/lib/live/state";
import type { Job } from "../src/lib/types";

function job(id: string, change: Partial<Job> = {}): Job {
  return {
    id,
    state: "running",
    purpose: "asked",
    asked_by: "admin",
    owner: "admin",
    library_id: 1,
    library: "Music",
    models: ["acoustic"],
    wanted: "missing",
    clear: "nothing",
    batch_size: 0,
    spec_version: "2026-11-20",
    percent: 0,
    items: { total: 100, failed: 0 },
    operations: { total: 100, done: 0, skipped: 0, failed: 0, left: 100 },
    current: "",
    eta: null,
    speed: null,
    phase: "embedding",
    quiet: false,
    per_model: [],
    created_at: 1,
    started_at: 1,
    finished_at: null,
    error: null,
    ...change,
  };
}

const done = (count: number): Partial<Job> => ({
  percent: count,
  operations: { total: 100, done: count, skipped: 0, failed: 0, left: 100 - count },
});
const told = (name: string, seq: number, data: unknown): Told => ({ name, seq, data });
const play = (events: Told[], live: Live = nothingKnown()): Live => events.reduce(after, live);

describe("events", () => {
  it("follow each other", () => {
    const live = play([
      told("snapshot", 4, { jobs: [job("a")], seq: 4 }),
      told("job", 5, job("a", done(10))),
      told("job", 7, job("a", done(30))),
    ]);
    expect(live.jobs["a"]!.percent).toBe(30);
    expect(live.seq).toBe(7);
    expect(live.known).toBe(true);
  });

  it("that come twice change nothing", () => {
    const live = play([told("job", 5, job("a", done(10))), told("job", 6, job("a", done(20)))]);
    expect(after(live, told("job", 5, job("a", done(10))))).toBe(live);
    expect(after(live, told("job", 6, job("a", done(20))))).toBe(live);
  });

  it("of one row are both heard, once", () => {
    const ended = job("a", { ...done(100), state: "completed" });
    const notice = { level: "success", text_key: "notice.completed", facts: {} };
    const live = play([told("job", 9, ended), told("notice", 9, notice), told("notice", 9, notice)]);
    expect(live.notices).toHaveLength(1);
    expect(live.notices[0]!.seq).toBe(9);
    expect(activeJobs(live)).toEqual([]);
  });

  it("of the machine have no place in the stream", () => {
    const live = play([told("job", 5, job("a")), told("machine", 0, { cpu_percent: 12 })]);
    expect(live.seq).toBe(5);
    expect(live.machine!.cpu_percent).toBe(12);
    expect(after(live, told("job", 6, job("a", done(1)))).jobs["a"]!.percent).toBe(1);
  });

  it("of names that nobody knows are passed over, but counted", () => {
    expect(play([told("weather", 8, {})]).seq).toBe(8);
  });
});

describe("a snapshot", () => {
  it("replaces what was known, and names the jobs whose end was missed", () => {
    const before = play([told("job", 5, job("a", done(50))), told("job", 6, job("b", { state: "queued" }))]);
    const live = after(before, told("snapshot", 90, { jobs: [job("b", done(3))], seq: 90 }));
    expect(Object.keys(live.jobs)).toEqual(["b"]);
    expect(live.missed).toEqual(["a"]);
    expect(live.seq).toBe(90);
  });

  it("of a new server may count from the start again", () => {
    const before = play([told("job", 500, job("a", done(50)))]);
    const live = play(
      [told("snapshot", 2, { jobs: [job("a", done(40))], seq: 2 }), told("job", 3, job("a", done(41)))],
      before,
    );
    expect(live.jobs["a"]!.percent).toBe(41);
    expect(live.seq).toBe(3);
    expect(live.missed).toEqual([]);
  });

  it("keeps jobs that had ended", () => {
    const before = play([told("job", 5, job("a", { ...done(100), state: "completed" }))]);
    const live = after(before, told("snapshot", 6, { jobs: [], seq: 6 }));
    expect(live.jobs["a"]!.state).toBe("completed");
    expect(live.missed).toEqual([]);
  });
});

describe("an answer to a request", () => {
  it("does not replace newer events", () => {
    const live = play([told("job", 5, job("a", done(50)))]);
    expect(withAnswer(live, job("a", done(40))).jobs["a"]!.percent).toBe(50);
    expect(withAnswer(live, job("a", done(60))).jobs["a"]!.percent).toBe(60);
  });

  it("does not bring back a job that has ended", () => {
    const live = play([told("job", 5, job("a", { ...done(50), state: "cancelled" }))]);
    expect(withAnswer(live, job("a", done(50))).jobs["a"]!.state).toBe("cancelled");
  });

  it("tells the end that was missed", () => {
    const missed = play([told("job", 5, job("a", done(50))), told("snapshot", 9, { jobs: [], seq: 9 })]);
    const live = withAnswer(missed, job("a", { ...done(100), state: "completed_with_errors" }));
    expect(live.missed).toEqual([]);
    expect(live.jobs["a"]!.state).toBe("completed_with_errors");
  });
});

describe("active jobs", () => {
  it("come with the running one first, then as they were asked for", () => {
    const jobs = [
      job("c", { state: "queued", created_at: 3 }),
      job("b", { state: "paused", created_at: 2 }),
      job("a", { state: "running", created_at: 9 }),
      job("d", { state: "failed" }),
    ];
    const live = play([told("snapshot", 1, { jobs, seq: 1 })]);
    expect(activeJobs(live).map((one) => one.id)).toEqual(["a", "b", "c"]);
  });
});

class FakeSource implements Source {
  onopen: ((event: Event) => unknown) | null = null;
  onerror: ((event: Event) => unknown) | null = null;
  closed = false;
  private readonly hears = new Map<string, (event: MessageEvent) => void>();

  constructor(readonly url: string) {}

  addEventListener(name: string, hear: (event: MessageEvent) => void): void {
    this.hears.set(name, hear);
  }

  close(): void {
    this.closed = true;
  }

  opens(): void {
    this.onopen?.(new Event("open"));
  }

  fails(): void {
    this.onerror?.(new Event("error"));
  }

  tells(name: string, id: string, data: unknown): void {
    this.hears.get(name)!({ lastEventId: id, data: JSON.stringify(data) } as MessageEvent);
  }
}

/** A world without a network and without time: timers go when the test says so. */
class FakeWorld implements World {
  sources: FakeSource[] = [];
  timers: { seconds: number; call: () => void }[] = [];
  asked: string[] = [];
  answers: (() => unknown)[] = [];

  open(url: string): Source {
    this.sources.push(new FakeSource(url));
    return this.source;
  }

  async ask(url: string): Promise<unknown> {
    this.asked.push(url);
    const next = this.answers.shift();
    if (!next) throw new Error("no server");
    return next();
  }

  later(seconds: number, call: () => void): () => void {
    const timer = { seconds, call };
    this.timers.push(timer);
    return () => (this.timers = this.timers.filter((one) => one !== timer));
  }

  get source(): FakeSource {
    return this.sources.at(-1)!;
  }

  /** Let the next timer go; says how long it would have waited. */
  wait(): number {
    const timer = this.timers.shift()!;
    timer.call();
    return timer.seconds;
  }

  /** Let answers arrive. */
  settle(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve));
  }
}

describe("a connection", () => {
  let world: FakeWorld;
  let connection: Connecting;

  beforeEach(() => {
    world = new FakeWorld();
    connection = new Connecting(world, () => {});
    connection.start();
  });

  it("says that it lives once it is open", () => {
    expect(world.source.url).toBe(EVENTS);
    expect(connection.state.connection).toBe("connecting");
    world.source.opens();
    expect(connection.state.connection).toBe("live");
  });

  it("opens again by itself, with growing pauses, from where it was", () => {
    world.source.opens();
    world.source.tells("job", "41", job("a"));
    const pauses = [1, 2, 3, 4].map(() => {
      world.source.fails();
      expect(connection.state.connection).toBe("reconnecting");
      expect(world.source.closed).toBe(true);
      return world.wait();
    });
    expect(pauses).toEqual([0.5, 1, 2, 4]);
    expect(world.source.url).toBe(`${EVENTS}?last_event_id=41`);
    world.source.opens();
    expect(connection.state).toMatchObject({ connection: "live", failures: 0, seq: 41 });
  });

  it("hears nothing more from a source that it has given up", () => {
    const old = world.source;
    old.opens();
    old.fails();
    world.wait();
    old.tells("job", "9", job("a"));
    old.fails();
    expect(connection.state.seq).toBe(0);
    expect(world.sources).toHaveLength(2);
  });

  it("does not take the id that the browser hands on with the gauges", () => {
    world.source.tells("job", "7", job("a"));
    world.source.tells("machine", "7", { cpu_percent: 5 });
    expect(connection.state.machine).toMatchObject({ cpu_percent: 5 });
  });

  function failSixTimes(): void {
    for (let time = 1; time <= 6; time++) {
      world.source.fails();
      if (time < 6) world.wait();
    }
  }

  it("asks for events where no stream gets through", async () => {
    world.answers.push(
      () => ({ items: [{ seq: 3, name: "snapshot", data: { jobs: [job("a")], seq: 3 } }], reached: 3 }),
      () => ({ items: [{ seq: 4, name: "job", data: job("a", done(8)) }], reached: 6 }),
    );
    failSixTimes();
    await world.settle();
    expect(connection.state.connection).toBe("polling");
    expect(activeJobs(connection.state)).toHaveLength(1);

    expect(world.wait()).toBe(2);
    await world.settle();
    expect(world.asked).toEqual([RECENT, `${RECENT}?after=3&limit=1000`]);
    expect(connection.state.jobs["a"]!.percent).toBe(8);
    expect(connection.state.seq).toBe(6);
  });

  it("goes back to the stream when that gets through", async () => {
    failSixTimes();
    await world.settle();
    expect(connection.state.connection).toBe("reconnecting");
    world.wait();
    world.source.opens();
    expect(connection.state).toMatchObject({ connection: "live", failures: 0 });
  });

  it("is silent after its stop, and forgets all when somebody else signs in", async () => {
    world.answers.push(() => ({ items: [{ seq: 3, name: "job", data: job("a") }], reached: 3 }));
    failSixTimes();
    connection.reset();
    await world.settle();
    expect(connection.state).toEqual(nothingKnown());
    expect(world.timers).toEqual([]);

    connection.start();
    expect(world.source.url).toBe(EVENTS);
  });
});
