// What the API says of folders, plans of renaming, sessions and duplicates; see /api/v1/docs.

import type { Item } from "../types";

export interface Folder {
  name: string;
  /** To ask with. */
  folder: string;
  /** What lies directly in it; null: not counted. */
  folders: number | null;
  tracks: number | null;
}

export interface FolderPage extends Folder {
  library_id: number;
  parent: string | null;
  items: Folder[];
  total_count: number;
}

export interface Preset {
  id: string;
  name: string;
  template: string;
  summary: string;
  example: string;
}

export interface Field {
  name: string;
  summary: string;
  example: string;
}

/** `position` and `length` in characters, not in UTF-16 units. */
export interface Fault {
  position: number;
  length: number;
  message: string;
  severity: "error" | "warning";
}

export interface Checked {
  valid: boolean;
  faults: Fault[];
  example: string;
}

export interface Suggestion {
  folder: string;
  album: string | null;
  kind: string;
  confidence: number;
  level: "high" | "medium" | "low";
  reason: string;
  preset: string;
  template: string;
  tracks: number;
  gaps: number;
}

export type RowStatus = "rename" | "unchanged" | "refused";
export type Shown = RowStatus | "noted" | "";

export interface PlanRow {
  number: number;
  folder: string;
  old: string;
  new: string;
  status: RowStatus;
  kind: "track" | "sidecar";
  code: string;
  reason: string;
  /** Of each field its text and where that comes from. */
  values: Record<string, [string, string]>;
  notes: string[];
}

export interface Plan {
  id: string;
  state: "planning" | "ready" | "failed";
  done: number;
  total: number | null;
  counts: Record<RowStatus, number>;
  level: "warning" | "critical" | null;
  warnings: string[];
  suggestions: string[];
  truncated: boolean;
  total_count: number;
  library_id: number;
  folder: string;
  template: string;
  recursive: boolean;
  audio: boolean;
  sidecars: boolean;
  created_at: number;
  session_id: string | null;
  error: string;
}

export type SessionState =
  | "running"
  | "done"
  | "done_with_errors"
  | "cancelled"
  | "interrupted"
  | "undoing"
  | "undone"
  | "partly_undone";

export interface Session {
  id: string;
  state: SessionState;
  root: string;
  template: string;
  total: number;
  done: number;
  failed: number;
  percent: number;
  current: string;
  created_at: number;
  finished_at: number | null;
  error: string;
  can_undo: boolean;
  can_recover: boolean;
}

/** The last word of the stream of events on a session. */
export interface RenameNews {
  session_id: string;
  total?: number;
  done?: number;
  failed?: number;
  percent?: number;
  current?: string;
  state?: SessionState;
}

export interface Move {
  number: number;
  folder: string;
  old: string;
  new: string;
  state: string;
  error: string;
}

export interface DuplicateGroup {
  certainty: number;
  kind: "same_recording" | "part" | "alike";
  evidence: {
    similarity: number | null;
    overlap_seconds: number | null;
    cosine: number | null;
    seconds_apart: number | null;
  };
  items: Item[];
}
