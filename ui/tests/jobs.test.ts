import { describe, expect, it } from "vitest";
import { clock, span } from "../src/lib/jobs/clock";
import { cronOf, presetOf } from "../src/lib/jobs/cron";
import { sectionsOf } from "../src/lib/jobs/sections";
import { size } from "../src/lib/jobs/size";
import { inTheWay, percentOf, quietUntil } from "../src/lib/jobs/words";
import type { Job, Setting } from "../src/lib/types";

/** Friday, 20 November 2026, 14:00 in the world's time. */
const NOW = Date.UTC(2026, 10, 20, 14) / 1000;
const HOUR = 3600;

describe("a time of day", () => {
  const at = (later: number, locale = "en-GB") => clock(NOW + later, NOW, locale, "UTC");

  it("stands alone today, with its day before and after", () => {
    expect(at(90 * 60)).toBe("15:30");
    expect(at(13 * HOUR)).toBe("Sat 03:00");
    expect(at(-24 * HOUR)).toBe("Thu 14:00");
  });

  it("has a date when it is far", () => {
    expect(at(20 * 24 * HOUR)).toContain("10 Dec");
  });

  it("is said in the reader's language", () => {
    expect(at(13 * HOUR, "de")).toMatch(/^Sa\.?, 03:00$/);
  });
});

describe("a length of time", () => {
  it.each([
    [0, "0 sec"],
    [89.4, "89 sec"],
    [90, "2 min"],
    [59 * 60 + 20, "59 min"],
    [HOUR, "1 hr"],
    [3 * HOUR + 20 * 60, "3 hr 20 min"],
    [4 * HOUR - 10, "4 hr"],
    [24 * HOUR, "1 day"],
    [52 * HOUR, "2 days 4 hr"],
    [-5, "0 sec"],
  ])("%d s reads %s", (seconds, words) => {
    expect(span(seconds, "en")).toBe(words);
  });

  it("is said in the reader's language", () => {
    expect(span(3 * HOUR + 20 * 60, "de")).toBe("3 Std. 20 Min.");
  });
});

describe("percent", () => {
  it("reads 33, 67, 100 for a hundred tracks and three models", () => {
    expect([100, 200, 300].map((done) => percentOf(done / 3, 300 - done))).toEqual([33, 67, 100]);
  });

  it("is never 100 before the end, nor 0 after the start", () => {
    expect(percentOf(99.99, 1)).toBe(99);
    expect(percentOf(0.01, 9999)).toBe(1);
    expect(percentOf(0, 10)).toBe(0);
  });

  it("never goes back as operations finish", () => {
    const shown = Array.from({ length: 3001 }, (_, done) => percentOf((100 * done) / 3000, 3000 - done));
    expect(shown).toEqual([...shown].sort((a, b) => a - b));
  });
});

describe("quiet hours", () => {
  const minute = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

  it.each([
    ["07:00-23:00", "12:00", "23:00"],
    ["07:00-23:00", "23:00", ""],
    ["22:00-06:00", "23:30", "06:00"],
    ["22:00-06:00", "05:59", "06:00"],
    ["22:00-06:00", "06:00", ""],
    ["07:00-09:00, 12:00-13:00", "12:30", "13:00"],
    ["", "12:00", ""],
    ["nonsense", "12:00", ""],
  ])("%s at %s end at %s", (windows, time, end) => {
    expect(quietUntil(windows, minute(time))).toBe(end);
  });
});

describe("cron", () => {
  it.each([
    ["nightly", "02:00", "0 2 * * *"],
    ["weekends", "23:30", "30 23 * * sat,sun"],
    ["weekly", "04:05", "5 4 * * sun"],
  ] as const)("%s at %s is %s, there and back", (preset, time, cron) => {
    expect(cronOf(preset, time)).toBe(cron);
    expect(presetOf(cron)).toEqual({ preset, time });
  });

  it.each(["*/5 * * * *", "0 2 1 * *", "0 2 * * mon", "0 2 * *", ""])("%s is one's own", (cron) => {
    expect(presetOf(cron).preset).toBe("custom");
  });
});

describe("sizes", () => {
  it.each([
    [0, "0 B"],
    [1023, "1,023 B"],
    [1536, "1.5 KiB"],
    [120 * 2 ** 20, "120 MiB"],
    [3.25 * 2 ** 30, "3.3 GiB"],
  ])("%d bytes read %s", (bytes, words) => {
    expect(size(bytes, "en")).toBe(words);
  });
});

describe("a job in the way", () => {
  const job = (id: string, library: number, purpose: string) => ({ id, library_id: library, purpose }) as Job;

  it("is one that was asked for, on the same library", () => {
    const active = [job("scan", 1, "arrivals"), job("other", 2, "asked"), job("same", 1, "asked")];
    expect(inTheWay(active, 1)?.id).toBe("same");
    expect(inTheWay(active.slice(0, 2), 1)).toBeUndefined();
  });
});

describe("settings", () => {
  it("are each in one section", () => {
    const settings = ["quiet_hours", "watch_delay", "port", "subsonic_url", "owner"].map((name) => ({ name }) as Setting);
    const sections = sectionsOf(settings);
    expect(sections.map((section) => section.name)).toEqual(["jobs", "watching", "server", "servers", "others"]);
    expect(sections.flatMap((section) => section.settings)).toHaveLength(settings.length);
  });
});
