// What the API answers about videos, scenes and persons. Times in a video are seconds from its start.

import type { Page } from "../types";
import type { Weights } from "./weights";

export interface Versioned {
  spec_version: string;
}

export interface VideoBrief {
  id: number;
  library_id: number;
  path: string;
  name: string;
  state: "pending" | "ready" | "failed";
  seconds: number;
  width: number;
  height: number;
  fps: number;
  scenes: number;
  transcript: string;
  updated_at: number;
}

export type VideoPage = Page<VideoBrief> & Versioned;

export interface StepStanding {
  step: string;
  models: string[];
  enabled: boolean;
  disabled: string;
  done: number;
  stale: number;
  pending: number;
  failed: number;
  spec_versions: string[];
}

export interface VideoWhole extends VideoBrief, Versioned {
  missing: boolean;
  error: string;
  language: string;
  steps: StepStanding[];
}

export interface Embedded {
  state: "done" | "failed" | "pending" | "stale";
  spec_version: string;
  space: string;
  error: string;
}

export interface Scene {
  id: number;
  video_id: number;
  index: number;
  start: number;
  end: number;
  transcript: string;
  description: string;
  summary: string;
  tags: string[];
  thumbnail: string | null;
  embedded: Record<string, Embedded>;
}

export interface Found {
  scene: Scene;
  video: { id: number; name: string };
  score: number;
  display: number;
  channels: Record<string, { raw: number; scaled: number; rank: number }>;
  match: "supported" | "best_guess" | "semantic";
}

export interface SceneAnswer extends Versioned {
  query: string;
  persons: { id: number; name: string }[];
  rest: string;
  degraded: { channel: string; reason: string }[];
  weights: Weights;
  fusion: Fusion;
  results: Found[];
  seconds: number;
}

export type Fusion = "minmax" | "rrf";

export interface Preferences extends Versioned {
  weights: Weights;
  fusion: Fusion;
}

export interface Person {
  id: number;
  name: string;
  archived: boolean;
  photos: Record<PhotoState, number>;
  has_vector: boolean;
}

export type PhotoState = "uploaded" | "ready" | "failed";

export interface Photo {
  id: number;
  person_id: number;
  state: PhotoState;
  error: string;
  file: string;
}

export interface Step {
  name: string;
  summary: string;
  works_on: string;
  models: string[];
  version: number;
  enabled: boolean;
  disabled: string;
}

export interface Pipeline extends Versioned {
  steps: Step[];
}

export interface ReprocessRun extends Versioned {
  run_id: string;
  scope: "video" | "owner" | "all";
  owner_id: string | null;
  video_id: number | null;
  force: boolean;
  created_at: number;
}

export interface Outlook extends Versioned {
  video_count: number;
  running: ReprocessRun | null;
  newest: ReprocessRun[];
}

export interface Tally {
  total: number;
  processed: number;
  skipped: number;
  failed: number;
  left: number;
}

export interface ReprocessProgress extends ReprocessRun {
  state: string;
  percent: number;
  completed_at: number | null;
  videos: Tally;
  scenes: Tally;
  photos: Tally;
  persons: Tally;
  steps: (Tally & { step: string })[];
  not_extracted_count: number;
  error_count: number;
  errors: { path: string; model: string; code: string; reason: string }[];
}

export interface Queued extends Versioned {
  run_id: string;
  video_count: number;
  message: string;
}
