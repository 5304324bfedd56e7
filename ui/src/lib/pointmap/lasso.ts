/** What a line drawn by hand encloses. Everything in units of the map. */

import type { PointGrid } from "./grid";
import type { Point } from "./view";

/** Whether the place lies inside, by the even-odd rule; the line is closed from its last corner to its first. */
export function encloses(corners: readonly Point[], x: number, y: number): boolean {
  let inside = false;
  let before = corners[corners.length - 1];
  for (const corner of corners) {
    if (before && corner.y > y !== before.y > y) {
      const crossing = before.x + ((y - before.y) / (corner.y - before.y)) * (corner.x - before.x);
      if (x < crossing) inside = !inside;
    }
    before = corner;
  }
  return inside;
}

/** Indices of the visible points inside, in ascending order; none for a line of fewer than three corners. */
export function caught(
  grid: PointGrid,
  x: Float32Array,
  y: Float32Array,
  corners: readonly Point[],
  visible: (index: number) => boolean,
): number[] {
  if (corners.length < 3) return [];

  const box = bounds(corners);
  const found: number[] = [];
  grid.each(box.left, box.bottom, box.right, box.top, (index) => {
    if (visible(index) && encloses(corners, x[index]!, y[index]!)) found.push(index);
  });
  return found.sort((a, b) => a - b);
}

export function bounds(corners: readonly Point[]): { left: number; right: number; bottom: number; top: number } {
  const box = { left: Infinity, right: -Infinity, bottom: Infinity, top: -Infinity };
  for (const { x, y } of corners) {
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x);
    box.bottom = Math.min(box.bottom, y);
    box.top = Math.max(box.top, y);
  }
  return box;
}
