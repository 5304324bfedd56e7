// What the library shows, as its address says it.

import type { Query } from "../api";

/** The API's words; the first eight are columns. */
export const SORTS = ["artist", "title", "album", "genre", "year", "bpm", "key", "duration", "updated_at", "path", "id"] as const;
export type Sort = (typeof SORTS)[number];
export type Order = "asc" | "desc";

export const STATES = ["done", "failed", "pending", "none"] as const;
/** Words of the address that narrow the list; the API's words. */
export const NARROWING = ["library_id", "q", "artist", "genre", "key", "model", "state", "folder"] as const;
/** Rows of a page where page controls are used. */
export const PAGE_ROWS = 100;

export interface View {
  narrowing: Query;
  sort: Sort;
  order: Order;
  paged: boolean;
  /** From 1 on. */
  page: number;
}

export function read(query: URLSearchParams): View {
  const narrowing: Query = {};
  for (const name of NARROWING) narrowing[name] = query.get(name);
  if (!query.get("model") || !query.get("state")) narrowing.model = narrowing.state = null;
  const sort = SORTS.find((one) => one === query.get("sort")) ?? "artist";
  const page = Math.floor(Number(query.get("page")));
  return {
    narrowing,
    sort,
    order: query.get("order") === "desc" ? "desc" : "asc",
    paged: query.get("paged") === "1",
    page: page >= 1 && Number.isSafeInteger(page * PAGE_ROWS) ? page : 1,
  };
}

/** Whether anything narrows the list. */
export function isNarrowed(view: View): boolean {
  return Object.values(view.narrowing).some((value) => value !== null && value !== undefined && value !== "");
}
