/** The settings in sections, so that a person finds one among seventy. */

import type { Setting } from "../types";

/** First the section whose words the setting's name begins with; what fits nowhere is "others". */
const SECTIONS = {
  jobs: ["quiet_hours", "job_", "notify", "batch", "workers", "device", "precision", "coverage", "engine", "together_", "cutover_"],
  watching: ["watch", "scan_", "embed_retr", "embed_progress", "navidrome_", "keep_missing", "follow_links"],
  server: ["host", "port", "uds", "embed_socket", "allowed_", "trusted_", "session_", "admin_", "jwt_", "log_"],
  servers: ["subsonic_", "hub", "endpoint", "offline", "weights"],
} as const;

export type SectionName = keyof typeof SECTIONS | "others";

export interface Section {
  name: SectionName;
  settings: Setting[];
}

/** Sections with something in them, in their order; within one the settings keep theirs. */
export function sectionsOf(settings: readonly Setting[]): Section[] {
  const names = [...(Object.keys(SECTIONS) as (keyof typeof SECTIONS)[]), "others"] as const;
  return names
    .map((name) => ({ name, settings: settings.filter((setting) => sectionOf(setting.name) === name) }))
    .filter((section) => section.settings.length > 0);
}

function sectionOf(setting: string): SectionName {
  for (const [name, beginnings] of Object.entries(SECTIONS)) {
    if (beginnings.some((beginning) => setting.startsWith(beginning))) return name as SectionName;
  }
  return "others";
}
