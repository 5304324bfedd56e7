/** How jobs and their parts are said. */

import type { Job, JobState } from "../types";

export type Tone = "good" | "warn" | "bad" | "info" | "";

const TONES: Record<JobState, Tone> = {
  queued: "",
  running: "info",
  paused: "warn",
  interrupted: "warn",
  completed: "good",
  completed_with_errors: "warn",
  cancelled: "",
  failed: "bad",
};

export function toneOf(state: JobState): Tone {
  return TONES[state] ?? "";
}

/** Percent as whole digits. It reads 100 only when nothing is left, and 0 only when nothing is finished. */
export function percentOf(percent: number, left: number): number {
  const rounded = Math.round(percent);
  if (left > 0) return percent > 0 ? Math.min(99, Math.max(1, rounded)) : 0;
  return Math.min(100, rounded);
}

/** Operations that have their end: computed, skipped or failed. */
export function finishedOf(counts: { done: number; skipped: number; failed: number }): number {
  return counts.done + counts.skipped + counts.failed;
}

/** The active job that a new start on this library would collide with. What scans ask for runs beside it. */
export function inTheWay(active: readonly Job[], library: number | null): Job | undefined {
  return active.find((job) => job.library_id === library && job.purpose !== "arrivals");
}

/**
 * When the quiet time ends that `minute` (of the day) lies in, as "23:00", or "" when it lies in none.
 *
 * `windows`: as the setting has them, "22:00-06:00, 12:00-13:00".
 */
export function quietUntil(windows: string, minute: number): string {
  for (const window of windows.split(",")) {
    const [from, to] = window.trim().split("-").map(minuteOf);
    if (from === undefined || to === undefined || Number.isNaN(from) || Number.isNaN(to)) continue;
    const inside = from <= to ? minute >= from && minute < to : minute >= from || minute < to;
    if (inside) return window.trim().split("-")[1]!.trim();
  }
  return "";
}

function minuteOf(time: string): number {
  const [hour, minute] = time.trim().split(":").map(Number);
  return (hour ?? NaN) * 60 + (minute ?? NaN);
}
