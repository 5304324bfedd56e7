/** What is known of the running server, and how each event changes it. Pure: the worker and every tab use the same. */

import type { RenameNews } from "../rename/types";
import type { Job, Machine } from "../types";

export type Connection = "connecting" | "live" | "reconnecting" | "polling" | "off";

/** Said when a job ends; `text_key` names a text of the locale files, `facts` what stands in it. */
export interface Notice {
  seq: number;
  level: "success" | "warning" | "info" | "error";
  text_key: string;
  facts: Record<string, string | number>;
}

/** The last word on a library: what a scan found, or that one is under way. */
export interface LibraryNews {
  library_id: number | null;
  scanning: boolean;
  files?: number;
  new?: number;
}

export interface Live {
  connection: Connection;
  /** Failed tries since the last good connection. */
  failures: number;
  /** Sequence of the last event; 0: none yet. */
  seq: number;
  /** Names of the events told under `seq`: a job's end and its notice share one. */
  heard: string[];
  /** Whether a first answer has come: before it, an empty `jobs` says nothing. */
  known: boolean;
  jobs: Record<string, Job>;
  /** Jobs that were active before a snapshot without them: their end was missed and must be asked for. */
  missed: string[];
  machine: Machine | null;
  libraries: Record<number, LibraryNews>;
  /** Rises when a space takes over, so that a page may ask again. */
  spaces: number;
  /** The last word on each session of renaming. */
  renames: Record<string, RenameNews>;
  notices: Notice[];
}

/** One server-sent event. `seq` is 0 where the event has none (the machine's gauges). */
export interface Told {
  name: string;
  seq: number;
  data: unknown;
}

const KEPT_NOTICES = 20;
const ACTIVE = new Set(["queued", "running", "paused", "interrupted"]);

export function nothingKnown(): Live {
  return {
    connection: "off",
    failures: 0,
    seq: 0,
    heard: [],
    known: false,
    jobs: {},
    missed: [],
    machine: null,
    libraries: {},
    spaces: 0,
    renames: {},
    notices: [],
  };
}

export function isActive(job: Job): boolean {
  return ACTIVE.has(job.state);
}

/** The state after one event. An event that was told before changes nothing. */
export function after(live: Live, told: Told): Live {
  if (told.name === "snapshot") return afterSnapshot(live, told.data as { jobs: Job[]; seq: number });
  if (told.seq && (told.seq < live.seq || (told.seq === live.seq && live.heard.includes(told.name)))) return live;

  const { seq, heard } = mark(live, told);
  const now = { ...live, seq, heard, known: true };
  switch (told.name) {
    case "job":
      return withJob(now, told.data as Job);
    case "notice":
      return { ...now, notices: [...now.notices, { ...(told.data as Notice), seq: told.seq }].slice(-KEPT_NOTICES) };
    case "library": {
      const news = told.data as LibraryNews;
      return news.library_id ? { ...now, libraries: { ...now.libraries, [news.library_id]: news } } : now;
    }
    case "space":
      return { ...now, spaces: now.spaces + 1 };
    case "rename": {
      const news = told.data as RenameNews;
      return { ...now, renames: { ...now.renames, [news.session_id]: { ...now.renames[news.session_id], ...news } } };
    }
    case "machine":
      return { ...now, machine: told.data as Machine };
    default:
      return now;
  }
}

/** The state with a job that was asked for by request: an older answer does not replace newer events. */
export function withAnswer(live: Live, job: Job): Live {
  const known = live.jobs[job.id];
  const stale = known && (finished(known) > finished(job) || (!isActive(known) && isActive(job)));
  return stale ? without(live, job.id) : withJob(live, job);
}

/** Active jobs, the one that runs first, then by their time of asking. */
export function activeJobs(live: Live): Job[] {
  const rank = (job: Job) => (job.state === "running" ? 0 : 1);
  return Object.values(live.jobs)
    .filter(isActive)
    .sort((a, b) => rank(a) - rank(b) || a.created_at - b.created_at || a.id.localeCompare(b.id));
}

/** Where we are in the stream after an event. The gauges have no place in it. */
function mark(live: Live, told: Told): Pick<Live, "seq" | "heard"> {
  if (!told.seq) return live;
  return { seq: told.seq, heard: told.seq === live.seq ? [...live.heard, told.name] : [told.name] };
}

/** The truth replaces what was known; a new server may count its events from the start again. */
function afterSnapshot(live: Live, truth: { jobs: Job[]; seq: number }): Live {
  const jobs = Object.fromEntries(Object.values(live.jobs).filter((job) => !isActive(job)).map((job) => [job.id, job]));
  for (const job of truth.jobs) jobs[job.id] = job;
  const gone = Object.values(live.jobs).filter((job) => isActive(job) && !jobs[job.id]);
  const missed = [...live.missed, ...gone.map((job) => job.id)];
  const notices = live.notices.filter((notice) => notice.seq <= truth.seq);
  return { ...live, jobs, seq: truth.seq, heard: [], known: true, missed, notices };
}

function withJob(live: Live, job: Job): Live {
  return { ...without(live, job.id), jobs: { ...live.jobs, [job.id]: job } };
}

function without(live: Live, missed: string): Live {
  return live.missed.includes(missed) ? { ...live, missed: live.missed.filter((id) => id !== missed) } : live;
}

function finished(job: Job): number {
  return job.operations.done + job.operations.skipped + job.operations.failed;
}
