// The columns of the library: what they show, what they are sorted by, and how wide the table must be for them.

import { duration } from "../format";
import type { Key } from "../i18n.svelte";
import type { Item } from "../types";
import type { Sort } from "./filters";

export interface Column {
  sort: Sort;
  name: Key;
  /** A track of the grid's template. */
  width: string;
  /** Shown from this width of the table on, in px. */
  from: number;
  /** A number: set to the end. */
  number?: boolean;
  text: (item: Item) => string;
  /** Whether what is shown was heard: no tag says it. */
  heard?: (item: Item) => boolean;
}

export const TITLE: Column = {
  sort: "title",
  name: "library.title",
  width: "minmax(140px, 3fr)",
  from: 0,
  text: (item) => item.title ?? item.label,
};

const rounded = (value: number | null) => (value === null ? "" : String(Math.round(value)));
const some = (value: string | number | null) => (value === null ? "" : String(value));

export const COLUMNS: readonly Column[] = [
  { sort: "artist", name: "library.artist", width: "minmax(110px, 2fr)", from: 520, text: (item) => some(item.artist) },
  { sort: "album", name: "library.album", width: "minmax(110px, 2fr)", from: 760, text: (item) => some(item.album) },
  { sort: "genre", name: "library.genre", width: "minmax(90px, 1fr)", from: 900, text: (item) => some(item.genre) },
  { sort: "year", name: "library.year", width: "72px", from: 1060, number: true, text: (item) => some(item.year) },
  {
    sort: "bpm",
    name: "library.bpm",
    width: "72px",
    from: 980,
    number: true,
    text: (item) => rounded(item.bpm ?? item.heard?.bpm ?? null),
    heard: (item) => item.bpm === null && (item.heard?.bpm ?? null) !== null,
  },
  {
    sort: "key",
    name: "library.key",
    width: "84px",
    from: 980,
    text: (item) => some(item.key ?? item.heard?.key ?? null),
    heard: (item) => item.key === null && (item.heard?.key ?? null) !== null,
  },
  { sort: "duration", name: "library.duration", width: "96px", from: 420, number: true, text: (item) => duration(item.duration) },
];

/** Narrower than this, the artist stands below the title. */
export const TWO_LINES_BELOW = 520;
