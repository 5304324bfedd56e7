/** Fingers, mouse and wheel on the map, turned into what they mean. Places in CSS pixels from its upper left corner. */

import type { Point } from "./view";

export interface Meaning {
  pan(dx: number, dy: number): void;
  zoom(factor: number, at: Point): void;
  /** The line of a selection so far; with `done` it is closed. */
  lasso(corners: Point[], done: boolean): void;
  click(at: Point): void;
  /** The pointer rests or moves with no button held; `null`: it has left. */
  hover(at: Point | null): void;
  /** Whether a drag selects rather than moves the map. */
  selects(event: PointerEvent): boolean;
}

/** A pointer that moved less was clicked. */
const STILL = 4;
/** Corners of a selection are this far apart. */
const STEP = 3;

/** Listens on the element until the returned function is called. */
export function gestures(element: HTMLElement, meaning: Meaning): () => void {
  const pointers = new Map<number, Point>();
  let corners: Point[] | null = null;
  let begun: Point | null = null;
  let still = false;

  function place(event: MouseEvent): Point {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  function down(event: PointerEvent): void {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    const at = place(event);
    pointers.set(event.pointerId, at);
    begun = at;
    meaning.hover(null);
    still = pointers.size === 1;
    corners = still && meaning.selects(event) ? [at] : null;
  }

  function move(event: PointerEvent): void {
    const at = place(event);
    const before = pointers.get(event.pointerId);
    if (!before) return meaning.hover(at);
    if (begun && distance(begun, at) > STILL) still = false;
    if (corners) return draw(corners, at);
    if (still) return;

    if (pointers.size === 2) pinch(event.pointerId, before, at);
    else if (pointers.size === 1) meaning.pan(at.x - before.x, at.y - before.y);
    pointers.set(event.pointerId, at);
  }

  function draw(line: Point[], at: Point): void {
    if (distance(line[line.length - 1]!, at) < STEP) return;
    line.push(at);
    meaning.lasso(line, false);
  }

  function pinch(moving: number, before: Point, at: Point): void {
    const other = [...pointers].find(([id]) => id !== moving)![1];
    const middle = { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 };
    meaning.pan((at.x - before.x) / 2, (at.y - before.y) / 2);
    meaning.zoom(distance(at, other) / Math.max(1, distance(before, other)), middle);
  }

  function up(event: PointerEvent): void {
    if (!pointers.delete(event.pointerId)) return;
    if (corners && !still) meaning.lasso(corners, true);
    else if (still && event.type === "pointerup") meaning.click(place(event));
    corners = null;
    still = false;
  }

  function wheel(event: WheelEvent): void {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    // A pinch on a touch pad comes as a wheel with Ctrl held, in small steps.
    meaning.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0015)), place(event));
  }

  const leave = () => meaning.hover(null);
  element.addEventListener("pointerdown", down);
  element.addEventListener("pointermove", move);
  element.addEventListener("pointerup", up);
  element.addEventListener("pointercancel", up);
  element.addEventListener("pointerleave", leave);
  element.addEventListener("wheel", wheel, { passive: false });
  return () => {
    element.removeEventListener("pointerdown", down);
    element.removeEventListener("pointermove", move);
    element.removeEventListener("pointerup", up);
    element.removeEventListener("pointercancel", up);
    element.removeEventListener("pointerleave", leave);
    element.removeEventListener("wheel", wheel);
  };
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
