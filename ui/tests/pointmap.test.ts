import { describe, expect, it } from "vitest";
import { colouring, NONE, ON_DARK, ON_LIGHT, OTHER, PALETTE_SIZE } from "../src/lib/pointmap/colours";
import { PointGrid } from "../src/lib/pointmap/grid";
import { placed } from "../src/lib/pointmap/labels";
import { bounds, caught, encloses } from "../src/lib/pointmap/lasso";
import { boxOf, colouringOf, membersOf, pointsOf } from "../src/lib/pointmap/points";
import { around, fit, panned, resized, toMap, toScreen, zoomed } from "../src/lib/pointmap/view";
import type { MapAnswer } from "../src/lib/types";

/** The same numbers at every run. */
function scattered(count: number, seed = 7): [Float32Array, Float32Array] {
  let state = seed;
  const next = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return (state / 2_147_483_648) * 2 - 1;
  };
  return [Float32Array.from({ length: count }, next), Float32Array.from({ length: count }, next)];
}

const everything = () => true;

describe("view", () => {
  const view = fit(800, 600);

  it("shows the whole map", () => {
    for (const corner of [{ x: -1, y: -1 }, { x: 1, y: 1 }]) {
      const { x, y } = toScreen(view, corner);
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x).toBeLessThanOrEqual(800);
      expect(y).toBeGreaterThanOrEqual(0);
      expect(y).toBeLessThanOrEqual(600);
    }
  });

  it("has y upwards and the middle in the middle", () => {
    expect(toScreen(view, { x: 0, y: 0 })).toEqual({ x: 400, y: 300 });
    expect(toScreen(view, { x: 0, y: 1 }).y).toBeLessThan(300);
  });

  it("goes there and back", () => {
    const moved = zoomed(panned(view, 33, -21), 3.7, { x: 120, y: 480 });
    const back = toMap(moved, toScreen(moved, { x: 0.31, y: -0.77 }));
    expect(back.x).toBeCloseTo(0.31, 10);
    expect(back.y).toBeCloseTo(-0.77, 10);
  });

  it("zooms about the pointer", () => {
    const at = { x: 500, y: 250 };
    const before = toMap(view, at);
    const after = toMap(zoomed(view, 2.5, at), at);
    expect(after.x).toBeCloseTo(before.x, 10);
    expect(after.y).toBeCloseTo(before.y, 10);
  });

  it("moves what is dragged with the pointer", () => {
    const start = toScreen(view, { x: 0.1, y: 0.1 });
    const end = toScreen(panned(view, 40, 25), { x: 0.1, y: 0.1 });
    expect(end.x - start.x).toBeCloseTo(40, 8);
    expect(end.y - start.y).toBeCloseTo(25, 8);
  });

  it("never loses the map, nor zooms without end", () => {
    expect(panned(view, 1e9, -1e9)).toMatchObject({ x: -1, y: -1 });
    const near = zoomed(view, 1e12, { x: 0, y: 0 });
    expect(Number.isFinite(near.scale)).toBe(true);
    expect(zoomed(view, 1e-12, { x: 0, y: 0 }).scale).toBeGreaterThan(0);
  });

  it("keeps its middle on a screen of another size", () => {
    const small = resized(zoomed(view, 4, { x: 100, y: 100 }), 390, 500);
    expect(small.width).toBe(390);
    expect(small.scale / fit(390, 500).scale).toBeCloseTo(4, 8);
  });

  it("brings a box on the screen", () => {
    const shown = around(view, { left: 0.2, right: 0.4, bottom: -0.5, top: -0.4 });
    for (const corner of [{ x: 0.2, y: -0.5 }, { x: 0.4, y: -0.4 }]) {
      const { x, y } = toScreen(shown, corner);
      expect(x).toBeGreaterThan(0);
      expect(x).toBeLessThan(800);
      expect(y).toBeGreaterThan(0);
      expect(y).toBeLessThan(600);
    }
    expect(shown.scale).toBeGreaterThan(view.scale);
  });
});

describe("picking", () => {
  const [x, y] = scattered(20_000);
  const grid = new PointGrid(x, y);

  function nearestOfAll(atX: number, atY: number, reach: number, visible: (index: number) => boolean): number {
    let found = -1;
    let best = reach;
    for (let index = 0; index < x.length; index++) {
      const distance = Math.hypot(x[index]! - atX, y[index]! - atY);
      if (distance <= best && visible(index)) [found, best] = [index, distance];
    }
    return found;
  }

  it("finds what a look at all points finds", () => {
    const [placesX, placesY] = scattered(200, 99);
    const odd = (index: number) => index % 2 === 1;
    for (let at = 0; at < placesX.length; at++) {
      for (const [reach, visible] of [[0.004, everything], [0.05, odd]] as const) {
        const expected = nearestOfAll(placesX[at]!, placesY[at]!, reach, visible);
        expect(grid.nearest(placesX[at]!, placesY[at]!, reach, visible)).toBe(expected);
      }
    }
  });

  it("finds nothing where there is nothing", () => {
    expect(grid.nearest(5, 5, 0.1)).toBe(-1);
    expect(new PointGrid(new Float32Array(), new Float32Array()).nearest(0, 0, 1)).toBe(-1);
  });

  it("keeps points on and beyond the edge", () => {
    const edge = new PointGrid(Float32Array.of(1, -1, 1.2), Float32Array.of(1, -1, 0));
    expect(edge.nearest(1, 1, 0.01)).toBe(0);
    expect(edge.nearest(-1, -1, 0.01)).toBe(1);
    expect(edge.nearest(1.2, 0, 0.01)).toBe(2);
  });

  it("sees each point once in a box of everything", () => {
    const seen = new Uint8Array(x.length);
    grid.each(-1, -1, 1, 1, (index) => seen[index]!++);
    expect(seen.every((times) => times === 1)).toBe(true);
  });
});

