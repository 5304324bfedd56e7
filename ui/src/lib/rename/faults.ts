// A template with its faults marked. Places are counted in characters, as the server does, not in UTF-16 units.

import type { Fault } from "./types";

export interface Piece {
  text: string;
  severity: Fault["severity"] | null;
}

/** The template in pieces, whose texts joined give it again. What is missing at its end is a piece of one space. */
export function pieces(template: string, faults: readonly Fault[]): Piece[] {
  const letters = Array.from(template);
  const marks: Piece["severity"][] = letters.map(() => null);
  let beyond: Piece["severity"] = null;
  for (const { position, length, severity } of faults) {
    if (position >= letters.length) beyond = stronger(beyond, severity);
    for (let at = position; at < Math.min(letters.length, position + Math.max(1, length)); at++)
      marks[at] = stronger(marks[at] ?? null, severity);
  }
  const found: Piece[] = [];
  letters.forEach((text, at) => {
    const last = found.at(-1);
    if (last && last.severity === marks[at]) last.text += text;
    else found.push({ text, severity: marks[at] ?? null });
  });
  return beyond ? [...found, { text: " ", severity: beyond }] : found;
}

/** Where a fault begins and ends in the field, in UTF-16 units. */
export function range(template: string, { position, length }: Fault): [number, number] {
  const letters = Array.from(template);
  const units = (from: number, to: number) => letters.slice(from, to).join("").length;
  const start = units(0, position);
  return [start, start + units(position, position + length)];
}

function stronger(one: Piece["severity"], other: Piece["severity"]): Piece["severity"] {
  return one === "error" || other === "error" ? "error" : (one ?? other);
}
