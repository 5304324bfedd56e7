/** Times of schedules in the five fields of cron, and the ones that most people want by name. */

export const PRESETS = ["nightly", "weekends", "weekly", "custom"] as const;
export type Preset = (typeof PRESETS)[number];

/** The cron line of a preset at so many hours and minutes ("02:00"). */
export function cronOf(preset: Exclude<Preset, "custom">, time: string): string {
  const [hour = 2, minute = 0] = time.split(":").map(Number);
  return `${minute} ${hour} * * ${{ nightly: "*", weekends: "sat,sun", weekly: "sun" }[preset]}`;
}

/** The preset that a cron line is, with its time of day, or `custom`. */
export function presetOf(cron: string): { preset: Preset; time: string } {
  const [minute = "", hour = "", day, month, weekday, ...more] = cron.trim().toLowerCase().split(/\s+/);
  const plain = /^\d{1,2}$/.test(minute) && /^\d{1,2}$/.test(hour) && day === "*" && month === "*" && !more.length;
  if (!plain) return { preset: "custom", time: "" };

  const preset = new Map<string | undefined, Preset>([
    ["*", "nightly"],
    ["sat,sun", "weekends"],
    ["sun", "weekly"],
  ]).get(weekday);
  return preset ? { preset, time: `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}` } : { preset: "custom", time: "" };
}
