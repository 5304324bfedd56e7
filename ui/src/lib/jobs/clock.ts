/** Times for people: when something ends, and how long it takes. Times in seconds since the epoch. */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The time of day, with the day where it is not today: "14:32", "Tue 03:10", "24 Dec, 03:10". */
export function clock(at: number, now: number, locale: string, timeZone?: string): string {
  const zone = timeZone ? { timeZone } : {};
  const moment = new Date(at * 1000);
  const time: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", ...zone };
  const day = (date: Date) => date.toLocaleDateString("en-CA", zone);
  if (day(moment) === day(new Date(now * 1000))) return moment.toLocaleTimeString(locale, time);
  if (Math.abs(at - now) < 6 * DAY) return moment.toLocaleString(locale, { weekday: "short", ...time });
  return moment.toLocaleString(locale, { day: "numeric", month: "short", ...time });
}

/** A length of time in its two largest units: "45 sec", "12 min", "3 hr 20 min", "2 days 4 hr". */
export function span(seconds: number, locale: string): string {
  const rounded = Math.max(0, Math.round(seconds));
  const show = (value: number, unit: string) =>
    value.toLocaleString(locale, { style: "unit", unit, unitDisplay: "short" });
  if (rounded < 90) return show(rounded, "second");
  const parts = rounded < HOUR ? [[Math.round(rounded / MINUTE), "minute"] as const] : largest(rounded);
  return parts.filter(([value]) => value > 0).map(([value, unit]) => show(value, unit)).join(" ");
}

function largest(seconds: number): (readonly [number, string])[] {
  if (seconds < DAY) {
    const minutes = Math.round(seconds / MINUTE);
    return [[Math.floor(minutes / 60), "hour"], [minutes % 60, "minute"]];
  }
  const hours = Math.round(seconds / HOUR);
  return [[Math.floor(hours / 24), "day"], [hours % 24, "hour"]];
}
