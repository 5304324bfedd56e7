/** What draws the points: WebGL 2, or a plain canvas where there is none. */

import { CanvasDrawer } from "./canvas";
import { GlDrawer } from "./webgl";
import type { View } from "./view";

/** How a frame looks. */
export interface Look {
  palette: readonly string[];
  /** The only colour (place in the palette) that is not faded, or -1 for all. */
  only: number;
  /** Diameter of a point in CSS pixels. */
  size: number;
  /** Device pixels per CSS pixel. */
  ratio: number;
}

export interface Drawer {
  readonly kind: "webgl" | "canvas";
  /** New points, in -1..1. */
  place(x: Float32Array, y: Float32Array): void;
  /** For each point its place in the palette. */
  paint(colours: Uint8Array): void;
  /** For each point 1 when it is selected, else 0; `null`: nothing is. */
  mark(selected: Uint8Array | null): void;
  draw(view: View, look: Look): void;
  /** Wait until what was drawn is there: a graphics card draws later than it is told to. */
  settle(): void;
  /** Free what the graphics card holds. */
  end(): void;
}

/** The best drawer that this browser has. `again` is called when a lost context has come back. */
export function drawerFor(canvas: HTMLCanvasElement, again: () => void): Drawer {
  const gl = canvas.getContext("webgl2", { antialias: false, alpha: true, premultipliedAlpha: true });
  return gl ? new GlDrawer(canvas, gl, again) : new CanvasDrawer(canvas);
}
