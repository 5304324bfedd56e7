import { describe, expect, test } from "vitest";
import { bodyHeight, MOST_PX, moved, OVERSCAN, realTop, reveal, scrollTopFor, windowAt, type Extent } from "../src/lib/table/scroll";

const short: Extent = { rows: 1000, rowHeight: 36, viewHeight: 720 };
const million: Extent = { rows: 1_000_000, rowHeight: 36, viewHeight: 720 };
const far: Extent = { rows: 10_000_000, rowHeight: 36, viewHeight: 733 };

const lastScroll = (extent: Extent) => bodyHeight(extent) - extent.viewHeight;

describe("which rows are drawn", () => {
  test("at the top: the view and what is kept ready below", () => {
    expect(windowAt(short, 0)).toEqual({ first: 0, end: 20 + OVERSCAN, offset: 0 });
  });

  test("in between, to the pixel", () => {
    const shown = windowAt(short, 36 * 100 + 10);
    expect(shown.first).toBe(100 - OVERSCAN);
    expect(shown.end).toBe(121 + OVERSCAN);
    expect(shown.offset).toBe(36 * (100 - OVERSCAN));
  });

  test.each([short, million, far])("the last row is reached, and ends where the body ends (%o)", (extent) => {
    const shown = windowAt(extent, lastScroll(extent));
    expect(shown.end).toBe(extent.rows);
    const bottom = shown.offset + (shown.end - shown.first) * extent.rowHeight;
    expect(bottom).toBeCloseTo(bodyHeight(extent), 3);
  });

  test.each([short, million, far])("never more than 60 rows of a window of 1,080 px, and never a gap (%o)", (given) => {
    const extent = { ...given, viewHeight: 1080 };
    for (let step = 0; step <= 997; step++) {
      const scrollTop = (lastScroll(extent) * step) / 997;
      const { first, end, offset } = windowAt(extent, scrollTop);
      expect(end - first).toBeLessThanOrEqual(60);
      expect(offset).toBeLessThanOrEqual(scrollTop + 0.001);
      expect(offset + (end - first) * extent.rowHeight).toBeGreaterThanOrEqual(scrollTop + extent.viewHeight - 0.001);
    }
  });

  test("no rows, and fewer than fill the view", () => {
    expect(windowAt({ ...short, rows: 0 }, 0)).toEqual({ first: 0, end: 0, offset: 0 });
    expect(windowAt({ ...short, rows: 3 }, 0)).toEqual({ first: 0, end: 3, offset: 0 });
  });

  test("a position beyond the end, as after a filter, is taken for the end", () => {
    expect(windowAt(short, 1e9).end).toBe(1000);
    expect(realTop(short, -50)).toBe(0);
  });
});

describe("beyond what browsers can scroll", () => {
  test("the body stays below their limit", () => {
    expect(bodyHeight(million)).toBe(MOST_PX);
    expect(million.rows * million.rowHeight).toBeGreaterThan(33_554_432);
  });

  test.each([0, 1, 499_999, 932_068, 999_960])("scrolling to row %i brings it to the top", (row) => {
    const scrollTop = scrollTopFor(million, row * 36);
    expect(realTop(million, scrollTop)).toBeCloseTo(row * 36, 3);
    expect(windowAt(million, scrollTop).first).toBe(Math.max(0, row - OVERSCAN));
  });
});

describe("keys", () => {
  test("a row above the view comes to its top, one below to its bottom, one within stays", () => {
    expect(reveal(short, 3600, 50)).toBe(1800);
    expect(reveal(short, 0, 40)).toBe(41 * 36 - 720);
    expect(reveal(short, 3600, 105)).toBe(3600);
  });

  test("each key moves, within the table", () => {
    expect(moved("ArrowDown", 5, short)).toBe(6);
    expect(moved("ArrowUp", 0, short)).toBe(0);
    expect(moved("PageDown", 0, short)).toBe(19);
    expect(moved("PageUp", 40, short)).toBe(21);
    expect(moved("Home", 40, short)).toBe(0);
    expect(moved("End", 40, million)).toBe(999_999);
    expect(moved("ArrowDown", 999, short)).toBe(999);
    expect(moved("q", 5, short)).toBeNull();
  });
});
