// What the server tells while it happens: jobs, scans, the machine. One stream for all tabs, see live.worker.ts.

import { get, Problem } from "./api";
import { BROWSER } from "./live/browser";
import { Connecting } from "./live/connection";
import { activeJobs, isActive, nothingKnown, withAnswer, type Live, type Notice } from "./live/state";
import type { Job, Page } from "./types";
import type { Word } from "./live.worker";

const ANSWER_HOLDS_MS = 5000;

class LiveStore {
  now = $state.raw<Live>(nothingKnown());
  /** Ends of jobs since the page was opened that nobody has closed, oldest first. */
  notices = $state.raw<Notice[]>([]);
  active = $derived(activeJobs(this.now));

  private end: (() => void) | null = null;
  /** Notices that were shown or are older than the page; `null`: nothing is known yet. */
  private told: Set<string> | null = null;
  private asked = new Set<string>();
  private answers = new Map<string, { job: Job; at: number; seq: number }>();

  /** Begin to listen for who is signed in; a second call for the same does nothing. */
  start(who: string, isAdmin: boolean): void {
    if (this.end) return;
    this.end = typeof SharedWorker === "undefined" ? this.listenAlone() : this.listenTogether(who);
    if (isAdmin) void this.askActive();
  }

  stop(): void {
    this.end?.();
    this.end = null;
    this.told = null;
    this.asked.clear();
    this.answers.clear();
    this.notices = [];
    this.now = nothingKnown();
  }

  /** Take in the answer to a request about a job, such as the one that started it. */
  answered(job: Job): void {
    this.answers.set(job.id, { job, at: Date.now(), seq: this.now.seq });
    this.now = withAnswer(this.now, job);
  }

  close(notice: Notice): void {
    this.notices = this.notices.filter((kept) => kept !== notice);
  }

  private listenTogether(who: string): () => void {
    const worker = new SharedWorker(new URL("./live.worker.ts", import.meta.url), { type: "module", name: "reprise" });
    const say = (word: Word) => worker.port.postMessage(word);
    const enter = () => say({ say: "enter", who });
    const leave = () => say({ say: "leave" });
    worker.port.onmessage = ({ data }: MessageEvent<Live>) => this.take(data);
    worker.port.start();
    enter();
    addEventListener("pagehide", leave);
    addEventListener("pageshow", enter);
    return () => {
      removeEventListener("pagehide", leave);
      removeEventListener("pageshow", enter);
      leave();
      worker.port.close();
    };
  }

  /** Without a shared worker each tab has its own stream, and only while it is looked at. */
  private listenAlone(): () => void {
    const connection = new Connecting(BROWSER, (live) => this.take(live));
    const look = () => (document.hidden ? connection.stop() : connection.start());
    document.addEventListener("visibilitychange", look);
    connection.start();
    return () => {
      document.removeEventListener("visibilitychange", look);
      connection.reset();
    };
  }

  private take(live: Live): void {
    this.now = this.freshAnswers(live).reduce(withAnswer, live);
    this.tell(live);
    for (const id of this.asked) if (!live.missed.includes(id)) this.asked.delete(id);
    for (const id of live.missed) if (!this.asked.has(id)) void this.askMissed(id);
  }

  /** Answers run ahead of the events only for a moment; then the events alone say how things stand. */
  private freshAnswers(live: Live): Job[] {
    for (const [id, { job, at, seq }] of this.answers) {
      const old = isActive(job) ? live.known && Date.now() - at > ANSWER_HOLDS_MS : id in live.jobs && live.seq > seq;
      if (old) this.answers.delete(id);
    }
    return [...this.answers.values()].map(({ job }) => job);
  }

  /** Notices from before this page was opened are history; the page shows the jobs themselves. */
  private tell(live: Live): void {
    if (!live.known) return;
    const fresh = live.notices.filter((notice) => !this.told?.has(keyOf(notice)));
    if (this.told && fresh.length) this.notices = [...this.notices, ...fresh];
    this.told = new Set([...(this.told ?? []), ...fresh.map(keyOf)]);
  }

  private async askMissed(id: string): Promise<void> {
    this.asked.add(id);
    const job = await answer<Job>(`/jobs/${id}`);
    if (!job) return void this.asked.delete(id);
    this.answered(job);
    if (!isActive(job)) this.notices = [...this.notices, noticeOf(job)];
  }

  /** A reload shows the running job at once, even where no stream gets through. */
  private async askActive(): Promise<void> {
    const page = await answer<Page<Job>>("/jobs?limit=20");
    for (const job of page?.items.filter(isActive) ?? []) this.answered(job);
  }
}

function keyOf(notice: Notice): string {
  return `${notice.seq} ${notice.text_key} ${notice.facts["job_id"]}`;
}

/** The notice of an end that happened while nobody could tell of it. */
function noticeOf(job: Job): Notice {
  const level = { completed: "success", completed_with_errors: "warning", cancelled: "info" } as const;
  return {
    seq: 0,
    level: level[job.state as keyof typeof level] ?? "error",
    text_key: `notice.${job.state}`,
    facts: {
      library: job.library ?? "",
      operations: job.operations.done,
      errors: job.operations.failed,
      error: job.error ?? "",
    },
  };
}

async function answer<T>(path: string): Promise<T | null> {
  try {
    return await get<T>(path);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return null; // the next event, or the next look, says it
  }
}

export const live = new LiveStore();
