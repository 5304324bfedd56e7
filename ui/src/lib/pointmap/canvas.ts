/** Points on a plain canvas, pixel by pixel, for browsers without WebGL 2: squares that do not shine through. */

import { channels } from "./colours";
import type { Drawer, Look } from "./drawer";
import type { View } from "./view";

const LIT = 0.85;
const FADED = 0.09;

export class CanvasDrawer implements Drawer {
  readonly kind = "canvas";
  private x: Float32Array = new Float32Array();
  private y: Float32Array = new Float32Array();
  private colours: Uint8Array = new Uint8Array();
  private selected: Uint8Array | null = null;
  private readonly pen: CanvasRenderingContext2D | null;

  constructor(canvas: HTMLCanvasElement) {
    this.pen = canvas.getContext("2d");
  }

  place(x: Float32Array, y: Float32Array): void {
    this.x = x;
    this.y = y;
  }

  paint(colours: Uint8Array): void {
    this.colours = colours;
  }

  mark(selected: Uint8Array | null): void {
    this.selected = selected;
  }

  draw(view: View, look: Look): void {
    if (!this.pen) return;

    const picture = this.pen.createImageData(Math.round(view.width * look.ratio), Math.round(view.height * look.ratio));
    if (this.colours.length === this.x.length) {
      // What is faded lies below what is not.
      this.dot(picture, view, look, false);
      this.dot(picture, view, look, true);
    }
    this.pen.putImageData(picture, 0, 0);
  }

  settle(): void {
    this.pen?.getImageData(0, 0, 1, 1);
  }

  end(): void {
    // A plain canvas holds nothing that must be freed.
  }

  private dot(picture: ImageData, view: View, look: Look, lit: boolean): void {
    const pixels = new Uint32Array(picture.data.buffer);
    const inks = look.palette.map((colour) => inkOf(colour, lit ? LIT : FADED));
    const edge = Math.max(1, Math.round(look.size * look.ratio));
    const scale = view.scale * look.ratio;
    const left = (view.width / 2) * look.ratio - view.x * scale - edge / 2;
    const top = (view.height / 2) * look.ratio + view.y * scale - edge / 2;
    for (let index = 0; index < this.x.length; index++) {
      if (this.isLit(index, look.only) !== lit) continue;
      const x = Math.round(left + this.x[index]! * scale);
      const y = Math.round(top - this.y[index]! * scale);
      if (x < 0 || y < 0 || x + edge > picture.width || y + edge > picture.height) continue;
      const ink = inks[this.colours[index]!]!;
      for (let row = y; row < y + edge; row++) pixels.fill(ink, row * picture.width + x, row * picture.width + x + edge);
    }
  }

  private isLit(index: number, only: number): boolean {
    return (only < 0 || only === this.colours[index]) && (!this.selected || this.selected[index] === 1);
  }
}

/** A pixel of four bytes: red, green, blue and how much it covers, in the order of every machine that runs a browser. */
function inkOf(colour: string, alpha: number): number {
  const [red, green, blue] = channels(colour).map((channel) => Math.round(channel * 255));
  return ((Math.round(alpha * 255) << 24) | (blue! << 16) | (green! << 8) | red!) >>> 0;
}
