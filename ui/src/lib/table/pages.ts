// Rows by their index, fetched in pages as they come into view. Keeps the pages used last; gives up what nobody waits for.

export interface Fetched<T> {
  items: readonly T[];
  total: number;
}

export type FetchPage<T> = (offset: number, limit: number, signal: AbortSignal) => Promise<Fetched<T>>;

export interface PagesOptions<T> {
  fetch: FetchPage<T>;
  /** Called after every change: a page has come, or failed. */
  changed: () => void;
  /** Rows of one page. */
  size?: number;
  /** Pages kept. */
  keep?: number;
  /** How long to rest, in ms, after stale fetches were given up: somebody drags the scroll bar. */
  rest?: number;
}

export class Pages<T> {
  /** null: not known yet. */
  total: number | null = null;
  /** Why the last page did not come. */
  error: unknown = null;
  readonly size: number;

  private readonly kept = new Map<number, readonly T[]>();
  private readonly coming = new Map<number, AbortController>();
  private readonly keep: number;
  private readonly rest: number;
  private wanted: number[] = [];
  private timer: ReturnType<typeof setTimeout> | null = null;
  private closed = false;

  constructor(private readonly options: PagesOptions<T>) {
    this.size = options.size ?? 200;
    this.keep = options.keep ?? 30;
    this.rest = options.rest ?? 60;
  }

  /** The row at that index, when it is here. */
  row(index: number): T | undefined {
    return this.kept.get(Math.floor(index / this.size))?.[index % this.size];
  }

  /** Fetch what is missing of the rows from `first` to before `end`; what is still coming outside of them is given up. */
  want(first: number, end: number): void {
    const last = Math.floor(Math.max(first, end - 1) / this.size);
    this.wanted = [];
    for (let page = Math.floor(first / this.size); page <= last; page++) this.wanted.push(page);
    const gaveUp = this.giveUp((page) => !this.wanted.includes(page));
    this.touch();
    if (gaveUp) this.later();
    else if (this.timer === null) this.fetchMissing();
  }

  /** Fetch anew what is wanted; what is shown stays until it comes. */
  refresh(): void {
    this.giveUp(() => true);
    const shown = new Set(this.wanted);
    for (const page of this.kept.keys()) if (!shown.has(page)) this.kept.delete(page);
    this.error = null;
    for (const page of this.wanted) void this.fetchOne(page);
  }

  /** After a failure. */
  tryAgain(): void {
    this.error = null;
    this.fetchMissing();
  }

  close(): void {
    this.closed = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.giveUp(() => true);
  }

  private later(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.fetchMissing();
    }, this.rest);
  }

  private fetchMissing(): void {
    for (const page of this.wanted) {
      const beyond = this.total !== null && page > 0 && page * this.size >= this.total;
      if (!beyond && !this.kept.has(page) && !this.coming.has(page)) void this.fetchOne(page);
    }
  }

  private async fetchOne(page: number): Promise<void> {
    const controller = new AbortController();
    this.coming.set(page, controller);
    try {
      const { items, total } = await this.options.fetch(page * this.size, this.size, controller.signal);
      if (controller.signal.aborted) return;
      this.total = total;
      this.error = null;
      this.kept.set(page, items);
      this.forget();
    } catch (error) {
      if (controller.signal.aborted) return;
      this.error = error;
    }
    this.coming.delete(page);
    if (!this.closed) this.options.changed();
  }

  private giveUp(stale: (page: number) => boolean): boolean {
    const before = this.coming.size;
    for (const [page, controller] of this.coming) {
      if (!stale(page)) continue;
      this.coming.delete(page);
      controller.abort();
    }
    return this.coming.size < before;
  }

  /** A map keeps the order of insertion: what is wanted goes to its end, what is forgotten is at its start. */
  private touch(): void {
    for (const page of this.wanted) {
      const rows = this.kept.get(page);
      if (!rows) continue;
      this.kept.delete(page);
      this.kept.set(page, rows);
    }
  }

  private forget(): void {
    for (const page of this.kept.keys()) {
      if (this.kept.size <= this.keep) return;
      if (!this.wanted.includes(page)) this.kept.delete(page);
    }
  }
}
