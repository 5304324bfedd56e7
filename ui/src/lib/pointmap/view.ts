/** Which part of the map is on the screen. The map lies in -1..1 on both axes, y upwards; the screen is in CSS pixels. */

export interface View {
  /** The point of the map in the middle of the screen. */
  x: number;
  y: number;
  /** CSS pixels per unit of the map. */
  scale: number;
  /** Size of the screen in CSS pixels. */
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

/** Free pixels around the map when all of it is shown. */
const MARGIN = 24;
/** How far one can go in, as a multiple of the scale that shows everything. */
const CLOSEST = 400;

function fittingScale(width: number, height: number): number {
  return Math.max(1, (Math.min(width, height) - 2 * MARGIN) / 2);
}

/** The whole map, as large as the screen allows. */
export function fit(width: number, height: number): View {
  return { x: 0, y: 0, scale: fittingScale(width, height), width, height };
}

/** The same middle and the same zoom, relative to the whole, on a screen of another size. */
export function resized(view: View, width: number, height: number): View {
  const closeness = view.scale / fittingScale(view.width, view.height);
  return { ...view, scale: closeness * fittingScale(width, height), width, height };
}

export function toScreen(view: View, at: Point): Point {
  return { x: view.width / 2 + (at.x - view.x) * view.scale, y: view.height / 2 - (at.y - view.y) * view.scale };
}

export function toMap(view: View, at: Point): Point {
  return { x: view.x + (at.x - view.width / 2) / view.scale, y: view.y - (at.y - view.height / 2) / view.scale };
}

/** The view after the map was dragged by so many pixels. Its middle stays on the map. */
export function panned(view: View, dx: number, dy: number): View {
  return { ...view, x: within(view.x - dx / view.scale), y: within(view.y + dy / view.scale) };
}

/** The view `factor` times as close; what lies below `at` (pixels) stays below it. */
export function zoomed(view: View, factor: number, at: Point): View {
  const whole = fittingScale(view.width, view.height);
  const scale = Math.min(CLOSEST * whole, Math.max(whole / 2, view.scale * factor));
  const held = toMap(view, at);
  const x = held.x - (at.x - view.width / 2) / scale;
  const y = held.y + (at.y - view.height / 2) / scale;
  return { ...view, x: within(x), y: within(y), scale };
}

/** A view of the points in the box, with room around them. */
export function around(view: View, box: { left: number; right: number; bottom: number; top: number }): View {
  const wide = Math.max(box.right - box.left, 0.02);
  const high = Math.max(box.top - box.bottom, 0.02);
  const scale = 0.8 * Math.min(view.width / wide, view.height / high);
  const whole = fittingScale(view.width, view.height);
  return {
    ...view,
    x: (box.left + box.right) / 2,
    y: (box.bottom + box.top) / 2,
    scale: Math.min(CLOSEST * whole, Math.max(whole, scale)),
  };
}

/** How large a point is drawn, in CSS pixels: smaller when there are many, larger when one looks closely. */
export function pointSize(view: View, count: number): number {
  const closeness = view.scale / fittingScale(view.width, view.height);
  const far = count > 50_000 ? 2.4 : count > 5_000 ? 3.2 : 5;
  return Math.min(14, far * Math.max(1, Math.pow(closeness, 0.4)));
}

function within(value: number): number {
  return Math.min(1, Math.max(-1, value));
}
