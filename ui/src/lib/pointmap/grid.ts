/**
 * Points of the map in square cells, to find the one below the pointer without looking at all of them.
 *
 * Cells are filled by counting: `starts[cell]` is where its points begin in `order`. 100,000 points take some
 * milliseconds and no object each.
 */

const PER_CELL = 8;

export class PointGrid {
  private readonly side: number;
  private readonly starts: Uint32Array;
  private readonly order: Uint32Array;

  /** `x`, `y`: coordinates in -1..1; what lies outside is put in the nearest cell. */
  constructor(
    private readonly x: Float32Array,
    private readonly y: Float32Array,
  ) {
    this.side = Math.max(1, Math.min(512, Math.ceil(Math.sqrt(x.length / PER_CELL))));
    this.starts = new Uint32Array(this.side * this.side + 1);
    this.order = new Uint32Array(x.length);
    this.fill();
  }

  /** The visible point nearest to the place, at most `reach` away, or -1. Everything in units of the map. */
  nearest(x: number, y: number, reach: number, visible: (index: number) => boolean = () => true): number {
    let found = -1;
    let best = reach * reach;
    this.each(x - reach, y - reach, x + reach, y + reach, (index) => {
      const distance = (this.x[index]! - x) ** 2 + (this.y[index]! - y) ** 2;
      if (distance > best || !visible(index)) return;
      best = distance;
      found = index;
    });
    return found;
  }

  /** Calls for each point of every cell that the box touches: some of them lie a little outside. */
  each(left: number, bottom: number, right: number, top: number, see: (index: number) => void): void {
    const [firstColumn, lastColumn] = [this.cell(left), this.cell(right)];
    const [firstRow, lastRow] = [this.cell(bottom), this.cell(top)];
    for (let row = firstRow; row <= lastRow; row++) {
      const from = this.starts[row * this.side + firstColumn]!;
      const to = this.starts[row * this.side + lastColumn + 1]!;
      for (let at = from; at < to; at++) see(this.order[at]!);
    }
  }

  private cell(value: number): number {
    return Math.min(this.side - 1, Math.max(0, Math.floor(((value + 1) / 2) * this.side)));
  }

  private fill(): void {
    const cells = new Uint32Array(this.x.length);
    for (let index = 0; index < this.x.length; index++) {
      const cell = this.cell(this.y[index]!) * this.side + this.cell(this.x[index]!);
      cells[index] = cell;
      this.starts[cell + 1]!++;
    }
    for (let cell = 0; cell < this.side * this.side; cell++) this.starts[cell + 1]! += this.starts[cell]!;
    const next = this.starts.slice();
    for (let index = 0; index < this.x.length; index++) this.order[next[cells[index]!]!++] = index;
  }
}
