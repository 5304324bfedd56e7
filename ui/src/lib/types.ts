// What the API answers with; see /api/v1/docs. Times are seconds since the epoch.

export type Role = "admin" | "user";
export type Theme = "system" | "light" | "dark";

export interface Preferences {
  theme?: Theme;
  locale?: string;
  columns?: string[];
  [name: string]: unknown;
}

export interface Me {
  name: string;
  role: Role;
  owner: string;
  must_change: boolean;
  preferences: Preferences;
  version: string;
}

export interface User {
  name: string;
  role: Role;
  owner: string;
  must_change: boolean;
  created_at: number;
  /** Only in the answer to adding one, or to a new password: shown once. */
  password?: string | null;
}

export interface Token {
  id: number | string;
  name: string;
  created_at: number;
  expires_at: number | null;
  last_used_at: number | null;
  /** Only in the answer to making one: shown once. */
  token?: string;
}

export interface Listed<T> {
  items: T[];
}

export interface Page<T> extends Listed<T> {
  total_count: number;
  offset: number;
  limit: number;
  next_cursor: string | null;
}

export interface Library {
  id: number;
  name: string;
  kind: string;
  root: string;
  exclude: string[];
  watch: boolean;
  items: number;
  missing: number;
  audio_seconds: number;
  bytes: number;
  scanned_at: number | null;
  problems: number;
  online: boolean;
}

export type ModelState = "done" | "failed" | "pending" | "stale";

export interface Item {
  id: number;
  library_id: number;
  path: string;
  title: string | null;
  artist: string | null;
  album: string | null;
  album_artist: string | null;
  genre: string | null;
  year: number | null;
  track: number | null;
  disc: number | null;
  bpm: number | null;
  key: string | null;
  duration: number | null;
  /** What listening told; null: nobody has listened. */
  heard: { bpm: number | null; key: string | null; camelot: string | null; lufs: number | null } | null;
  size: number;
  updated_at: number;
  missing: boolean;
  label: string;
  models: Record<string, ModelState>;
}

export interface Heard {
  seconds: number;
  whole: boolean;
  tempo: { bpm: number; confidence: number; alternatives: { bpm: number; strength: number }[]; first_beat: number | null } | null;
  key: { name: string; camelot: string; open_key: string; confidence: number; second: string | null } | null;
  loudness: { integrated: number; range: number; true_peak: number; gain: number } | null;
  lead_silence: number | null;
  tail_silence: number | null;
  tuning: number;
  cues: { kind: "intro" | "drop" | "breakdown"; seconds: number; strength: number }[];
}

export interface Warning {
  level: "warning" | "critical";
  message: string;
  suggestions: string[];
  truncated: boolean;
  total_count: number;
}

export interface ItemPage extends Page<Item> {
  warning: Warning | null;
}

export type Facet = "genre" | "artist" | "album" | "key" | "year";

export interface FacetValue {
  value: string | number;
  count: number;
}

export interface Explained {
  item_id: number;
  label: string;
  models: {
    model: string;
    space: string | null;
    space_state: string | null;
    state: string;
    reason: string | null;
    attempts: number;
    error_code: string | null;
    error_message: string | null;
    cure: string | null;
    updated_at: number | null;
    /** What the model's parameters are now and were then: name, then, now. */
    differences?: [string, string, string][];
  }[];
}

export interface Hit extends Item {
  score: number;
  scores: Record<string, number>;
}

export interface Found {
  model: string;
  space: string | null;
  partial: boolean;
  warnings: string[];
  items: Hit[];
  seconds: number;
  store_seconds: number;
}

export interface Model {
  name: string;
  description: string;
  dimension: number;
  memory_mb: number;
  licence: string;
  sample_rate: number;
  reads_text: boolean;
  execution: string;
  extra: string;
  installed: boolean;
  ready: boolean;
  missing: string;
  broken: string;
  cure: string;
  speed: { audio_seconds_per_second: number } | null;
  serving: { space: string; vectors: number; switched_at: number | null } | null;
  filling: { space: string; vectors: number } | null;
}

export type JobState =
  | "queued"
  | "running"
  | "paused"
  | "interrupted"
  | "completed"
  | "completed_with_errors"
  | "cancelled"
  | "failed";

export interface ModelProgress {
  model: string;
  state: string;
  total: number;
  done: number;
  skipped: number;
  failed: number;
  error: string | null;
  seconds: number;
  percent: number;
  memory_mb: number | null;
}

export interface Job {
  id: string;
  state: JobState;
  purpose: string;
  asked_by: string | null;
  owner: string;
  library_id: number | null;
  library: string | null;
  models: string[];
  wanted: Wanted;
  clear: Clear;
  batch_size: number | null;
  spec_version: string | null;
  percent: number;
  items: { total: number; failed: number };
  operations: { total: number; done: number; skipped: number; failed: number; left: number };
  current: string | null;
  eta: number | null;
  speed: number | null;
  phase: string;
  quiet: boolean;
  per_model: ModelProgress[];
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
  error: string | null;
}

export type Wanted = "missing" | "all" | "failed";
export type Clear = "nothing" | "after" | "first";

export interface Start {
  library_id: number;
  models: string[];
  wanted?: Wanted;
  clear?: Clear;
  folder?: string;
  since?: number;
  batch_size?: number;
  owner?: string;
}

export interface Estimate {
  items: number;
  operations: number;
  to_do: number;
  seconds: number | null;
  disk_bytes: number;
  models: {
    model: string;
    total: number;
    to_do: number;
    skipped: number;
    reasons: Record<string, number>;
    seconds: number | null;
    memory_mb: number;
    speed_source: string;
    missing: string;
  }[];
}

export interface Failure {
  item_id: number;
  label: string;
  path: string;
  model: string;
  code: string;
  message: string;
  cure: string;
  retryable: boolean;
  attempts: number;
  at: number;
  dismissed: boolean;
}

export interface FailurePage extends Page<Failure> {
  codes: { code: string; count: number }[];
}

export interface Schedule {
  id: number;
  library_id: number;
  models: string[];
  cron: string;
  enabled: boolean;
  next_at: number | null;
  ran_at: number | null;
  outcome: string | null;
}

export interface Machine {
  cpu_percent: number;
  memory_used_mb: number;
  memory_total_mb: number;
  gpus: { name: string; used_mb: number; total_mb: number; percent: number }[];
  job_memory_mb: number | null;
}

export interface Setting {
  name: string;
  value: string | number | boolean | null;
  default: string | number | boolean | null;
  help: string;
  kind: "bool" | "int" | "float" | "text";
  choices: string[] | null;
  least: number | null;
  most: number | null;
  source: "default" | "file" | "environment" | "flag";
  secret: boolean;
  restart: boolean;
  /** Whether it differs from the default; a secret's value is not told. */
  given: boolean;
  /** Of the environment, which is stronger than the file. */
  variable: string;
}

export interface Grouping {
  names: string[];
  /** Per point the index into `names`; -1: none. */
  of: number[];
}

export interface MapAnswer {
  state: "ready" | "computing" | "none";
  model: string;
  space: string;
  method: string;
  made_at: number;
  count: number;
  ids: number[];
  x: number[];
  y: number[];
  cluster: number[];
  genre: Grouping;
  key: Grouping;
  clusters: { id: number; label: string; count: number; x: number; y: number }[];
  /** Why it could not be drawn the last time; empty: it could. */
  problem: string;
}
