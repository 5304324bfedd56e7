/** Which colour each point has: the largest twelve groups get one each, the others share a grey. */

/** Points that belong to one name: a genre, a key, a cluster. */
export interface Group {
  name: string;
  count: number;
  /** Place in the palette. */
  colour: number;
}

export interface Colouring {
  /** Largest first; the last ones are what is left over and what has no name, if there are any. */
  groups: Group[];
  /** For each point the place in the palette. */
  of: Uint8Array;
}

export const NAMED = 12;
export const OTHER = NAMED;
export const NONE = NAMED + 1;
export const PALETTE_SIZE = NAMED + 2;

/**
 * Twelve hues that eyes with red-green or blue-yellow weakness still tell apart by lightness, next to each other in
 * order; then the grey of "other" and the one of "unknown". Each has a contrast of 3:1 at least with its page.
 */
export const ON_LIGHT = [
  "#0b5fb0", "#d1600a", "#00806a", "#b3005e", "#6a3fc4", "#8a6d00", "#0089b3", "#c4314b",
  "#3d7a1f", "#c04ec4", "#5a3a22", "#2b3a8f", "#7b818c", "#8f949c",
] as const;
export const ON_DARK = [
  "#4ea8ff", "#ff9d4d", "#2fd0ae", "#ff6aae", "#b79bff", "#f2cf3d", "#6fe3ff", "#ff7d7d",
  "#9bdc62", "#f2a6ff", "#d6b48a", "#8294ff", "#7d8492", "#646b79",
] as const;

/** Groups by size. `of`: for each point an index into `names`, or below 0 for none. */
export function colouring(names: readonly string[], of: ArrayLike<number>): Colouring {
  const counts = new Uint32Array(names.length);
  let unknown = 0;
  for (let index = 0; index < of.length; index++) {
    const name = of[index]!;
    if (name >= 0 && name < names.length) counts[name]!++;
    else unknown++;
  }
  const bySize = [...names.keys()].filter((name) => counts[name]! > 0).sort((a, b) => counts[b]! - counts[a]! || a - b);
  const places = new Uint8Array(names.length).fill(OTHER);
  bySize.slice(0, NAMED).forEach((name, place) => (places[name] = place));

  const groups = bySize
    .slice(0, NAMED)
    .map((name, place) => ({ name: names[name]!, count: counts[name]!, colour: place }));
  const left = bySize.slice(NAMED).reduce((sum, name) => sum + counts[name]!, 0);
  if (left) groups.push({ name: "", count: left, colour: OTHER });
  if (unknown) groups.push({ name: "", count: unknown, colour: NONE });
  return { groups, of: painted(of, names.length, places) };
}

function painted(of: ArrayLike<number>, names: number, places: Uint8Array): Uint8Array {
  const colours = new Uint8Array(of.length);
  for (let index = 0; index < of.length; index++) {
    const name = of[index]!;
    colours[index] = name >= 0 && name < names ? places[name]! : NONE;
  }
  return colours;
}

/** `#rrggbb` as red, green and blue in 0..1. */
export function channels(colour: string): [number, number, number] {
  const value = Number.parseInt(colour.slice(1), 16);
  return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255];
}