describe("lasso", () => {
  const arrow = [{ x: 0, y: 0 }, { x: 1, y: 1 }, { x: 0, y: 0.5 }, { x: -1, y: 1 }];

  it("follows a line that bends inwards", () => {
    expect(encloses(arrow, 0, 0.3)).toBe(true);
    expect(encloses(arrow, 0, 0.7)).toBe(false);
    expect(encloses(arrow, 0.8, 0.85)).toBe(true);
    expect(encloses(arrow, 0, -0.1)).toBe(false);
  });

  it("does not care in which direction it was drawn", () => {
    const turned = [...arrow].reverse();
    for (const [x, y] of [[0, 0.3], [0, 0.7], [0.8, 0.85]] as const) {
      expect(encloses(turned, x, y)).toBe(encloses(arrow, x, y));
    }
  });

  it("catches exactly what lies inside and is visible", () => {
    const [x, y] = scattered(5000);
    const grid = new PointGrid(x, y);
    const visible = (index: number) => index % 3 !== 0;
    const expected = [...x.keys()].filter((index) => visible(index) && encloses(arrow, x[index]!, y[index]!));
    expect(expected.length).toBeGreaterThan(100);
    expect(caught(grid, x, y, arrow, visible)).toEqual(expected);
  });

  it("catches nothing with a line of two corners", () => {
    const grid = new PointGrid(Float32Array.of(0), Float32Array.of(0));
    expect(caught(grid, Float32Array.of(0), Float32Array.of(0), arrow.slice(0, 2), everything)).toEqual([]);
  });

  it("has the bounds of its corners", () => {
    expect(bounds(arrow)).toEqual({ left: -1, right: 1, bottom: 0, top: 1 });
  });
});

describe("colours", () => {
  it("gives the twelve largest groups one each, and two greys to the rest", () => {
    const names = Array.from({ length: 15 }, (_, place) => `genre ${place}`);
    const of = names.flatMap((_, place) => Array<number>(place + 1).fill(place)).concat([-1, -1, 99]);
    const { groups, of: painted } = colouring(names, of);

    expect(groups[0]).toEqual({ name: "genre 14", count: 15, colour: 0 });
    expect(groups).toHaveLength(PALETTE_SIZE);
    expect(groups.at(-2)).toMatchObject({ colour: OTHER, count: 1 + 2 + 3 });
    expect(groups.at(-1)).toMatchObject({ colour: NONE, count: 3 });
    expect(groups.reduce((sum, group) => sum + group.count, 0)).toBe(of.length);
    expect(painted[0]).toBe(OTHER);
    expect(painted.at(-1)).toBe(NONE);
    expect(painted[of.indexOf(14)]).toBe(0);
  });

  it("has no empty groups", () => {
    expect(colouring(["a", "b"], [0, 0]).groups).toEqual([{ name: "a", count: 2, colour: 0 }]);
  });

  it.each([
    ["light", ON_LIGHT, "#f6f6f8"],
    ["dark", ON_DARK, "#131418"],
  ] as const)("stands out from a %s page", (_, palette, page) => {
    expect(palette).toHaveLength(PALETTE_SIZE);
    expect(new Set(palette).size).toBe(PALETTE_SIZE);
    for (const colour of palette) expect(contrast(colour, page), colour).toBeGreaterThan(2.8);
  });
});

function contrast(one: string, other: string): number {
  const light = (colour: string) => {
    const parts = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255);
    const [red, green, blue] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  };
  const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
  return (high! + 0.05) / (low! + 0.05);
}

describe("names of clusters", () => {
  it("lie in view, the larger first, and none upon another", () => {
    const view = fit(800, 600);
    const clusters = [
      { id: 1, label: "small", count: 5, x: 0, y: 0 },
      { id: 2, label: "large", count: 50, x: 0.01, y: 0.01 },
      { id: 3, label: "", count: 70, x: 0.5, y: 0.5 },
      { id: 4, label: "elsewhere", count: 1, x: -0.5, y: -0.5 },
      { id: 5, label: "outside", count: 1, x: 3, y: 0 },
    ];
    expect(placed(view, clusters).map((label) => label.id)).toEqual([2, 4]);
  });
});

describe("a map that the server gave", () => {
  const answer = {
    ids: [10, 11, 12],
    x: [0, 0.5, -0.5],
    y: [0, 0.1, -0.1],
    cluster: [7, 7, 3],
    clusters: [
      { id: 3, label: "", count: 1, x: -0.5, y: -0.1 },
      { id: 7, label: "Calm", count: 2, x: 0.25, y: 0.05 },
    ],
    genre: { names: ["Jazz"], of: [-1, 0, 0] },
    key: { names: [], of: [-1, -1, -1] },
  } as unknown as MapAnswer;

  it("is coloured by its clusters, whatever their ids", () => {
    const { groups, of } = colouringOf(answer, "cluster", (id) => `number ${id}`);
    expect(groups.map((group) => [group.name, group.count])).toEqual([["Calm", 2], ["number 3", 1]]);
    expect([...of]).toEqual([0, 0, 1]);
  });

  it("is coloured by its genres", () => {
    expect([...colouringOf(answer, "genre", String).of]).toEqual([NONE, 0, 0]);
  });

  it("knows who belongs to a cluster, and where they lie", () => {
    const points = pointsOf(answer);
    expect(membersOf(points, 7)).toEqual([0, 1]);
    const box = boxOf(points, [0, 1]);
    expect(box.left).toBe(0);
    expect(box.right).toBe(0.5);
  });
});
