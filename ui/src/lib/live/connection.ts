/**
 * Keeps one stream of server-sent events open, whatever happens to the server or the network.
 *
 * `EventSource` ends for good on an answer other than 200 and forgets where it was, so it is reopened here, by timer,
 * with growing pauses and the id of the last event. Where streams do not pass at all, events are asked for instead.
 */

import { after, nothingKnown, type Live, type Told } from "./state";

export const EVENTS = "/api/v1/events";
export const RECENT = "/api/v1/events/recent";
export const NAMES = ["snapshot", "job", "notice", "library", "space", "rename", "machine"] as const;

/** Pauses between two tries, in seconds: doubled each time. */
const FIRST_PAUSE = 0.5;
const LONGEST_PAUSE = 15;
/** So many failed tries in a row, and events are asked for instead; meanwhile the stream is tried again. */
const TRIES = 6;
const POLL_PAUSE = 2;
const STREAM_AGAIN = 30;

/** The part of `EventSource` that is used, so that tests can bring their own. */
export interface Source {
  onopen: ((event: Event) => unknown) | null;
  onerror: ((event: Event) => unknown) | null;
  addEventListener(name: string, hear: (event: MessageEvent) => void): void;
  close(): void;
}

/** What a connection needs of the world. */
export interface World {
  open(url: string): Source;
  /** A JSON answer, or an error thrown when there is none. */
  ask(url: string): Promise<unknown>;
  /** Calls after so many seconds; returns what stops it. */
  later(seconds: number, call: () => void): () => void;
}

/** A page of events; ask on after `reached`, which may be later than the last of them. */
interface Recent {
  items: { seq: number; name: string; data: unknown }[];
  reached: number;
}

export class Connecting {
  private source: Source | null = null;
  private stopTimer = () => {};
  private live: Live = nothingKnown();
  private polls = 0;
  private begun = 0;

  /** `changed` is called with the state after each change, and with the event that made it, if one did. */
  constructor(
    private readonly world: World,
    private readonly changed: (live: Live, told: Told | null) => void,
  ) {}

  get state(): Live {
    return this.live;
  }

  start(): void {
    if (this.live.connection === "off") this.live = { ...this.live, connection: "connecting" };
    this.open();
  }

  /** Close the stream; what is known stays, and `start` goes on from there. */
  stop(): void {
    this.begun++;
    this.close();
    this.become({ connection: "off" });
  }

  /** Forget everything: somebody else is asking now. */
  reset(): void {
    this.stop();
    this.live = nothingKnown();
    this.changed(this.live, null);
  }

  private open(): void {
    this.close();
    const source = this.world.open(this.live.seq ? `${EVENTS}?last_event_id=${this.live.seq}` : EVENTS);
    this.source = source;
    source.onopen = () => this.opened();
    source.onerror = () => this.lost(source);
    for (const name of NAMES) source.addEventListener(name, (event) => this.hear(source, name, event));
  }

  private opened(): void {
    this.stopTimer();
    this.become({ connection: "live", failures: 0 });
  }

  private hear(source: Source, name: string, event: MessageEvent): void {
    if (source !== this.source) return;
    this.take({ name, seq: Number(event.lastEventId) || 0, data: JSON.parse(event.data as string) });
  }

  private take(told: Told): void {
    // The gauges have no id of their own; the browser hands the last one on.
    const now = after(this.live, told.name === "machine" ? { ...told, seq: 0 } : told);
    if (now === this.live) return;
    this.live = now;
    this.changed(now, told);
  }

  private lost(source: Source): void {
    if (source !== this.source) return;
    this.close();
    const failures = this.live.failures + 1;
    if (failures >= TRIES) return this.poll(failures);

    this.become({ connection: "reconnecting", failures });
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (failures - 1));
    this.stopTimer = this.world.later(pause, () => this.open());
  }

  private poll(failures: number): void {
    this.live = { ...this.live, failures };
    this.polls = 0;
    void this.ask(this.begun);
  }

  /** Ask for what came since; every half minute see whether the stream goes through again. */
  private async ask(begun: number): Promise<void> {
    let connection: Live["connection"] = "polling";
    try {
      const since = this.live.seq ? `?after=${this.live.seq}&limit=1000` : "";
      const { items, reached } = (await this.world.ask(RECENT + since)) as Recent;
      if (begun !== this.begun) return;
      for (const { seq, name, data } of items) this.take({ seq, name, data });
      this.become({ seq: reached });
    } catch {
      connection = "reconnecting"; // no server at all: the next round says more
    }
    if (begun !== this.begun) return;
    this.become({ connection });
    this.polls++;
    const streams = this.polls * POLL_PAUSE >= STREAM_AGAIN;
    const pause = connection === "polling" ? POLL_PAUSE : LONGEST_PAUSE / 3;
    const again = () => (streams || connection !== "polling" ? this.open() : void this.ask(begun));
    this.stopTimer = this.world.later(pause, again);
  }

  private become(change: Partial<Live>): void {
    const same = Object.entries(change).every(([name, value]) => this.live[name as keyof Live] === value);
    if (same) return;
    this.live = { ...this.live, ...change };
    this.changed(this.live, null);
  }

  private close(): void {
    this.stopTimer();
    this.source?.close();
    this.source = null;
  }
}
