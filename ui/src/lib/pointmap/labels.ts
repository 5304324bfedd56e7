/** Which names of clusters find room on the screen. */

import { toScreen, type View } from "./view";

export interface Named {
  id: number;
  label: string;
  count: number;
  x: number;
  y: number;
}

export interface Placed {
  id: number;
  label: string;
  /** Middle of the words in CSS pixels. */
  left: number;
  top: number;
}

const MOST = 40;
const LETTER = 7;
const LINE = 20;
const GAP = 8;

/** Names of the largest clusters in view, none upon another. */
export function placed(view: View, clusters: readonly Named[]): Placed[] {
  const taken: { left: number; top: number; half: number }[] = [];
  const found: Placed[] = [];
  for (const cluster of [...clusters].sort((a, b) => b.count - a.count)) {
    if (!cluster.label || found.length >= MOST) continue;
    const { x: left, y: top } = toScreen(view, cluster);
    const half = (cluster.label.length * LETTER) / 2;
    if (left < half || top < LINE / 2 || left > view.width - half || top > view.height - LINE / 2) continue;
    const crowded = taken.some(
      (other) => Math.abs(other.left - left) < other.half + half + GAP && Math.abs(other.top - top) < LINE,
    );
    if (crowded) continue;
    taken.push({ left, top, half });
    found.push({ id: cluster.id, label: cluster.label, left, top });
  }
  return found;
}
