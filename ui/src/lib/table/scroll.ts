// Which rows are in view: arithmetic only, so that it can be tested without a browser.

/** Browsers cut an element's height (Chromium at 33.5 million px, Firefox at 17.8 million). Beyond it we scale. */
export const MOST_PX = 16_000_000;
/** Rows kept ready above and below the view. */
export const OVERSCAN = 6;

export interface Extent {
  /** Rows in all. */
  rows: number;
  /** Height of one, in px. */
  rowHeight: number;
  /** Height of the part of the table that shows rows, in px. */
  viewHeight: number;
}

/** Height in px that the scrolled body is given. */
export function bodyHeight({ rows, rowHeight }: Extent): number {
  return Math.min(rows * rowHeight, MOST_PX);
}

/** Distance in px from the first row's top to the view's, were nothing scaled. */
export function realTop(extent: Extent, scrollTop: number): number {
  const real = extent.rows * extent.rowHeight - extent.viewHeight;
  const scrolled = bodyHeight(extent) - extent.viewHeight;
  if (real <= 0 || scrolled <= 0) return 0;
  const kept = Math.min(Math.max(scrollTop, 0), scrolled);
  return real <= scrolled ? kept : kept * (real / scrolled);
}

/** The scrollTop at which `realTop` is that distance. */
export function scrollTopFor(extent: Extent, top: number): number {
  const real = extent.rows * extent.rowHeight - extent.viewHeight;
  const scrolled = bodyHeight(extent) - extent.viewHeight;
  if (real <= 0 || scrolled <= 0) return 0;
  const kept = Math.min(Math.max(top, 0), real);
  return real <= scrolled ? kept : kept * (scrolled / real);
}

export interface Window {
  /** First row to draw. */
  first: number;
  /** One past the last. */
  end: number;
  /** Where the first one goes within the body, in px. */
  offset: number;
}

/** The rows to draw at a scroll position, with their place. */
export function windowAt(extent: Extent, scrollTop: number): Window {
  const top = realTop(extent, scrollTop);
  const first = Math.max(0, Math.floor(top / extent.rowHeight) - OVERSCAN);
  const end = Math.min(extent.rows, Math.ceil((top + extent.viewHeight) / extent.rowHeight) + OVERSCAN);
  return { first, end: Math.max(first, end), offset: scrollTop + first * extent.rowHeight - top };
}

/** The scrollTop that brings a row wholly into view with the least movement. */
export function reveal(extent: Extent, scrollTop: number, row: number): number {
  const top = realTop(extent, scrollTop);
  const above = row * extent.rowHeight;
  const below = above + extent.rowHeight - extent.viewHeight;
  if (above < top) return scrollTopFor(extent, above);
  if (below > top) return scrollTopFor(extent, below);
  return scrollTop;
}

/** Where a key moves to from a row; null: it is no key of movement. */
export function moved(key: string, row: number, { rows, rowHeight, viewHeight }: Extent): number | null {
  const page = Math.max(1, Math.floor(viewHeight / rowHeight) - 1);
  const to = { ArrowDown: row + 1, ArrowUp: row - 1, PageDown: row + page, PageUp: row - page, Home: 0, End: rows - 1 }[key];
  return to === undefined ? null : Math.min(Math.max(to, 0), rows - 1);
}
